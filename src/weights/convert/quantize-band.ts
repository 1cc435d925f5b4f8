/** Plain values → codes and scales, by the rules of the one quantizer. */
import { DTYPE_BYTES, decodeF32 } from '../dtype.ts';
import { at, matrixShape, type RowSpan } from '../formats/decode.ts';
import type { StoredTensor } from '../formats/stored-tensor.ts';
import { firstNotFinite } from '../int-kernel.ts';
import type { KernelFloat } from '../kernels/kernels.ts';
import { notFinite } from '../quantizer.ts';
import { asymmetricScale, fp8Scale, type StoreScale, storeOf, symmetricScale } from '../scale.ts';
import { FP8_BLOCK } from '../scheme.ts';
import { stripsOf } from './bands.ts';
import type { ConversionStep } from './conversion-plan.ts';
import type { Band, BandContext } from './convert-band.ts';
import { type PackedMatrix, quantizing } from './output-format.ts';
import { gridPieces, openPacker, type Packer, type Piece } from './pack.ts';

/** Rows of a plain tensor in the memory of kernels. */
interface ValueSource {
  readonly from: KernelFloat;
  /** @returns the offset of the values; void when the next strip is asked for */
  load(strip: RowSpan): number;
}

function openValues(
  { codes }: StoredTensor,
  { cols, most }: { cols: number; most: number },
  { kernels, reader }: BandContext,
): ValueSource {
  const { memory } = kernels;
  const { dtype } = codes;
  const width = DTYPE_BYTES[dtype];
  const from = dtype === 'BF16' ? 'BF16' : 'F32';
  const buffer = memory.take(most * cols * (from === 'BF16' ? 2 : 4));
  return {
    from,
    load(strip) {
      const count = (strip.to - strip.from) * cols;
      const place = at(codes, strip.from * cols * width);
      if (dtype === 'BF16' || dtype === 'F32') {
        reader.readInto(place, memory.bytes(buffer, count * width));
      } else {
        const values = decodeF32(reader.readAt(place, count * width), dtype);
        memory.floats(buffer, count).set(values);
      }
      return buffer;
    },
  };
}

/** What shares a scale. */
interface Cells {
  readonly blockRows: number;
  readonly blockCols: number;
}

function cellsOf({ scheme, rows, cols }: PackedMatrix): Cells {
  switch (scheme.layout) {
    case 'block':
      return { blockRows: FP8_BLOCK, blockCols: FP8_BLOCK };
    case 'tensor':
      return { blockRows: rows, blockCols: cols };
    default:
      return { blockRows: 1, blockCols: scheme.group ?? cols };
  }
}

/** Scales (and zero points) of a band, filled strip by strip. */
interface Grid {
  readonly scales: Float32Array;
  readonly zeroPoints: Int8Array | null;
}

interface Strip {
  readonly strip: RowSpan;
  readonly src: number;
  readonly from: KernelFloat;
}

export function* quantizeBand(
  band: Band,
  packed: PackedMatrix,
  context: BandContext,
): Generator<readonly Piece[]> {
  const { step, span } = band;
  const { memory } = context.kernels;
  const { cols, scheme } = packed;
  const { strips, most } = stripsOf(step, span);
  const values = openValues(step.tensor, { cols, most }, context);
  const packer = openPacker(packed, { span, most }, context);
  const cells = cellsOf(packed);
  const across = Math.ceil(cols / cells.blockCols);
  const cellsIn = (rows: number): number => Math.ceil(rows / cells.blockRows) * across;
  const count = cellsIn(span.to - span.from);
  const zeroPoints = scheme.symmetric ? null : new Int8Array(count);
  const grid: Grid = { scales: new Float32Array(count), zeroPoints };
  const extremes = memory.take(8 * cellsIn(most));
  const scales = memory.take(4 * cellsIn(most));
  const zeros = scheme.symmetric ? 0 : memory.take(cellsIn(most));
  for (const strip of strips) {
    const loaded: Strip = { strip, src: values.load(strip), from: values.from };
    const first = Math.floor((strip.from - span.from) / cells.blockRows) * across;
    const last = first + cellsIn(strip.to - strip.from);
    const part = {
      scales: grid.scales.subarray(first, last),
      zeroPoints: zeroPoints?.subarray(first, last) ?? null,
    };
    fillGrid(part, { band, packed, cells, extremes, loaded }, context);
    memory.floats(scales, part.scales.length).set(part.scales);
    if (part.zeroPoints !== null) {
      memory.bytes(zeros, part.zeroPoints.length).set(part.zeroPoints);
    }
    encode({ packed, cells, loaded, scales, zeros, packer }, context);
    yield packer.accept(strip, packer.dst);
  }
  yield [...packer.finish(), ...gridPieces(packed, { ...grid, span })];
}

function fillGrid(
  { scales, zeroPoints }: Grid,
  of: {
    readonly band: Band;
    readonly packed: PackedMatrix;
    readonly cells: Cells;
    readonly extremes: number;
    readonly loaded: Strip;
  },
  context: BandContext,
): void {
  const { band, packed, cells, extremes, loaded } = of;
  const { kernels } = context;
  const { memory } = kernels;
  const { strip, src, from } = loaded;
  const { scheme, cols } = packed;
  const store: StoreScale = storeOf(quantizing(packed));
  const rows = strip.to - strip.from;
  if (zeroPoints !== null) {
    kernels.ranges({ src, dst: extremes, groups: scales.length, group: cells.blockCols, from });
    const found = memory.floats(extremes, 2 * scales.length);
    refuseNotFinite(found, of, context);
    for (let i = 0; i < scales.length; i++) {
      const range = { min: found[2 * i]!, max: found[2 * i + 1]! };
      const { scale, zero } = asymmetricScale(range, store);
      scales[i] = scale;
      zeroPoints[i] = zero;
    }
    return;
  }
  kernels.absmax({ src, dst: extremes, rows, cols, ...cells, from });
  const found = memory.floats(extremes, scales.length);
  refuseNotFinite(found, of, context);
  for (let i = 0; i < scales.length; i++) {
    const absmax = Math.max(found[i]!, band.absmax);
    scales[i] =
      scheme.family === 'fp8'
        ? fp8Scale(absmax, store)
        : symmetricScale(absmax, scheme.bits, store);
  }
}

/** @throws FormatError that names the first NaN or infinity of the strip */
function refuseNotFinite(
  found: Float32Array,
  { band, packed, loaded }: { band: Band; packed: PackedMatrix; loaded: Strip },
  { kernels }: BandContext,
): void {
  if (found.every(Number.isFinite)) return;
  const { strip, src, from } = loaded;
  const { cols } = packed;
  const bytes = kernels.memory.bytes(src, (strip.to - strip.from) * cols * DTYPE_BYTES[from]);
  const values = decodeF32(bytes, from);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const { name } = band.step.tensor;
  const shown = strip.from === 0 ? name : `${name}, rows from ${strip.from}`;
  throw notFinite(values, firstNotFinite(bits, 0, bits.length), { name: shown, cols });
}

function encode(
  of: {
    readonly packed: PackedMatrix;
    readonly cells: Cells;
    readonly loaded: Strip;
    readonly scales: number;
    readonly zeros: number;
    readonly packer: Packer;
  },
  { kernels }: BandContext,
): void {
  const { packed, cells, loaded, scales, zeros, packer } = of;
  const { cols, scheme } = packed;
  const { strip, src, from } = loaded;
  const { stride, flip, dst } = packer;
  const job = { src, dst, rows: strip.to - strip.from, cols, scales, from };
  if (scheme.family === 'fp8') {
    kernels.encodeFp8({ ...job, ...cells });
    return;
  }
  const bits = scheme.bits === 4 ? 4 : 8;
  kernels.encodeInt({ ...job, group: cells.blockCols, zeros, bits, stride, flip });
}

/** True where a band needs the largest magnitude of the whole tensor first. */
export function needsAbsmax({ action }: ConversionStep): boolean {
  return action.kind === 'quantize' && action.packed.scheme.layout === 'tensor';
}

/** The largest magnitude of a band; 0 where it holds a NaN or infinity, which is refused later. */
export function absmaxOfBand(step: ConversionStep, span: RowSpan, context: BandContext): number {
  const { kernels } = context;
  kernels.memory.reset();
  const { cols } = matrixShape(step.tensor);
  const { strips, most } = stripsOf(step, span);
  const values = openValues(step.tensor, { cols, most }, context);
  const dst = kernels.memory.take(4);
  let absmax = 0;
  for (const strip of strips) {
    const rows = strip.to - strip.from;
    const one = { rows, cols, blockRows: rows, blockCols: cols, from: values.from };
    kernels.absmax({ src: values.load(strip), dst, ...one });
    const found = kernels.memory.floats(dst, 1)[0]!;
    if (Number.isFinite(found)) absmax = Math.max(absmax, found);
  }
  return absmax;
}
