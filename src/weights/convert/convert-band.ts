/**
 * One band of a tensor: bytes of the input → bytes and places of the output, all in the memory of
 * kernels. Which kernels do it changes nothing: with others a band is verified.
 */
import { encodeF32, type StoredFloat } from '../encode.ts';
import { at, matrixShape, type RowSpan, readFp8Scales } from '../formats/decode.ts';
import { readIntGrid } from '../formats/decode-int.ts';
import {
  type Fp8Tensor,
  groupsOf,
  type IntTensor,
  isInOrder,
  type ReadAt,
} from '../formats/stored-tensor.ts';
import type { KernelFloat, Kernels } from '../kernels/kernels.ts';
import { stripsOf } from './bands.ts';
import type { ConversionStep } from './conversion-plan.ts';
import { openLines } from './int-lines.ts';
import type { Piece } from './pack.ts';
import { quantizeBand } from './quantize-band.ts';
import { repackBand } from './repack-band.ts';

export interface BandReader {
  readonly readAt: ReadAt;
  readInto(place: Parameters<ReadAt>[0], target: Uint8Array): void;
}

export interface BandContext {
  readonly kernels: Kernels;
  readonly reader: BandReader;
}

export interface Band {
  readonly step: ConversionStep;
  readonly span: RowSpan;
  /** Of a tensor that gets one scale: its largest magnitude. Else 0. */
  readonly absmax: number;
}

/**
 * @returns pieces that are void when the next are asked for
 * @throws FormatError for weights that are NaN or infinite, and for scales that cannot be
 */
export function* convertBand(band: Band, context: BandContext): Generator<readonly Piece[]> {
  const { step, span } = band;
  const { action, tensor } = step;
  context.kernels.memory.reset();
  switch (action.kind) {
    case 'copy':
      yield [copied(step, span, context)];
      return;
    case 'dequantize':
      if (tensor.kind === 'fp8') yield [decodedFp8({ tensor, to: action.to }, span, context)];
      if (tensor.kind === 'int') yield* decodedInts(step, { tensor, to: action.to, span }, context);
      return;
    case 'quantize':
      yield* quantizeBand(band, action.packed, context);
      return;
    case 'repack':
      yield* repackBand(band, action.packed, context);
  }
}

function copied(
  { tensor }: ConversionStep,
  { from, to }: RowSpan,
  { kernels, reader }: BandContext,
): Piece {
  const { name } = tensor.codes;
  const bytes = kernels.memory.bytes(kernels.memory.take(to - from), to - from);
  reader.readInto(at(tensor.codes, from), bytes);
  return { tensor: name, offset: from, bytes };
}

const WIDTH: Readonly<Record<StoredFloat, number>> = { BF16: 2, F16: 2, F32: 4 };

/** F16 is rounded from F32 outside of the kernels. */
const kernelFloat = (to: StoredFloat): KernelFloat => (to === 'BF16' ? 'BF16' : 'F32');

/** Values as they are stored, from what a kernel wrote. */
function storedValues(
  { kernels }: BandContext,
  { dst, count, to }: { dst: number; count: number; to: StoredFloat },
): Uint8Array {
  if (to === 'F16') return encodeF32(kernels.memory.floats(dst, count), to);
  return kernels.memory.bytes(dst, count * WIDTH[to]);
}

function decodedFp8(
  { tensor, to }: { tensor: Fp8Tensor; to: StoredFloat },
  { from, to: end }: RowSpan,
  context: BandContext,
): Piece {
  const { kernels, reader } = context;
  const { rows, cols, block } = tensor;
  const { memory } = kernels;
  const count = (end - from) * cols;
  const src = memory.take(count);
  const dst = memory.take(count * WIDTH[kernelFloat(to)]);
  const scratch = memory.take(48 * Math.ceil(cols / block.cols));
  reader.readInto(at(tensor.codes, from * cols), memory.bytes(src, count));
  // An expert begins with a block of its own.
  for (let top = from; top < end; ) {
    const within = top % rows;
    const bottom = Math.min(end, top - within + rows);
    const scales = memory.put(readFp8Scales(tensor, { from: top, to: bottom }, reader.readAt));
    const done = (top - from) * cols;
    kernels.decodeFp8({
      src: src + done,
      dst: dst + done * WIDTH[kernelFloat(to)],
      rows: bottom - top,
      cols,
      scales,
      phase: within % block.rows,
      blockRows: block.rows,
      blockCols: block.cols,
      to: kernelFloat(to),
      scratch,
    });
    top = bottom;
  }
  const offset = from * cols * WIDTH[to];
  return { tensor: tensor.name, offset, bytes: storedValues(context, { dst, count, to }) };
}

function* decodedInts(
  step: ConversionStep,
  { tensor, to, span }: { tensor: IntTensor; to: StoredFloat; span: RowSpan },
  context: BandContext,
): Generator<readonly Piece[]> {
  const { kernels, reader } = context;
  const { memory } = kernels;
  const { cols, group, bits, name } = tensor;
  const { cols: width } = matrixShape(tensor);
  const { strips, most } = stripsOf(step, span);
  const source = openLines(tensor, { band: span, most }, context);
  const grid = readIntGrid(tensor, span, reader.readAt);
  const groups = groupsOf(tensor);
  const scales = memory.put(grid.scales);
  const zeros = grid.zeroPoints === null ? 0 : memory.put(grid.zeroPoints);
  const ordered = grid.groupIndex !== null && !isInOrder(grid.groupIndex, group);
  const index = ordered ? memory.put(grid.groupIndex!) : 0;
  const values = ordered ? memory.take(4 * most * cols) : 0;
  const dst = memory.take(most * cols * WIDTH[kernelFloat(to)]);
  const scratch = memory.take(32);
  for (const strip of strips) {
    const rows = strip.to - strip.from;
    const line = (strip.from - span.from) * groups;
    const job = {
      ...{ src: source.lines(strip), rows, cols, group, bits },
      ...{ stride: source.stride, flip: source.flip, scales: scales + 4 * line },
      zeros: zeros === 0 ? 0 : zeros + line,
    };
    const count = rows * width;
    if (!ordered) kernels.decodeInt({ ...job, dst, to: kernelFloat(to), scratch });
    else if (to !== 'BF16') kernels.decodeOrderedInt({ ...job, dst, index });
    else {
      kernels.decodeOrderedInt({ ...job, dst: values, index });
      kernels.roundToBf16({ src: values, dst, count });
    }
    const offset = strip.from * width * WIDTH[to];
    yield [{ tensor: name, offset, bytes: storedValues(context, { dst, count, to }) }];
  }
}
