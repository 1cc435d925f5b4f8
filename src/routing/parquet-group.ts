/** A row group as columns, if its columns are of the kinds that are read fast. */
import { readSync } from 'node:fs';
import { type FileMetaData, parquetSchema, type RowGroup, type SchemaTree } from 'hyparquet';
import { getTreePath } from 'hyparquet/src/schema.js';
import { PHASES } from '../analyze/routing/route-block.ts';
import { NameTable } from './name-table.ts';
import { type Leaf, type PageSink, readLeaf } from './parquet-leaf.ts';
import { NameSink, NumberSink, type NumberType } from './parquet-sinks.ts';
import { MAX_EXPERT, MAX_LAYER, MAX_TOKEN } from './parse-line.ts';

export interface GroupColumns {
  readonly rows: number;
  readonly request: Uint32Array;
  readonly token: Uint32Array;
  readonly layer: Uint16Array;
  readonly phase: Uint8Array | null;
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
}

export interface GroupSource {
  readonly descriptor: number;
  readonly metadata: FileMetaData;
  readonly topK: number;
  /** Of the requests of the whole file. */
  readonly names: NameTable;
}

const NUMBERS: readonly string[] = ['INT32', 'INT64', 'FLOAT', 'DOUBLE'];
/** Half the largest f32 that is finite: no router has such weights. */
const MAX_WEIGHT = 1e38;
/** Larger groups would take more memory than reading their rows as objects in parts. */
const MAX_GROUP_ROWS = 4_000_000;

/** null: some column is of another kind, or a value is not what it must be. */
export function readGroup(source: GroupSource, group: RowGroup): GroupColumns | null {
  const rows = Number(group.num_rows);
  const { topK, names } = source;
  if (rows > MAX_GROUP_ROWS) return null;
  const reader = new GroupReader(source, group);
  const request = new Uint32Array(rows);
  const token = new Uint32Array(rows);
  const layer = new Uint16Array(rows);
  const ids = new Uint16Array(rows * topK);
  const weights = new Float32Array(rows * topK);
  const ok =
    reader.onlyRoutes(rows) &&
    reader.texts('req_id', request, names) &&
    reader.numbers('token_idx', token, MAX_TOKEN) &&
    reader.numbers('layer', layer, MAX_LAYER) &&
    reader.numbers('topk_ids', ids, MAX_EXPERT, topK) &&
    reader.numbers('topk_weights', weights, MAX_WEIGHT, topK);
  const phase = ok ? reader.phases(rows) : null;
  if (!ok || phase === undefined) return null;
  return { rows, request, token, layer, phase, ids, weights };
}

class GroupReader {
  readonly #source: GroupSource;
  readonly #group: RowGroup;
  readonly #tree: SchemaTree;

  constructor(source: GroupSource, group: RowGroup) {
    this.#source = source;
    this.#group = group;
    this.#tree = parquetSchema(source.metadata);
  }

  /** A column `type`, if there is one, holds nothing but `route`. */
  onlyRoutes(rows: number): boolean {
    if (this.#leaf('type', 1) === null) return true;
    const names = new NameTable();
    if (!this.texts('type', new Uint32Array(rows), names)) return false;
    return names.size === 1 && names.name(0) === 'route';
  }

  texts(name: string, into: Uint32Array, names: NameTable): boolean {
    const leaf = this.#leaf(name, 1);
    if (leaf?.chunk.type !== 'BYTE_ARRAY') return false;
    return this.#read(leaf, into.length, new NameSink(into, names));
  }

  numbers(
    name: string,
    into: Uint16Array | Uint32Array | Float32Array,
    most: number,
    perRow = 1,
  ): boolean {
    const leaf = this.#leaf(name, perRow);
    if (leaf === null || !NUMBERS.includes(leaf.chunk.type)) return false;
    const isWhole = !(into instanceof Float32Array);
    const type = leaf.chunk.type as NumberType;
    if (isWhole && (type === 'FLOAT' || type === 'DOUBLE')) return false;
    return this.#read(leaf, into.length, new NumberSink(into, type, most));
  }

  /** null: there is no such column; undefined: it is not read fast. */
  phases(rows: number): Uint8Array | null | undefined {
    if (this.#leaf('phase', 1) === null) return null;
    const names = new NameTable();
    const codes = new Uint32Array(rows);
    if (!this.texts('phase', codes, names)) return undefined;
    const places = Array.from({ length: names.size }, (_, i) => {
      return PHASES.indexOf(names.name(i) as (typeof PHASES)[number]);
    });
    if (places.some((place) => place < 0)) return undefined;
    const into = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) into[row] = places[codes[row] as number] as number;
    return into;
  }

  #leaf(name: string, perRow: number): Leaf | null {
    const chunks = this.#group.columns.flatMap(({ meta_data: of }) => (of ? [of] : []));
    const own = chunks.filter(({ path_in_schema: path }) => path[0] === name);
    const [chunk] = own;
    if (chunk === undefined || own.length > 1) return null;
    return { chunk, path: getTreePath(this.#tree, chunk.path_in_schema), perRow };
  }

  #read(leaf: Leaf, values: number, sink: PageSink): boolean {
    const { chunk } = leaf;
    if (Number(chunk.num_values) !== values) return false;
    const first = Number(chunk.dictionary_page_offset ?? 0n) || Number(chunk.data_page_offset);
    const bytes = new Uint8Array(Number(chunk.total_compressed_size));
    let read = 0;
    while (read < bytes.length) {
      const { descriptor } = this.#source;
      const got = readSync(descriptor, bytes, read, bytes.length - read, first + read);
      if (got === 0) return false;
      read += got;
    }
    try {
      return readLeaf(bytes, leaf, sink);
    } catch {
      // Damaged: reading it as rows says what is wrong.
      return false;
    }
  }
}
