/** A row group as columns, if its columns are of the kinds that are read fast. */
import { readSync } from 'node:fs';
import type { FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet/src/metadata.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { PHASES } from '../analyze/routing/route-block.ts';
import { NameTable } from './name-table.ts';
import {
  BYTES,
  type Kind,
  type PageKernel,
  PLAIN,
  type PlainType,
  type Span,
} from './page-kernel.ts';
import { type Leaf, readLeaf } from './parquet-leaf.ts';
import { NameSink, NumberSink, type PageSink } from './parquet-sinks.ts';
import { MAX_EXPERT, MAX_LAYER, MAX_TOKEN } from './parse-line.ts';

/** Views of the memory of the kernel, good until the next group is read. */
export interface GroupColumns {
  readonly rows: number;
  readonly request: Uint32Array<ArrayBuffer>;
  readonly token: Uint32Array;
  readonly layer: Uint16Array;
  readonly phase: Uint8Array;
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
}

export interface GroupSource {
  readonly descriptor: number;
  readonly metadata: FileMetaData;
  readonly topK: number;
  readonly kernel: PageKernel;
  /** Of the requests of the whole file. */
  readonly names: NameTable;
}

/** Half the largest f32 that is finite: no router has such weights. */
const MAX_WEIGHT = 1e38;
/** Larger groups would take more memory than reading their rows as objects in parts. */
const MAX_GROUP_ROWS = 4_000_000;

/** null: some column is of another kind, or a value is not what it must be. */
export function readGroup(source: GroupSource, group: RowGroup): GroupColumns | null {
  const rows = Number(group.num_rows);
  const { topK, kernel } = source;
  if (!(rows <= MAX_GROUP_ROWS)) return null;
  const before = kernel.mark;
  try {
    return new GroupReader(source, group).read(rows, topK);
  } catch {
    // Damaged, or too large: reading it as rows says what is wrong.
    return null;
  } finally {
    // The columns stay as they are until the next group is read.
    kernel.free(before);
  }
}

/** Elements of the lists of experts, if all of this group have the same number; else null. */
export function listSize(source: Omit<GroupSource, 'topK'>, group: RowGroup): number | null {
  const rows = Number(group.num_rows);
  const ids = group.columns.find(({ meta_data: of }) => of?.path_in_schema[0] === 'topk_ids');
  const topK = Number(ids?.meta_data?.num_values) / rows;
  if (!(Number.isInteger(topK) && topK > 0 && rows <= MAX_GROUP_ROWS)) return null;
  const before = source.kernel.mark;
  try {
    const reader = new GroupReader({ ...source, topK }, group);
    const into = source.kernel.take(2 * rows * topK);
    const of = { kind: 'u16', most: MAX_EXPERT, perRow: topK } as const;
    return reader.numbers('topk_ids', into, of) ? topK : null;
  } catch {
    return null;
  } finally {
    source.kernel.free(before);
  }
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

  read(rows: number, topK: number): GroupColumns | null {
    const { kernel, names } = this.#source;
    const [request, token, layer] = [
      kernel.take(4 * rows),
      kernel.take(4 * rows),
      kernel.take(2 * rows),
    ];
    const ids = kernel.take(2 * rows * topK);
    const weights = kernel.take(4 * rows * topK);
    const ok =
      this.#onlyRoutes(rows) &&
      this.#texts('req_id', request, names) &&
      this.numbers('token_idx', token, { kind: 'u32', most: MAX_TOKEN }) &&
      this.numbers('layer', layer, { kind: 'u16', most: MAX_LAYER }) &&
      this.numbers('topk_ids', ids, { kind: 'u16', most: MAX_EXPERT, perRow: topK }) &&
      this.numbers('topk_weights', weights, { kind: 'f32', most: MAX_WEIGHT, perRow: topK });
    const phase = ok ? this.#phases(rows) : null;
    if (phase === null) return null;
    // The memory may have moved until now.
    const { buffer } = kernel;
    return {
      ...{ rows, phase },
      request: new Uint32Array(buffer, request.at, rows),
      token: new Uint32Array(buffer, token.at, rows),
      layer: new Uint16Array(buffer, layer.at, rows),
      ids: new Uint16Array(buffer, ids.at, rows * topK),
      weights: new Float32Array(buffer, weights.at, rows * topK),
    };
  }

  numbers(name: string, into: Span, of: { kind: Kind; most: number; perRow?: number }): boolean {
    const { kind, most, perRow = 1 } = of;
    const leaf = this.#leaf(name, perRow);
    if (leaf === null || !(leaf.chunk.type in PLAIN)) return false;
    const type = leaf.chunk.type as PlainType;
    if (kind !== 'f32' && (type === 'FLOAT' || type === 'DOUBLE')) return false;
    const { kernel } = this.#source;
    const values = (into.end - into.at) / BYTES[kind];
    return this.#read(leaf, values, new NumberSink({ kernel, kind, into, type, most }));
  }

  /** A column `type`, if there is one, holds nothing but `route`. */
  #onlyRoutes(rows: number): boolean {
    if (this.#leaf('type', 1) === null) return true;
    const names = new NameTable();
    if (!this.#texts('type', this.#source.kernel.take(4 * rows), names)) return false;
    return names.size === 1 && names.name(0) === 'route';
  }

  #texts(name: string, into: Span, names: NameTable): boolean {
    const leaf = this.#leaf(name, 1);
    if (leaf?.chunk.type !== 'BYTE_ARRAY') return false;
    const { kernel } = this.#source;
    return this.#read(leaf, (into.end - into.at) / 4, new NameSink({ kernel, into, names }));
  }

  /** None for each row where there is no such column; null: it is not read fast. */
  #phases(rows: number): Uint8Array | null {
    if (this.#leaf('phase', 1) === null) return new Uint8Array(rows);
    const { kernel } = this.#source;
    const names = new NameTable();
    const into = kernel.take(4 * rows);
    if (!this.#texts('phase', into, names)) return null;
    const places = Array.from({ length: names.size }, (_, i) => {
      return PHASES.indexOf(names.name(i) as (typeof PHASES)[number]);
    });
    if (places.some((place) => place < 0)) return null;
    const phases = new Uint8Array(rows);
    if (places.length === 1) return phases.fill(places[0] as number);
    const codes = new Uint32Array(kernel.buffer, into.at, rows);
    for (let row = 0; row < rows; row++) phases[row] = places[codes[row] as number] as number;
    return phases;
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
    const { descriptor, kernel } = this.#source;
    const first = Number(chunk.dictionary_page_offset ?? 0n) || Number(chunk.data_page_offset);
    const before = kernel.mark;
    const span = kernel.take(Number(chunk.total_compressed_size));
    const bytes = kernel.bytes(span);
    let read = 0;
    while (read < bytes.length) {
      const got = readSync(descriptor, bytes, read, bytes.length - read, first + read);
      if (got === 0) return false;
      read += got;
    }
    const ok = readLeaf(span, { kernel, leaf, sink });
    kernel.free(before);
    return ok;
  }
}
