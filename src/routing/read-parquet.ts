/** Parquet: the fields of a route as columns, the header as JSON in the file's own metadata. */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { FormatError } from '../record/errors.ts';
import { BlockBuilder } from './block-builder.ts';
import { COMPRESSORS } from './parquet-compression.ts';
import { routeOf } from './parse-line.ts';
import type { Reading } from './read-jsonl.ts';
import { readHeader, type TraceHeader } from './trace-header.ts';

const COLUMNS = ['req_id', 'token_idx', 'layer', 'topk_ids', 'topk_weights'];
const OPTIONAL = ['type', 'phase'];
const SLOW_ROWS = 10_000;
const DEFAULT_TOP_K = 4;

interface OpenParquet {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
}

async function openParquet(path: string): Promise<OpenParquet> {
  try {
    const file = await asyncBufferFromFile(path);
    return { file, metadata: await parquetMetadataAsync(file) };
  } catch (cause) {
    const told = (cause as Error).message;
    throw new FormatError(`${path} is no whole Parquet file: ${told}`, { cause });
  }
}

/** Names of the top-level columns. */
function columnsOf({ metadata }: OpenParquet): string[] {
  const groups = metadata.row_groups.flatMap(({ columns }) => columns);
  return [...new Set(groups.map(({ meta_data: of }) => of?.path_in_schema[0] ?? ''))];
}

export async function peekParquet(
  path: string,
): Promise<{ header: TraceHeader | null; topK: number }> {
  const open = await openParquet(path);
  const columns = columnsOf(open);
  const missing = COLUMNS.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new FormatError(`${path} has no columns ${missing.join(', ')}`, {
      hint: `its columns are ${columns.join(', ') || 'none'}: a trace has ${COLUMNS.join(', ')}`,
    });
  }
  const header = headerIn(open.metadata);
  const [first] = await rowsOf(path, open, { start: 0, end: 1 });
  const ids = first?.topk_ids;
  const topK = Array.isArray(ids) ? ids.length : (header?.topK ?? DEFAULT_TOP_K);
  return { header, topK };
}

/** A value of the key-value metadata that is a meta record. */
function headerIn({ key_value_metadata: pairs = [] }: FileMetaData): TraceHeader | null {
  for (const { value } of pairs) {
    try {
      const record = JSON.parse(value ?? '');
      if (record?.type === 'meta') return readHeader(record, 0);
    } catch {
      // Not ours.
    }
  }
  return null;
}

export async function readParquet(reading: Reading): Promise<void> {
  const { path, receiver, signal } = reading;
  const open = await openParquet(path);
  const builder = new BlockBuilder(reading.topK);
  const at = { before: 0, mapping: [] };
  const total = Number(open.metadata.num_rows);
  for (let start = 0; start < total; start += SLOW_ROWS) {
    const rows = await rowsOf(path, open, { start, end: Math.min(start + SLOW_ROWS, total) });
    for (const [i, row] of rows.entries()) {
      builder.add(routeOf({ type: 'route', ...row }), start + i);
      if (builder.isFull) receiver.receive(builder.take(), at);
    }
    reading.onProgress(Math.floor((reading.bytes * start) / total));
    signal.throwIfAborted();
  }
  receiver.receive(builder.take(), at);
}

async function rowsOf(
  path: string,
  { file, metadata }: OpenParquet,
  { start, end }: { start: number; end: number },
): Promise<Record<string, unknown>[]> {
  const wanted = [...COLUMNS, ...OPTIONAL];
  const columns = columnsOf({ file, metadata }).filter((name) => wanted.includes(name));
  try {
    const options = { file, metadata, columns, compressors: COMPRESSORS };
    const rows = await parquetReadObjects({ ...options, rowStart: start, rowEnd: end });
    return rows.map(plainRow);
  } catch (cause) {
    const told = (cause as Error).message;
    throw new FormatError(`${path}: rows ${start + 1} to ${end} cannot be read: ${told}`, {
      cause,
    });
  }
}

/** 64-bit integers as numbers; absent values away. */
function plainRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value);
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
    return Array.isArray(value) ? value.map(plain) : value;
  };
  const entries = Object.entries(row).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
}
