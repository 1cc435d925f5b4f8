/**
 * A column chunk straight into typed arrays, without an object or a list for each row. Knows what
 * writers of traces use: plain and dictionary pages of both versions, without nulls, lists of one
 * length. Of everything else it says so, and the rows are read as objects.
 */
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import type { PageKernel, Span } from './page-kernel.ts';
import { COMPRESSORS } from './parquet-compression.ts';
import type { PageSink } from './parquet-sinks.ts';

export interface Leaf {
  readonly chunk: ColumnMetaData;
  /** From the root. */
  readonly path: readonly SchemaTree[];
  /** Elements of the list of a row; 1 of a plain column. */
  readonly perRow: number;
}

interface Page {
  readonly values: Span;
  readonly count: number;
  readonly encoding: string;
}

interface At {
  readonly kernel: PageKernel;
  readonly leaf: Leaf;
  /** Values before the page. */
  readonly from: number;
}

type Header = ReturnType<typeof parquetHeader>;

/** False: it is of a kind that is not read fast. `bytes`: of the chunk, in the memory. */
export function readLeaf(
  bytes: Span,
  { kernel, leaf, sink }: { kernel: PageKernel; leaf: Leaf; sink: PageSink },
): boolean {
  const total = Number(leaf.chunk.num_values);
  let at = bytes.at;
  for (let from = 0; from < total; ) {
    if (at >= bytes.end) return false;
    // Pages that are unpacked may move the memory.
    const reader = { view: new DataView(kernel.buffer, at, bytes.end - at), offset: 0 };
    const header = parquetHeader(reader);
    const packed = { at: at + reader.offset, end: at + reader.offset + sizeOf(header) };
    if (packed.end > bytes.end) return false;
    at = packed.end;
    const before = kernel.mark;
    if (header.dictionary_page_header) {
      const whole = unpacked(packed, header.uncompressed_page_size, { kernel, leaf });
      // What is made of it stays behind it.
      if (!sink.dictionary(whole, header.dictionary_page_header.num_values)) return false;
      continue;
    }
    const of = { kernel, leaf, from };
    const page = header.data_page_header
      ? firstVersion(packed, header, of)
      : secondVersion(packed, header, of);
    if (page === null || !(page.count >= 0 && page.count <= total - from)) return false;
    if (!give(page, { kernel, sink })) return false;
    kernel.free(before);
    from += page.count;
  }
  return true;
}

/** Bytes of the page; an end before its beginning is told as damage. */
function sizeOf({ compressed_page_size: bytes }: Header): number {
  if (!(bytes >= 0)) throw new RangeError(`a page of ${bytes} bytes`);
  return bytes;
}

function unpacked(packed: Span, bytes: number, { kernel, leaf }: Omit<At, 'from'>): Span {
  const { codec } = leaf.chunk;
  if (codec === 'UNCOMPRESSED' && packed.end - packed.at === bytes) return packed;
  const to = kernel.take(bytes);
  if (codec === 'SNAPPY') {
    if (!kernel.unsnap(packed, to)) throw new RangeError('a damaged page');
    return to;
  }
  const whole = decompressPage(kernel.bytes(packed), bytes, codec, COMPRESSORS);
  kernel.bytes(to).set(whole);
  return to;
}

/** Levels with their lengths before the values, all compressed together. */
function firstVersion(packed: Span, header: Header, { kernel, leaf, from }: At): Page | null {
  const of = header.data_page_header;
  if (!of) return null;
  const whole = unpacked(packed, header.uncompressed_page_size, { kernel, leaf });
  const count = of.num_values;
  const { repetition, definition } = levelsOf(leaf);
  let { at } = whole;
  const next = (): Span | null => {
    if (whole.end - at < 4) return null;
    const length = new DataView(kernel.buffer).getUint32(at, true);
    const levels = { at: at + 4, end: at + 4 + length };
    at = levels.end;
    return at > whole.end ? null : levels;
  };
  if (repetition > 0) {
    const lists = next();
    if (!lists || !kernel.listsAre(leaf.perRow, lists, { from, count })) return null;
  }
  if (definition > 0) {
    const nulls = next();
    if (!nulls || !kernel.allAre(definition, nulls, count)) return null;
  }
  return { values: { at, end: whole.end }, count, encoding: of.encoding };
}

/** Levels in front of the compressed values. */
function secondVersion(packed: Span, header: Header, { kernel, leaf, from }: At): Page | null {
  const of = header.data_page_header_v2;
  if (!of || of.num_nulls > 0) return null;
  const count = of.num_values;
  const { repetition, definition } = levelsOf(leaf);
  const lists = { at: packed.at, end: packed.at + of.repetition_levels_byte_length };
  const nulls = { at: lists.end, end: lists.end + of.definition_levels_byte_length };
  if (lists.end < lists.at || nulls.end < nulls.at || nulls.end > packed.end) return null;
  if (repetition > 0 && !kernel.listsAre(leaf.perRow, lists, { from, count })) return null;
  if (definition > 0 && !kernel.allAre(definition, nulls, count)) return null;
  const values = { at: nulls.end, end: packed.end };
  const size = header.uncompressed_page_size - (nulls.end - packed.at);
  const isPacked = of.is_compressed !== false;
  const whole = isPacked ? unpacked(values, size, { kernel, leaf }) : values;
  return { values: whole, count, encoding: of.encoding };
}

function levelsOf({ path }: Leaf): { repetition: number; definition: number } {
  const kinds = path.slice(1).map(({ element }) => element.repetition_type);
  return {
    repetition: kinds.filter((kind) => kind === 'REPEATED').length,
    definition: kinds.filter((kind) => kind !== 'REQUIRED').length,
  };
}

function give(page: Page, { kernel, sink }: { kernel: PageKernel; sink: PageSink }): boolean {
  const { values, count, encoding } = page;
  if (encoding === 'PLAIN') return sink.plain(values, count);
  if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY') return false;
  if (values.at >= values.end) return false;
  const width = new DataView(kernel.buffer).getUint8(values.at);
  return sink.places({ at: values.at + 1, end: values.end }, width, count);
}
