/** Integer codes of any packing as lines in the memory of kernels, strip by strip. */
import { at, type RowSpan } from '../formats/decode.ts';
import type { IntTensor } from '../formats/stored-tensor.ts';
import type { BandContext } from './convert-band.ts';

export interface LineSource {
  /** Bytes from one line to the next. */
  readonly stride: number;
  readonly flip: 0 | 0x80;
  /** @returns the offset of the first line; void when the next strip is asked for */
  lines(strip: RowSpan): number;
}

interface Reach {
  readonly band: RowSpan;
  /** Rows of the largest strip. */
  readonly most: number;
}

/** Reads what lies transposed at once, the rest with each strip. */
export function openLines(tensor: IntTensor, reach: Reach, context: BandContext): LineSource {
  if (tensor.packing === 'gptq') return gptqLines(tensor, reach, context);
  if (tensor.packing === 'awq') return awqLines(tensor, reach, context);
  const { codes, rows, packing } = tensor;
  const { kernels, reader } = context;
  const stride = codes.bytes / rows;
  const buffer = kernels.memory.take(stride * reach.most);
  return {
    stride,
    flip: packing === 'bytes' || tensor.bits === 4 ? 0 : 0x80,
    lines({ from, to }) {
      const target = kernels.memory.bytes(buffer, stride * (to - from));
      reader.readInto(at(codes, stride * from), target);
      return buffer;
    },
  };
}

/** Lines of inputs, each cut to the outputs of the band: `width` bytes of `allBytes`. */
function readTile(
  { codes }: IntTensor,
  cut: { readonly first: number; readonly width: number; readonly lines: number },
  { kernels, reader }: BandContext,
): number {
  const { first, width, lines } = cut;
  const tile = kernels.memory.take(width * lines);
  const all = codes.bytes / lines;
  if (width === all) reader.readInto(at(codes, 0), kernels.memory.bytes(tile, codes.bytes));
  else {
    for (let line = 0; line < lines; line++) {
      const target = kernels.memory.bytes(tile + line * width, width);
      reader.readInto(at(codes, line * all + first), target);
    }
  }
  return tile;
}

function gptqLines(tensor: IntTensor, { band, most }: Reach, context: BandContext): LineSource {
  const { kernels } = context;
  const lines = (tensor.cols * tensor.bits) / 32;
  const stride = 4 * (band.to - band.from);
  const tile = readTile(tensor, { first: 4 * band.from, width: stride, lines }, context);
  const pitch = 4 * lines;
  const buffer = kernels.memory.take(pitch * most);
  return {
    stride: pitch,
    flip: tensor.bits === 4 ? 0 : 0x80,
    lines({ from, to }) {
      const src = tile + 4 * (from - band.from);
      const size = { rows: lines, cols: to - from };
      kernels.transposeWords({ src, dst: buffer, ...size, stride, pitch });
      return buffer;
    },
  };
}

/** By way of GPTQ's order: eight inputs to a word. */
function awqLines(tensor: IntTensor, { band, most }: Reach, context: BandContext): LineSource {
  const { kernels } = context;
  const { cols } = tensor;
  const stride = (band.to - band.from) / 2;
  const tile = readTile(tensor, { first: band.from / 2, width: stride, lines: cols }, context);
  const lines = Math.ceil(cols / 8);
  // Inputs that fill the last word up: read with it, and no code of the matrix.
  kernels.memory.take(stride * (8 * lines - cols));
  const words = kernels.memory.take(4 * most * lines);
  const buffer = kernels.memory.take(4 * most * lines);
  return {
    stride: 4 * lines,
    flip: 0,
    lines({ from, to }) {
      const rows = to - from;
      const src = tile + (from - band.from) / 2;
      const tall = { rows: lines, cols: rows / 8, stride, pitch: 4 * rows };
      kernels.awqToGptq({ src, dst: words, ...tall });
      const wide = { rows: lines, cols: rows, stride: 4 * rows, pitch: 4 * lines };
      kernels.transposeWords({ src: words, dst: buffer, ...wide });
      return buffer;
    },
  };
}
