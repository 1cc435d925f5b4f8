/**
 * A file that differs in one digit from what a SHA-256 vouches for: which digit, what it was, and
 * the file as it was, so that everything else can still be checked against the truth.
 */
import { sha256Hex } from '../record/canonical.ts';
import { type Discrepancy, placeIn } from './discrepancy.ts';
import { jsonLeaves, leafAt, pathText } from './json-place.ts';
import { type ChangedDigit, recoverDigitByCrc } from './recover.ts';

export interface MendedFile {
  /** As it was. */
  readonly text: string;
  readonly discrepancy: Discrepancy;
}

export interface VouchedFile {
  /** Relative to the lab. */
  readonly file: string;
  /** As it stands. */
  readonly bytes: Buffer;
  readonly sha256: string;
  /** With it the digit is found in one pass, also in a file of many megabytes. */
  readonly crc32?: string;
  readonly run?: string;
  readonly code: string;
}

/** Bytes hashed at most in search of one digit: some seconds, whatever the file. */
const MOST_HASHED = 4e9;

/** null: more than one digit was changed, or the file is too large to try them all. */
export function mendFile(vouched: VouchedFile): MendedFile | null {
  const { file, bytes, run, code } = vouched;
  const changed = changedDigit(vouched);
  if (!changed) return null;
  const text = restored(bytes, changed).toString('utf8');
  const standing = bytes.toString('utf8');
  const at = bytes.subarray(0, changed.index).toString('utf8').length;
  const { start, end, what } = around(file, text, at);
  const owner = run === undefined ? file : `run ${run}`;
  const discrepancy: Discrepancy = {
    code,
    message: `${what} of ${owner} was changed`,
    ...(run === undefined ? {} : { run }),
    place: placeIn(file, standing, { start, end }),
    expected: text.slice(start, end),
    found: standing.slice(start, end),
  };
  return { text, discrepancy };
}

function restored(bytes: Buffer, { index, original }: ChangedDigit): Buffer {
  const before = Buffer.from(bytes);
  before.write(original, index, 'latin1');
  return before;
}

/** Tries every digit at every place; only the original fits the hash again. */
function changedDigit({ bytes, sha256, crc32 }: VouchedFile): ChangedDigit | null {
  if (crc32 !== undefined) {
    const fits = (digit: ChangedDigit): boolean => sha256Hex(restored(bytes, digit)) === sha256;
    return recoverDigitByCrc(bytes, Number.parseInt(crc32, 16)).find(fits) ?? null;
  }
  const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
  const places = [...bytes.keys()].filter((index) => isDigit(bytes[index] as number));
  if (places.length * 9 * bytes.length > MOST_HASHED) return null;
  const tried = Buffer.from(bytes);
  for (const index of places) {
    for (let digit = 0x30; digit <= 0x39; digit++) {
      tried[index] = digit;
      if (digit !== bytes[index] && sha256Hex(tried) === sha256) {
        return { index, original: String.fromCharCode(digit) };
      }
    }
    tried[index] = bytes[index] as number;
  }
  return null;
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** The JSON value that holds the digit, else the word. */
function around(file: string, text: string, at: number): Range {
  if (file.endsWith('.json')) {
    const leaf = leafAt(jsonLeaves(text), at);
    if (leaf) return { start: leaf.start, end: leaf.end, what: pathText(leaf.path) };
  }
  const part = /[\p{L}\p{N}.:+\-−~_]/u;
  let start = at;
  let end = at + 1;
  while (start > 0 && part.test(text[start - 1] as string)) start--;
  while (end < text.length && part.test(text[end] as string)) end++;
  return { start, end, what: 'a number' };
}
