/** Opens a log and feeds a scanner: sparse, growing, rotated, forbidden, or not a file at all. */
import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import type { Finding } from '../record/schema.ts';
import { LineScanner } from './line-scanner.ts';
import type { LogLine } from './log-line.ts';
import { buildAutomaton } from './needles.ts';
import { type FileScan, FileScanner, TAIL_BYTES } from './scan-file.ts';

const CHUNK = 1 << 18;
const TURN_MS = 50;
const buffer = Buffer.allocUnsafe(CHUNK);

export interface ReadLog {
  readonly scan: FileScan;
  /** What happened to the file meanwhile. */
  readonly findings: readonly Finding[];
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** The event loop gets a turn this often, for Ctrl-C and progress. */
  readonly turnMs?: number;
  onBytes?(bytes: number): void;
}

/**
 * Reads what the file had when it was opened. Throws the file system's error; EINVAL with a message
 * for what is no regular file (a FIFO put in its place would block, so it is opened non-blocking).
 */
export async function readLog(
  file: string,
  path: string,
  options: ReadOptions = {},
): Promise<ReadLog> {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = fstatSync(handle);
    if (!before.isFile()) throw new Error('not a regular file');
    const scanner = new FileScanner(path);
    const read = await feed(handle, before.size, { ...options, scanner });
    const scan = scanner.end();
    return { scan, findings: changes(before, fstatSync(handle), read) };
  } finally {
    closeSync(handle);
  }
}

const NO_NEEDLES = buildAutomaton([]);

/**
 * Every line of a log, in order, `\r` ending one too; of a line over 16 KiB its beginning. The line
 * is valid during the call only. Throws as readLog does.
 */
export async function eachLine(
  file: string,
  visit: (line: LogLine) => void,
  options: ReadOptions = {},
): Promise<void> {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new Error('not a regular file');
    const all = { wantUntil: Number.POSITIVE_INFINITY, isSkimming: false, skim: () => -1 };
    const listener = { ...all, onLine: visit };
    const lines = new LineScanner(NO_NEEDLES, listener);
    const scanner = { push: (chunk: Buffer) => lines.push(chunk, chunk.length) };
    await feed(handle, stat.size, { ...options, scanner });
    lines.end();
  } finally {
    closeSync(handle);
  }
}

async function feed(
  handle: number,
  size: number,
  {
    scanner,
    signal,
    onBytes,
    turnMs = TURN_MS,
  }: ReadOptions & { scanner: Pick<FileScanner, 'push'> },
): Promise<number> {
  let offset = 0;
  let turn = performance.now();
  const tail = Math.max(0, size - TAIL_BYTES);
  while (offset < size) {
    signal?.throwIfAborted();
    const end = offset < tail ? Math.min(tail, offset + CHUNK) : size;
    const n = readSync(handle, buffer, 0, Math.min(CHUNK, end - offset), offset);
    if (n === 0) break;
    scanner.push(buffer.subarray(0, n), offset >= tail);
    offset += n;
    if (performance.now() - turn >= turnMs) {
      onBytes?.(offset);
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
  }
  return offset;
}

function changes(before: Stats, after: Stats, read: number): Finding[] {
  const say = (message: string): Finding[] => [
    { code: 'changed-while-read', severity: 'warning', message },
  ];
  if (read < before.size || after.size < before.size) {
    return say(`was cut from ${before.size} to ${after.size} bytes while it was read`);
  }
  if (after.size > before.size) {
    return say(
      `grew by ${after.size - before.size} bytes while it was read: those are not in here`,
    );
  }
  if (after.mtimeMs !== before.mtimeMs) return say('was written to while it was read');
  return [];
}
