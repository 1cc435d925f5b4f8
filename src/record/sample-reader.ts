/** Reading samples.jsonl back: nothing is dropped in silence. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from './errors.ts';
import { otherThanFile } from './regular-file.ts';
import { type SampleRow, sampleRowSchema } from './rows.ts';
import { checkLine, MAX_LINE_BYTES, SAMPLE_FILES } from './samples.ts';
import { storageError } from './storage-error.ts';

export interface SamplesRead {
  /** The rows of all good lines, in order. */
  rows: SampleRow[];
  /** What follows the last newline: a write that was cut off. Expected after a kill -9. */
  torn: { bytes: number } | null;
  /** Whole lines that cannot be trusted; `line` counts from 1. */
  corrupt: { line: number; reason: string }[];
}

const NEWLINE = 0x0a;
const PIECE_BYTES = 1 << 20;

/**
 * Reads a file in pieces of 1 MiB and checks every line: checksum, JSON, schema. With
 * `onCorrupt: 'throw'` the first bad line is a FormatError; by default bad lines are listed.
 * Throws StorageError when the file cannot be read.
 */
export function readSamples(
  path: string,
  options: { onCorrupt?: 'list' | 'throw' } = {},
): SamplesRead {
  const result: SamplesRead = { rows: [], torn: null, corrupt: [] };
  let line = 0;
  const rest = eachLine(path, (bytes) => {
    line += 1;
    const row = parseLine(bytes);
    if ('kind' in row) {
      result.rows.push(row);
      return;
    }
    if (options.onCorrupt === 'throw') {
      throw new FormatError(`${path}, line ${line}: ${row.reason}`, {
        hint: 'The file was changed or damaged: measure again, or restore it from a copy.',
        details: { path, line, reason: row.reason },
      });
    }
    result.corrupt.push({ line, reason: row.reason });
  });
  if (rest > 0) result.torn = { bytes: rest };
  return result;
}

/** The rows of all sample files of a run; bad lines are dropped here and reported by `verify`. */
export function readRunRows(runDir: string): SampleRow[] {
  return SAMPLE_FILES.map((file) => join(runDir, file))
    .filter((path) => existsSync(path))
    .flatMap((path) => readSamples(path).rows);
}

function parseLine(bytes: Uint8Array | null): SampleRow | { reason: string } {
  if (bytes === null) return { reason: `longer than ${MAX_LINE_BYTES} bytes` };
  const checked = checkLine(bytes);
  if ('reason' in checked) return checked;
  let value: unknown;
  try {
    value = JSON.parse(checked.text);
  } catch (error) {
    return { reason: `not JSON: ${(error as Error).message}` };
  }
  const row = sampleRowSchema.safeParse(value);
  if (row.success) return row.data;
  const issue = row.error.issues[0];
  return { reason: `not a sample row: ${issue?.path.join('.') || '(row)'}: ${issue?.message}` };
}

/**
 * Calls `onLine` for every line that ends in a newline, with null in place of one that is too long
 * to hold; the bytes are valid during the call. Returns the number of bytes behind the last
 * newline.
 */
function eachLine(path: string, onLine: (line: Uint8Array | null) => void): number {
  const { file, bytes } = open(path);
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes + 1));
  let held: Buffer[] = [];
  let heldBytes = 0;
  const hold = (part: Buffer): void => {
    heldBytes += part.length;
    if (heldBytes <= MAX_LINE_BYTES) held.push(Buffer.from(part));
    else held = [];
  };
  /** A line that lies whole in the piece is not copied. */
  const whole = (part: Buffer): Buffer | null => {
    if (heldBytes === 0 && part.length <= MAX_LINE_BYTES) return part;
    hold(part);
    return heldBytes <= MAX_LINE_BYTES ? Buffer.concat(held) : null;
  };
  try {
    for (;;) {
      const got = readSync(file, piece, 0, piece.length, null);
      if (got === 0) return heldBytes;
      let from = 0;
      for (;;) {
        const end = piece.subarray(0, got).indexOf(NEWLINE, from);
        if (end < 0) break;
        onLine(whole(piece.subarray(from, end)));
        held = [];
        heldBytes = 0;
        from = end + 1;
      }
      hold(piece.subarray(from, got));
    }
  } finally {
    closeSync(file);
  }
}

function open(path: string): { file: number; bytes: number } {
  try {
    const stats = statSync(path);
    const what = otherThanFile(stats);
    if (what !== null) throw new Error(`it is ${what}, not a file`);
    return { file: openSync(path, 'r'), bytes: stats.size };
  } catch (cause) {
    throw storageError({ doing: 'read', path, cause });
  }
}
