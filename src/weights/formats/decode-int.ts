/** Integer codes of any packing as signed bytes, with scales and zero points, row by row. */
import { FormatError } from '../../record/errors.ts';
import { DTYPE_BYTES, decodeF32 } from '../dtype.ts';
import { AWQ_NIBBLE, groupsOf, type IntTensor, type Part, type ReadAt } from './stored-tensor.ts';

interface RowSpan {
  readonly from: number;
  readonly to: number;
}

/** What codes of some rows are multiplied with. */
export interface IntGrid {
  readonly rows: number;
  /** [rows, groups] */
  readonly scales: Float32Array;
  /** [rows, groups], less half of the range (8 or 128); null: that half, which is 0 here. */
  readonly zeroPoints: Int8Array | null;
  /** Group of every column; null: in order. */
  readonly groupIndex: Int32Array | null;
}

/** Codes too are less half of their range, so that they fit a byte. */
export interface IntRows extends IntGrid {
  readonly tensor: IntTensor;
  /** [rows, cols] */
  readonly codes: Int8Array;
}

/**
 * @throws FormatError for a scale that is NaN, infinite, negative or zero, and for a group index
 * that names no group
 */
export function readIntGrid(tensor: IntTensor, span: RowSpan, readAt: ReadAt): IntGrid {
  const scales = readScales(tensor, span, readAt);
  const zeroPoints = readZeroPoints(tensor, span, readAt);
  const groupIndex = readGroupIndex(tensor, readAt);
  return { rows: span.to - span.from, scales, zeroPoints, groupIndex };
}

/** @throws as readIntGrid */
export function decodeIntRows(tensor: IntTensor, span: RowSpan, readAt: ReadAt): IntRows {
  const grid = readIntGrid(tensor, span, readAt);
  const codes = new Int8Array(grid.rows * tensor.cols);
  const of = { width: tensor.cols, part: tensor.codes };
  unpack(tensor, span, { ...of, out: codes, along: 'inputs', less: 0 }, readAt);
  return { ...grid, tensor, codes };
}

/** (code − zero point) · scale, one f32 rounding each. */
export function valuesOf(rows: IntRows): Float32Array {
  const { tensor, codes, scales, zeroPoints, groupIndex } = rows;
  const { cols, group } = tensor;
  const groups = groupsOf(tensor);
  const out = new Float32Array(codes.length);
  for (let row = 0, i = 0; row < rows.rows; row++) {
    for (let col = 0; col < cols; col++, i++) {
      const g = row * groups + (groupIndex === null ? Math.floor(col / group) : groupIndex[col]!);
      const zero = zeroPoints === null ? 0 : zeroPoints[g]!;
      out[i] = (codes[i]! - zero) * scales[g]!;
    }
  }
  return out;
}

const isTransposed = ({ packing }: IntTensor): boolean => packing === 'gptq' || packing === 'awq';

function readScales(tensor: IntTensor, { from, to }: RowSpan, readAt: ReadAt): Float32Array {
  const { scales: part, rows } = tensor;
  const groups = groupsOf(tensor);
  const width = DTYPE_BYTES[part.dtype];
  const read = (start: number, count: number): Float32Array =>
    decodeF32(readAt(placeIn(part, start * width), count * width), part.dtype);
  const out = new Float32Array((to - from) * groups);
  if (part.bytes === width) out.fill(read(0, 1)[0]!);
  else if (!isTransposed(tensor)) out.set(read(from * groups, out.length));
  else {
    for (let g = 0; g < groups; g++) {
      const line = read(g * rows + from, to - from);
      for (let row = 0; row < line.length; row++) out[row * groups + g] = line[row]!;
    }
  }
  const bad = out.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
  if (bad < 0) return out;
  const place = `row ${from + Math.floor(bad / groups)}, group ${bad % groups}`;
  throw new FormatError(`tensor "${part.name}" holds ${out[bad]} for ${place}`, {
    hint: 'a scale is a positive finite number; the checkpoint is damaged',
    details: { tensor: part.name, expected: 'a positive number', got: String(out[bad]) },
  });
}

function readZeroPoints(tensor: IntTensor, span: RowSpan, readAt: ReadAt): Int8Array | null {
  const { zeroPoints: part, zeroLessOne } = tensor;
  if (part === null) return null;
  const groups = groupsOf(tensor);
  const out = new Int8Array((span.to - span.from) * groups);
  const less = zeroLessOne ? 1 : 0;
  unpack(tensor, span, { part, width: groups, out, along: 'outputs', less }, readAt);
  return out;
}

interface Unpacking {
  readonly part: Part;
  /** Columns of `out`: inputs, or groups for zero points. */
  readonly width: number;
  readonly out: Int8Array;
  /** What lies in one word: codes of neighbouring inputs, or zero points of outputs. */
  readonly along: 'inputs' | 'outputs';
  /** What is stored is this much less, modulo the range. */
  readonly less: number;
}

function unpack(tensor: IntTensor, span: RowSpan, of: Unpacking, readAt: ReadAt): void {
  const { from, to } = span;
  const { part, width, out } = of;
  if (tensor.packing === 'bytes') {
    const count = (to - from) * width;
    const bytes = readAt(placeIn(part, from * width), count);
    out.set(new Int8Array(bytes.buffer, bytes.byteOffset, count));
    return;
  }
  const per = 32 / tensor.bits;
  const mask = 2 ** tensor.bits - 1;
  const half = 2 ** (tensor.bits - 1);
  const awq = tensor.packing === 'awq';
  const put = (row: number, col: number, code: number): void => {
    out[(row - from) * width + col] = ((code + of.less) & mask) - half;
  };
  const shift = (place: number): number => tensor.bits * (awq ? AWQ_NIBBLE[place]! : place);
  // Whether a line of the tensor is an output (or a word of them), or an input or group.
  const outputLines = tensor.packing === 'compressed';
  const packsOutputs = awq || of.along === 'outputs';
  for (const { line, first, words } of linesOf(
    tensor,
    span,
    { ...of, outputLines, packsOutputs },
    readAt,
  )) {
    for (let k = 0; k < words.length; k++) {
      for (let place = 0; place < per; place++) {
        const [lineAt, wordAt] = [line, first + k];
        const [output, input] = outputLines ? [lineAt, wordAt] : [wordAt, lineAt];
        const row = packsOutputs ? output * per + place : output;
        const col = packsOutputs ? input : input * per + place;
        if (row >= from && row < to && col < width) put(row, col, words[k]! >>> shift(place));
      }
    }
  }
}

/** The words of a part that hold rows of the span, line by line. */
function* linesOf(
  tensor: IntTensor,
  { from, to }: RowSpan,
  of: { part: Part; outputLines: boolean; packsOutputs: boolean },
  readAt: ReadAt,
): Generator<{ line: number; first: number; words: Int32Array }> {
  const [lines, length] = of.part.shape as [number, number];
  const per = of.packsOutputs ? 32 / tensor.bits : 1;
  const [start, end] = [Math.floor(from / per), Math.ceil(to / per)];
  const [firstLine, lastLine] = of.outputLines ? [start, Math.min(end, lines)] : [0, lines];
  const [first, count] = of.outputLines ? [0, length] : [start, Math.min(end, length) - start];
  for (let line = firstLine; line < lastLine; line++) {
    const bytes = readAt(placeIn(of.part, 4 * (line * length + first)), 4 * count);
    yield { line, first, words: new Int32Array(bytes.buffer, bytes.byteOffset, count) };
  }
}

function readGroupIndex(tensor: IntTensor, readAt: ReadAt): Int32Array | null {
  const { groupIndex: part, cols } = tensor;
  if (part === null) return null;
  const bytes = readAt(part.location, 4 * cols);
  const index = new Int32Array(bytes.buffer, bytes.byteOffset, cols);
  if (index.every((group) => group === -1)) return null;
  const groups = groupsOf(tensor);
  const bad = index.findIndex((group) => group < 0 || group >= groups);
  if (bad < 0) return index;
  throw new FormatError(`tensor "${part.name}": input ${bad} is of group ${index[bad]}`, {
    hint: 'group index and scales come from different versions of the model; download it again',
    details: { tensor: part.name, expected: `0 to ${groups - 1}`, got: index[bad] },
  });
}

function placeIn({ location }: Part, by: number): { file: string; offset: number } {
  return { file: location.file, offset: location.offset + by };
}
