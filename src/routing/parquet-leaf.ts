/**
 * A column chunk straight into typed arrays, without an object or a list for each row. Knows what
 * writers of traces use: plain and dictionary pages of both versions, without nulls, lists of one
 * length. Of everything else it says so, and the rows are read as objects.
 */
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { COMPRESSORS } from './parquet-compression.ts';
import { allAre, listsOf, readHybrid } from './parquet-levels.ts';

/** Pages of values; what a dictionary page holds is given first. */
export interface PageSink {
  /** PLAIN values of the dictionary. False: they cannot be read fast. */
  dictionary(bytes: Uint8Array, count: number): boolean;
  /** `codes`: places in the dictionary. */
  codes(codes: Uint32Array): boolean;
  plain(bytes: Uint8Array, count: number): boolean;
}

export interface Leaf {
  readonly chunk: ColumnMetaData;
  /** From the root. */
  readonly path: readonly SchemaTree[];
  /** Elements of the list of a row; 1 of a plain column. */
  readonly perRow: number;
}

interface Page {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly count: number;
  readonly encoding: string;
}

type Header = ReturnType<typeof parquetHeader>;

/** False: it is of a kind that is not read fast. `bytes`: of the chunk. */
export function readLeaf(bytes: Uint8Array<ArrayBuffer>, leaf: Leaf, sink: PageSink): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: 0 };
  const total = Number(leaf.chunk.num_values);
  for (let from = 0; from < total; ) {
    if (reader.offset >= bytes.length) return false;
    const header = parquetHeader(reader);
    const packed = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size);
    if (packed.length < header.compressed_page_size) return false;
    reader.offset += header.compressed_page_size;
    if (header.dictionary_page_header) {
      const whole = unpacked(packed, header.uncompressed_page_size, leaf);
      if (!sink.dictionary(whole, header.dictionary_page_header.num_values)) return false;
      continue;
    }
    const page = header.data_page_header
      ? firstVersion(packed, header, { leaf, from })
      : secondVersion(packed, header, { leaf, from });
    if (page === null || !give(page, sink)) return false;
    from += page.count;
  }
  return true;
}

function unpacked(packed: Uint8Array, bytes: number, { chunk }: Leaf): Uint8Array {
  return decompressPage(packed, bytes, chunk.codec, COMPRESSORS);
}

interface At {
  readonly leaf: Leaf;
  /** Values before the page. */
  readonly from: number;
}

/** Levels with their lengths before the values, all compressed together. */
function firstVersion(packed: Uint8Array, header: Header, { leaf, from }: At): Page | null {
  const of = header.data_page_header;
  if (!of) return null;
  const bytes = unpacked(packed, header.uncompressed_page_size, leaf);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = of.num_values;
  const { repetition, definition } = levelsOf(leaf);
  let at = 0;
  if (repetition > 0) {
    const end = at + 4 + view.getUint32(at, true);
    if (!listsOf(leaf.perRow, { bytes, at: at + 4, end }, { from, count })) return null;
    at = end;
  }
  if (definition > 0) {
    const end = at + 4 + view.getUint32(at, true);
    if (!allAre(definition, { bytes, at: at + 4, end }, count)) return null;
    at = end;
  }
  return { bytes, at, count, encoding: of.encoding };
}

/** Levels in front of the compressed values. */
function secondVersion(packed: Uint8Array, header: Header, { leaf, from }: At): Page | null {
  const of = header.data_page_header_v2;
  if (!of || of.num_nulls > 0) return null;
  const count = of.num_values;
  const { repetition, definition } = levelsOf(leaf);
  const lists = of.repetition_levels_byte_length;
  const before = lists + of.definition_levels_byte_length;
  const span = { bytes: packed, at: 0, end: lists };
  if (repetition > 0 && !listsOf(leaf.perRow, span, { from, count })) return null;
  const nulls = { bytes: packed, at: lists, end: before };
  if (definition > 0 && !allAre(definition, nulls, count)) return null;
  const values = packed.subarray(before);
  const size = header.uncompressed_page_size - before;
  const bytes = of.is_compressed === false ? values : unpacked(values, size, leaf);
  return { bytes, at: 0, count, encoding: of.encoding };
}

function levelsOf({ path }: Leaf): { repetition: number; definition: number } {
  const kinds = path.slice(1).map(({ element }) => element.repetition_type);
  return {
    repetition: kinds.filter((kind) => kind === 'REPEATED').length,
    definition: kinds.filter((kind) => kind !== 'REQUIRED').length,
  };
}

function give({ bytes, at, count, encoding }: Page, sink: PageSink): boolean {
  if (encoding === 'PLAIN') return sink.plain(bytes.subarray(at), count);
  if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY') return false;
  const width = bytes[at] as number;
  const codes = new Uint32Array(count);
  // A dictionary of one value needs no bits.
  if (width === 0) return sink.codes(codes);
  if (width > 24) return false;
  const span = { bytes, at: at + 1, end: bytes.length };
  return readHybrid(span, width, codes) && sink.codes(codes);
}
