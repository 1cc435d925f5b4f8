/**
 * samples.jsonl: one JSON object a line, each with a checksum of its own.
 *
 * A line is the row's JSON text R with one last key put in: `R without its final brace` +
 * `,"crc32":"xxxxxxxx"}` + `\n`, where xxxxxxxx is the CRC-32 (the one of zlib and PNG) of the
 * UTF-8 bytes of R, as 8 lower-case hex digits. CRC-32 finds every error burst of up to 32 bits, so
 * any one byte that changes is found; it is no defence against intent: the manifest's SHA-256 is.
 */
import { crc32 } from 'node:zlib';
import { crc32Hex, hex8 } from './canonical.ts';
import type { SampleRow } from './rows.ts';

export const SAMPLES_FILE = 'samples.jsonl';
/** Readings of the GPUs, in a file of their own: a sampler beside the worker appends them. */
export const GPU_SAMPLES_FILE = 'gpu.jsonl';
/** Every file that holds sample rows, in the order in which a run's rows are read. */
export const SAMPLE_FILES: readonly string[] = [SAMPLES_FILE, GPU_SAMPLES_FILE];
/** Longest line that is written or read: the bound on what a damaged file can make us hold. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const HEAD = Buffer.from(',"crc32":"');
const TAIL_BYTES = HEAD.length + 8 + 2;
const TAIL = /^,"crc32":"([0-9a-f]{8})"\}$/;
const SIGNIFICANT_DIGITS = 8;

/**
 * The number as it is recorded: rounded to 8 significant digits, null for NaN and ±Infinity.
 * Relative error ≤ 5e-8, below half a unit in the last place of an f32 (6e-8). Idempotent, because
 * a decimal of ≤ 15 digits survives the way through a double.
 */
export function compact(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Number(value.toPrecision(SIGNIFICANT_DIGITS));
}

/** An array of floats (a Float32Array too) as it goes into a row. */
export function compactAll(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, compact);
}

/** The line of a row, with its newline. Floats are compacted, integers are kept exactly. */
export function encodeRow(row: SampleRow): string {
  const text = JSON.stringify(
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, compactValue(value)])),
  );
  return `${text.slice(0, -1)},"crc32":"${crc32Hex(text)}"}\n`;
}

/** The JSON text of the row in one line (without its newline), or why it cannot be trusted. */
export function checkLine(line: Uint8Array): { text: string } | { reason: string } {
  const bytes = Buffer.isBuffer(line)
    ? line
    : Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  if (bytes.length === 0) return { reason: 'empty line' };
  const cut = bytes.length - TAIL_BYTES;
  const tail = cut > 0 ? bytes.toString('latin1', cut) : '';
  const stated = TAIL.exec(tail)?.[1];
  if (stated === undefined) return { reason: 'no checksum at the end of the line' };
  const found = hex8(crc32('}', crc32(bytes.subarray(0, cut))));
  if (found !== stated) return { reason: `checksum ${found}, the line says ${stated}` };
  return { text: `${bytes.toString('utf8', 0, cut)}}` };
}

/** Rows are flat: numbers, texts, lists of them. A JSON.stringify replacer costs twice the time. */
function compactValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : compact(value);
  return Array.isArray(value) ? value.map(compactValue) : value;
}
