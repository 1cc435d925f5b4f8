/** A routing trace of any kind that is read: JSON lines, plain or gzip, or Parquet. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { Cancelled, FormatError } from '../record/errors.ts';
import { storageError } from '../record/storage-error.ts';
import { BlockReceiver, type UseBlock } from './block-receiver.ts';
import { parseLine } from './parse-line.ts';
import { readGzip } from './read-gzip.ts';
import { type Reading, readJsonl } from './read-jsonl.ts';
import { readHeader, type TraceHeader } from './trace-header.ts';
import { ProblemLog } from './trace-problem.ts';

export type TraceKind = 'jsonl' | 'jsonl.gz' | 'parquet';

/** What is known before the routes are read. */
export interface TracePeek {
  readonly path: string;
  readonly kind: TraceKind;
  readonly bytes: number;
  readonly header: TraceHeader | null;
  readonly topK: number;
}

export interface TraceRead extends TracePeek {
  readonly rows: number;
  /** Names of requests by their number in the blocks. */
  readonly names: readonly string[];
  /** Lines that JSON.parse read. */
  readonly slowLines: number;
  readonly problems: ProblemLog;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly problems?: ProblemLog;
  onProgress?(bytes: number, of: number): void;
}

/** So much of a file is looked at for its header and its first routes. */
const PEEK_BYTES = 1 << 20;
const DEFAULT_TOP_K = 4;
const TRACE_NAMES = ['routing.jsonl', 'routing.jsonl.gz', 'routing.parquet'];

/**
 * Reads the trace and gives its rows to what `open` returns, block by block, in the order of the
 * file. A directory stands for the trace of the run in it. Throws FormatError for what is no trace
 * at all; everything else that is wrong goes to `problems`.
 */
export async function readTrace(
  given: string,
  open: (peek: TracePeek, problems: ProblemLog) => UseBlock,
  options: ReadOptions = {},
): Promise<TraceRead> {
  const { signal = new AbortController().signal, problems = new ProblemLog() } = options;
  const path = traceIn(given);
  const { read, ...peek } = await peekTrace(path, problems);
  const receiver = new BlockReceiver(problems, open(peek, problems));
  const reading = {
    ...{ path, bytes: peek.bytes, topK: peek.topK, receiver, signal },
    onProgress: (bytes: number) => options.onProgress?.(bytes, peek.bytes),
  };
  try {
    await read(reading);
  } catch (cause) {
    if (signal.aborted) throw new Cancelled();
    throw cause;
  }
  checkHeader(peek, receiver, problems);
  const { rows, names, slowLines } = receiver;
  return { ...peek, rows, names, slowLines, problems };
}

/** The trace of a run directory, or the file itself. */
function traceIn(given: string): string {
  try {
    if (!statSync(given).isDirectory()) return given;
  } catch (cause) {
    throw storageError({ doing: 'read', path: given, cause });
  }
  const found = TRACE_NAMES.map((name) => join(given, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new FormatError(`${given} has no routing trace`, {
    hint: `name a trace, or a run directory that has ${TRACE_NAMES.join(' or ')}`,
  });
}

interface Found extends TracePeek {
  read(reading: Reading): Promise<void>;
}

async function peekTrace(path: string, problems: ProblemLog): Promise<Found> {
  const { bytes, head } = headOf(path);
  if (bytes === 0) {
    throw new FormatError(`${path} is empty: no header and no routes`, {
      hint: 'was the run that wrote it stopped before its first token?',
    });
  }
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') {
    // Loaded for such files only.
    const { peekParquet } = await import('./read-parquet.ts');
    return { path, kind: 'parquet', bytes, ...(await peekParquet(path)) };
  }
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const text = isGzip ? unpackedHead(head, path) : head;
  const found = { path, bytes, ...firstOf(text.toString('utf8')) };
  return isGzip
    ? { ...found, kind: 'jsonl.gz', read: (reading) => readGzip(reading, problems) }
    : { ...found, kind: 'jsonl', read: readJsonl };
}

function headOf(path: string): { bytes: number; head: Buffer } {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const { size } = statSync(path);
      const head = Buffer.alloc(Math.min(PEEK_BYTES, size));
      return { bytes: size, head: head.subarray(0, readSync(descriptor, head, 0, head.length, 0)) };
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw storageError({ doing: 'read', path, cause });
  }
}

function unpackedHead(head: Buffer, path: string): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    const told = (cause as Error).message;
    throw new FormatError(`${path} begins as gzip and cannot be unpacked: ${told}`, { cause });
  }
}

/** The header, and how many experts most of the first routes have. */
function firstOf(text: string): { header: TraceHeader | null; topK: number } {
  let header: TraceHeader | null = null;
  const sizes = new Map<number, number>();
  const end = text.lastIndexOf('\n');
  const lines = (end < 0 ? text : text.slice(0, end)).split('\n', 1000);
  for (const [i, line] of lines.entries()) {
    const parsed = parseLine(line);
    if (parsed.kind === 'meta') header ??= readHeader(parsed.value, i + 1);
    if (parsed.kind !== 'route') continue;
    const size = parsed.route.ids.length;
    sizes.set(size, (sizes.get(size) ?? 0) + 1);
  }
  const [most] = [...sizes].toSorted((a, b) => b[1] - a[1]);
  return { header, topK: most?.[0] ?? header?.topK ?? DEFAULT_TOP_K };
}

function checkHeader(peek: TracePeek, receiver: BlockReceiver, problems: ProblemLog): void {
  const { metas, firstRouteLine } = receiver;
  const [first, ...others] = metas;
  if (first === undefined) {
    if (peek.header === null) problems.add(1, 'header', 'no meta line: nothing says of what model');
  } else if (firstRouteLine !== null && first.line > firstRouteLine) {
    problems.add(first.line, 'header', 'the meta line comes after routes');
  } else if (first.line > 1) {
    problems.add(first.line, 'header', 'the meta line is not the first');
  }
  for (const { line } of others) problems.add(line, 'header', 'another meta line');
  const { header, topK } = peek;
  if (header === null) return;
  for (const problem of header.problems) problems.add(header.line, 'header', problem);
  if (header.topK !== null && header.topK !== topK) {
    const message = `top_k is ${header.topK}, and the routes have ${topK} experts`;
    problems.add(header.line, 'top-k', message);
  }
}
