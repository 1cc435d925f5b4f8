/**
 * A column chunk straight into typed arrays, without an object or a list for each row. Knows what
 * writers of traces use: plain and dictionary pages of both versions, without nulls, lists of one
 * length. Of everything else it says so, and the rows are read as objects.
 */
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import type { PageKernel, Span } from './page-kernel.ts';
import { COMPRESSORS } from './parquet-compression.ts';
import { ENCODING, type PageHeader, readPageHeader } from './parquet-header.ts';
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
  readonly encoding: number;
}

interface At {
  readonly kernel: PageKernel;
  readonly leaf: Leaf;
  /** Values before the page. */
  readonly from: number;
}

/** False: it is of a kind that is not read fast. `bytes`: of the chunk, in the memory. */
export function readLeaf(
  bytes: Span,
  { kernel, leaf, sink }: { kernel: PageKernel; leaf: Leaf; sink: PageSink },
): boolean {
  const total = Number(leaf.chunk.num_values);
  let at = bytes.at;
  for (let from = 0; from < total; ) {
    if (at >= bytes.end) return false;
    const { header, length } = readPageHeader(kernel.bytes({ at, end: bytes.end }));
    const packed = { at: at + length, end: at + length + header.packed };
    // Not for numbers that are none, either.
    if (!(header.packed >= 0 && packed.end <= bytes.end)) return false;
    at = packed.end;
    const before = kernel.mark;
    if (header.of === 'dictionary') {
      const whole = unpacked(packed, header.unpacked, { kernel, leaf });
      // What is made of it stays behind it.
      if (!sink.dictionary(whole, header.values)) return false;
      continue;
    }
    const of = { kernel, leaf, from };
    const page =
      header.of === 'first' ? firstVersion(packed, header, of) : secondVersion(packed, header, of);
    if (page === null || !(page.count >= 0 && page.count <= total - from)) return false;
    if (!give(page, { kernel, sink })) return false;
    kernel.free(before);
    from += page.count;
  }
  return true;
}

function unpacked(packed: Span, bytes: number, { kernel, leaf }: Omit<At, 'from'>): Span {
  const { codec } = leaf.chunk;
  if (codec === 'UNCOMPRESSED' && packed.end - packed.at === bytes) return packed;
  const to = kernel.take(bytes);
  if (codec === 'SNAPPY') {
    if (!kernel.unsnap(packed, to)) throw new RangeError('a damaged page');
    return to;
  }
  const whole = COMPRESSORS[codec]?.(kernel.bytes(packed), bytes);
  if (whole?.length !== bytes) throw new RangeError(`a page of ${codec} that is not so long`);
  kernel.bytes(to).set(whole);
  return to;
}

/** Levels with their lengths before the values, all compressed together. */
function firstVersion(packed: Span, header: PageHeader, { kernel, leaf, from }: At): Page | null {
  const { values: count, encoding } = header;
  const whole = unpacked(packed, header.unpacked, { kernel, leaf });
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
  return { values: { at, end: whole.end }, count, encoding };
}

/** Levels in front of the compressed values. */
function secondVersion(packed: Span, header: PageHeader, { kernel, leaf, from }: At): Page | null {
  if (header.of !== 'second' || header.nulls > 0) return null;
  const { values: count, encoding } = header;
  const { repetition, definition } = levelsOf(leaf);
  const lists = { at: packed.at, end: packed.at + header.repetitionBytes };
  const nulls = { at: lists.end, end: lists.end + header.definitionBytes };
  const areHere = lists.end >= lists.at && nulls.end >= nulls.at && nulls.end <= packed.end;
  if (!areHere) return null;
  if (repetition > 0 && !kernel.listsAre(leaf.perRow, lists, { from, count })) return null;
  if (definition > 0 && !kernel.allAre(definition, nulls, count)) return null;
  const values = { at: nulls.end, end: packed.end };
  const size = header.unpacked - (nulls.end - packed.at);
  const whole = header.isCompressed ? unpacked(values, size, { kernel, leaf }) : values;
  return { values: whole, count, encoding };
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
  if (encoding === ENCODING.plain) return sink.plain(values, count);
  if (encoding !== ENCODING.rleDictionary && encoding !== ENCODING.plainDictionary) return false;
  if (values.at >= values.end) return false;
  const width = new DataView(kernel.buffer).getUint8(values.at);
  return sink.places({ at: values.at + 1, end: values.end }, width, count);
}
