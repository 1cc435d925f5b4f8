/**
 * Lines of a file that a user's pattern matches. The engine is linear in the text (RE2's): no
 * pattern makes it hang. A line is read to a bound, a file in pieces: neither 100 MB in one line
 * nor 10 GB in one file need more memory.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { RE2JS } from 're2js';
import type { Evidence } from '../logs/log-index.ts';
import { withoutColours } from '../logs/log-line.ts';
import { sha256Hex } from '../record/canonical.ts';
import { UsageError } from '../record/errors.ts';

const PIECE = 1 << 20;
/** What is longer is searched in its first MiB. */
const MAX_LINE = 1 << 20;
const MAX_TEXT = 500;

export interface RawLine {
  /** From 1, counted by `\n`. */
  readonly number: number;
  /** Byte offsets in the file, line break not included. */
  readonly start: number;
  readonly end: number;
  /** The first MiB. */
  readonly bytes: Buffer;
}

/**
 * Lines as `grep` sees them. Throws what the file system throws, and for what is no regular file
 * (a FIFO that was put in its place would block for ever).
 */
export function* linesOf(path: string): Generator<RawLine> {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('not a regular file');
    const piece = Buffer.allocUnsafe(PIECE);
    let kept: Buffer = Buffer.alloc(0);
    let number = 1;
    let start = 0;
    let offset = 0;
    for (;;) {
      const got = readSync(file, piece, 0, PIECE, null);
      if (got === 0) break;
      let from = 0;
      for (;;) {
        const at = piece.subarray(0, got).indexOf(10, from);
        if (at < 0) break;
        const bytes = joined(kept, piece.subarray(from, at));
        yield { number, start, end: offset + at, bytes };
        kept = Buffer.alloc(0);
        number++;
        from = at + 1;
        start = offset + from;
      }
      kept = joined(kept, piece.subarray(from, got));
      offset += got;
    }
    if (offset > start) yield { number, start, end: offset, bytes: kept };
  } finally {
    closeSync(file);
  }
}

/** A copy, since the piece is read into again. */
function joined(kept: Buffer, rest: Buffer): Buffer {
  const room = MAX_LINE - kept.length;
  return Buffer.concat([kept, rest.subarray(0, Math.max(0, room))]);
}

export interface Pattern {
  readonly source: string;
  test(text: string): boolean;
  /** Captured groups of the first match, whole match first; null: none. */
  groups(text: string): (string | null)[] | null;
}

/** RE2 syntax. Throws UsageError: no look-around, no back-references, or a mistake in it. */
export function compilePattern(source: string, options: { ignoreCase?: boolean } = {}): Pattern {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new UsageError(`the pattern ${JSON.stringify(source)} is no RE2 syntax: ${why}`, {
      hint: 'patterns have RE2 syntax: no look-around and no back-references',
      cause,
    });
  }
  return {
    source,
    test: (text) => compiled.matcher(text).find(),
    groups(text) {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return null;
      return Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? null);
    },
  };
}

/** What decided something: hash bytes `start` … `end` of the file again to check it. */
export function evidenceOf(path: string, line: RawLine): Evidence {
  const { number, start, end } = line;
  const text = plainText(line).slice(0, MAX_TEXT);
  return { path, line: number, start, end, text, sha256: sha256Hex(line.bytes) };
}

/** Without terminal colours; what is not UTF-8 becomes U+FFFD. */
export function plainText({ bytes }: RawLine): string {
  return withoutColours(bytes.toString('utf8'));
}
