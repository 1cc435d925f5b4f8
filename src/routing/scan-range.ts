/** Lines of a part of a file: those that begin in it. */
import { readSync } from 'node:fs';
import { LimitError } from '../record/errors.ts';
import type { BlockScanner } from './block-scanner.ts';

export const RANGE_BYTES = 1 << 22;
/** Read beyond the end of a part, for its last line. */
const TAIL_BYTES = 1 << 16;
export const MAX_LINE_BYTES = 1 << 26;
const NEWLINE = 10;

export interface ScannedFile {
  readonly descriptor: number;
  readonly path: string;
  readonly bytes: number;
}

/** Yields whenever a block is full (false), and at the end (true): the caller takes it. */
export function* scanRange(
  file: ScannedFile,
  range: { start: number; end: number },
  scanner: BlockScanner,
): Generator<boolean, void, void> {
  scanner.restart();
  // The byte before tells whether a line begins at the very start.
  const base = Math.max(0, range.start - 1);
  const limit = range.end - base;
  let to = fill(file, base, { scanner, from: 0, to: limit + TAIL_BYTES });
  let at = 0;
  if (range.start > 0) {
    const feed = scanner.input.indexOf(NEWLINE);
    at = feed < 0 || feed >= limit ? limit : feed + 1;
  }
  while (at < limit && at < to) {
    const stopped = scanner.scan({ from: at, to, limit });
    at = stopped;
    if (scanner.isFull) {
      yield false;
      continue;
    }
    if (at >= limit) break;
    // A line that goes on behind what was read, or the last of the file.
    if (base + to >= file.bytes) {
      scanner.finish({ from: at, to });
      break;
    }
    if (to - at > MAX_LINE_BYTES) {
      throw new LimitError(`${file.path}: a line is longer than ${MAX_LINE_BYTES} bytes`, {
        hint: 'routes stand one on a line: is this a trace at all?',
      });
    }
    to = fill(file, base, { scanner, from: to, to: 2 * to });
  }
  yield true;
}

/** Reads file bytes base + [from, to) to the same place of the input; how far it came. */
function fill(
  file: ScannedFile,
  base: number,
  { scanner, from, to }: { scanner: BlockScanner; from: number; to: number },
): number {
  const end = Math.min(to, file.bytes - base);
  scanner.reach(end);
  const { input } = scanner;
  let at = from;
  while (at < end) {
    const read = readSync(file.descriptor, input, at, end - at, base + at);
    // It was made shorter meanwhile.
    if (read === 0) break;
    at += read;
  }
  return at;
}
