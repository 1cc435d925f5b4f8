/** Parquet: the fields of a route as columns, the header as JSON in the file's own metadata. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileMetaData } from 'hyparquet';
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import { FormatError } from '../record/errors.ts';
import { BLOCK_ROWS, BlockBuilder, type FilledBlock } from './block-builder.ts';
import { NameTable } from './name-table.ts';
import { PageKernel } from './page-kernel.ts';
import { type GroupColumns, listSize, readGroup } from './parquet-group.ts';
import type { RowReader } from './parquet-rows.ts';
import { type ParsedLine, routeOf } from './parse-line.ts';
import type { Reading } from './read-jsonl.ts';
import { readHeader, type TraceHeader } from './trace-header.ts';

const COLUMNS = ['req_id', 'token_idx', 'layer', 'topk_ids', 'topk_weights'];
const OPTIONAL = ['type', 'phase'];
/** Rows that are objects at the same time. */
const SLOW_ROWS = 131_072;
const DEFAULT_TOP_K = 4;
/** The length of the metadata, and the mark that ends the file. */
const END_BYTES = 8;

interface ParquetPeek {
  readonly header: TraceHeader | null;
  readonly topK: number;
  /** Reads the routes of this file. */
  read(reading: Reading): Promise<void>;
}

interface OpenParquet {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly kernel: PageKernel;
}

export async function peekParquet(path: string): Promise<ParquetPeek> {
  const open = { path, metadata: metadataOf(path), kernel: new PageKernel() };
  const columns = columnsOf(open);
  const missing = COLUMNS.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new FormatError(`${path} has no columns ${missing.join(', ')}`, {
      hint: `its columns are ${columns.join(', ') || 'none'}: a trace has ${COLUMNS.join(', ')}`,
    });
  }
  const header = headerIn(open.metadata);
  const topK = sizeOfLists(open) ?? (await sizeOfFirst(open)) ?? header?.topK ?? DEFAULT_TOP_K;
  return { header, topK, read: (reading) => readParquet(reading, open) };
}

function metadataOf(path: string): FileMetaData {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const last = (bytes: number): Buffer => {
      const end = Buffer.alloc(Math.min(bytes, size));
      const read = readSync(descriptor, end, 0, end.length, size - end.length);
      return end.subarray(0, read);
    };
    const end = last(END_BYTES);
    const length = end.length < END_BYTES ? 0 : end.readUInt32LE(0);
    return parquetMetadata(last(Math.min(length, size) + END_BYTES), { geoparquet: false });
  } catch (cause) {
    const told = (cause as Error).message;
    throw new FormatError(`${path} is no whole Parquet file: ${told}`, { cause });
  } finally {
    closeSync(descriptor);
  }
}

/** Names of the top-level columns. */
function columnsOf({ metadata }: OpenParquet): string[] {
  const groups = metadata.row_groups.flatMap(({ columns }) => columns);
  return [...new Set(groups.map(({ meta_data: of }) => of?.path_in_schema[0] ?? ''))];
}

/** Elements of each list of experts in the first group, if it is of a kind that is read fast. */
function sizeOfLists({ path, metadata, kernel }: OpenParquet): number | null {
  const [group] = metadata.row_groups;
  if (group === undefined) return null;
  const descriptor = openSync(path, 'r');
  try {
    return listSize({ descriptor, metadata, kernel, names: new NameTable() }, group);
  } finally {
    closeSync(descriptor);
  }
}

async function sizeOfFirst(open: OpenParquet): Promise<number | null> {
  const [first] = await (await rowReader(open)).rows(0, 1);
  return Array.isArray(first?.topk_ids) ? first.topk_ids.length : null;
}

/** Loaded where it is needed only. */
async function rowReader(open: OpenParquet): Promise<RowReader> {
  const { RowReader: Reader } = await import('./parquet-rows.ts');
  const wanted = [...COLUMNS, ...OPTIONAL];
  const columns = columnsOf(open).filter((name) => wanted.includes(name));
  return new Reader(open.path, { metadata: open.metadata, columns });
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

async function readParquet(reading: Reading, open: OpenParquet): Promise<void> {
  const { path, receiver, signal, topK, bytes } = reading;
  const { metadata, kernel } = open;
  const builder = new BlockBuilder(topK);
  const at = { before: 0, mapping: [] };
  const give = (block: FilledBlock = builder.take()): void => receiver.receive(block, at);
  const descriptor = openSync(path, 'r');
  const total = Number(metadata.num_rows);
  let slow: RowReader | null = null;
  let done = 0;
  try {
    for (const group of metadata.row_groups) {
      const end = done + Number(group.num_rows);
      const columns = readGroup(
        { descriptor, metadata, topK, kernel, names: builder.names },
        group,
      );
      if (columns !== null) {
        if (builder.columns.rows > 0) give();
        for (const block of blocksOf(columns, { builder, from: done })) give(block);
      }
      for (let start = columns === null ? done : end; start < end; start += SLOW_ROWS) {
        slow ??= await rowReader(open);
        const rows = await slow.rows(start, Math.min(start + SLOW_ROWS, end));
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

/** The columns of a group in parts, where they are. `from`: rows before the group. */
function* blocksOf(
  columns: GroupColumns,
  { builder, from }: { builder: BlockBuilder; from: number },
): Generator<FilledBlock> {
  const { topK } = builder;
  const line = new Uint32Array(BLOCK_ROWS);
  for (let start = 0; start < columns.rows; start += BLOCK_ROWS) {
    const end = Math.min(start + BLOCK_ROWS, columns.rows);
    for (let i = start; i < end; i++) line[i - start] = from + i;
    yield builder.wrap({
      ...{ rows: end - start, topK, line, buffer: columns.request.buffer },
      request: columns.request.subarray(start, end),
      token: columns.token.subarray(start, end),
      layer: columns.layer.subarray(start, end),
      phase: columns.phase.subarray(start, end),
      ids: columns.ids.subarray(start * topK, end * topK),
      weights: columns.weights.subarray(start * topK, end * topK),
    });
  }
}
