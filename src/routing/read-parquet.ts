/** Parquet: the fields of a route as columns, the header as JSON in the file's own metadata. */
import { closeSync, openSync } from 'node:fs';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { FormatError } from '../record/errors.ts';
import { BLOCK_ROWS, BlockBuilder } from './block-builder.ts';
import { NameTable } from './name-table.ts';
import { PageKernel } from './page-kernel.ts';
import { COMPRESSORS } from './parquet-compression.ts';
import { type GroupColumns, listSize, readGroup } from './parquet-group.ts';
import { type ParsedLine, routeOf } from './parse-line.ts';
import type { Reading } from './read-jsonl.ts';
import { readHeader, type TraceHeader } from './trace-header.ts';

const COLUMNS = ['req_id', 'token_idx', 'layer', 'topk_ids', 'topk_weights'];
const OPTIONAL = ['type', 'phase'];
/** Rows that are objects at the same time. */
const SLOW_ROWS = 131_072;
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
  const topK = sizeOfLists(path, open) ?? (await sizeOfFirst(path, open));
  return { header, topK: topK ?? header?.topK ?? DEFAULT_TOP_K };
}

/** Elements of each list of experts in the first group, if it is of a kind that is read fast. */
function sizeOfLists(path: string, { metadata }: OpenParquet): number | null {
  const [group] = metadata.row_groups;
  if (group === undefined) return null;
  const descriptor = openSync(path, 'r');
  try {
    return listSize(
      { descriptor, metadata, kernel: new PageKernel(), names: new NameTable() },
      group,
    );
  } finally {
    closeSync(descriptor);
  }
}

async function sizeOfFirst(path: string, open: OpenParquet): Promise<number | null> {
  const [first] = await rowsOf(path, open, { start: 0, end: 1 });
  return Array.isArray(first?.topk_ids) ? first.topk_ids.length : null;
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
  const { path, receiver, signal, topK, bytes } = reading;
  const open = await openParquet(path);
  const { metadata } = open;
  const builder = new BlockBuilder(topK);
  const kernel = new PageKernel();
  const at = { before: 0, mapping: [] };
  const give = (): void => receiver.receive(builder.take(), at);
  const descriptor = openSync(path, 'r');
  const total = Number(metadata.num_rows);
  let done = 0;
  try {
    for (const group of metadata.row_groups) {
      const end = done + Number(group.num_rows);
      const columns = readGroup(
        { descriptor, metadata, topK, kernel, names: builder.names },
        group,
      );
      if (columns !== null) addColumns(columns, { builder, from: done, give });
      for (let start = columns === null ? done : end; start < end; start += SLOW_ROWS) {
        const rows = await rowsOf(path, open, { start, end: Math.min(start + SLOW_ROWS, end) });
        for (const [i, row] of rows.entries()) {
          builder.add(lineOf(row), start + i);
          if (builder.isFull) give();
        }
        signal.throwIfAborted();
      }
      done = end;
      reading.onProgress(Math.floor((bytes * done) / total));
      signal.throwIfAborted();
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(descriptor);
  }
  give();
}

/** A file made of JSON lines may hold the header as a row, with its fields as columns. */
function lineOf(row: Readonly<Record<string, unknown>>): ParsedLine {
  if (row.type === 'meta') return { kind: 'meta', value: row };
  return routeOf({ type: 'route', ...row });
}

function addColumns(
  columns: GroupColumns,
  of: { builder: BlockBuilder; from: number; give: () => void },
): void {
  const { builder } = of;
  const k = builder.topK;
  for (let start = 0; start < columns.rows; ) {
    const into = builder.columns;
    const count = Math.min(BLOCK_ROWS - into.rows, columns.rows - start);
    const [row, end] = [into.rows, start + count];
    into.request.set(columns.request.subarray(start, end), row);
    into.token.set(columns.token.subarray(start, end), row);
    into.layer.set(columns.layer.subarray(start, end), row);
    into.ids.set(columns.ids.subarray(start * k, end * k), row * k);
    into.weights.set(columns.weights.subarray(start * k, end * k), row * k);
    if (columns.phase === null) into.phase.fill(0, row, row + count);
    else into.phase.set(columns.phase.subarray(start, end), row);
    for (let i = 0; i < count; i++) into.line[row + i] = of.from + start + i;
    into.rows += count;
    start = end;
    if (builder.isFull) of.give();
  }
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
