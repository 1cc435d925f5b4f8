/**
 * The FP8 loops of the quantizer: s = absmax/448, q = e4m3(x/s). Division and rounding are exact
 * f32; the reference they must equal bit for bit is in quantizer.test.ts.
 */
import { e4m3Code, f32OfBits } from './encode.ts';
import { absmaxBits, firstNotFinite, isFiniteBits } from './int-kernel.ts';
import { fp8Scale, type StoreScale } from './scale.ts';
import { FP8_BLOCK } from './scheme.ts';

/** Quotients of one run of columns, read back as bits: cheaper than one float at a time. */
const SCRATCH = 1024;
const quotients = new Float32Array(SCRATCH);
const quotientBits = new Int32Array(quotients.buffer);

interface CodeSpan {
  readonly start: number;
  readonly end: number;
  readonly scale: number;
}

/** By the upper half of an f32, and whether the lower half is zero: that decides every rounding. */
let upperCodes: Uint8Array | null = null;

function codesByUpperHalf(): Uint8Array {
  upperCodes ??= Uint8Array.from({ length: 2 ** 17 }, (_, i) =>
    e4m3Code(((i >>> 1) << 16) | (i & 1)),
  );
  return upperCodes;
}

/** E4M3FN of values / scale, from `start` to `end`. */
export function encodeSpan(
  values: Float32Array,
  codes: Uint8Array,
  { start, end, scale }: CodeSpan,
): void {
  const table = codesByUpperHalf();
  for (let from = start; from < end; from += SCRATCH) {
    const count = Math.min(SCRATCH, end - from);
    for (let i = 0; i < count; i++) quotients[i] = values[from + i]! / scale;
    for (let i = 0; i < count; i++) {
      const bits = quotientBits[i]!;
      codes[from + i] = table[((bits >>> 16) << 1) | (bits << 16 === 0 ? 0 : 1)]!;
    }
  }
}

interface RowTarget {
  readonly scales: Float32Array;
  readonly cols: number;
  readonly store: StoreScale;
  /** A scale is that of the row's largest magnitude, or of this where it is larger. */
  readonly absmax: number;
}

/** One scale per row. @returns the index of the first NaN or infinity, −1 if all is done */
export function quantizeFp8Rows(
  values: Float32Array,
  codes: Uint8Array,
  { scales, cols, store, absmax }: RowTarget,
): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let row = 0; row < scales.length; row++) {
    const start = row * cols;
    const end = start + cols;
    const largest = absmaxBits(bits, start, end);
    if (!isFiniteBits(largest)) return firstNotFinite(bits, start, end);
    const scale = fp8Scale(Math.max(f32OfBits(largest), absmax), store);
    scales[row] = scale;
    encodeSpan(values, codes, { start, end, scale });
  }
  return -1;
}

interface BlockTarget {
  readonly scales: Float32Array;
  readonly rows: number;
  readonly cols: number;
  readonly store: StoreScale;
}

/** One scale per 128×128 block, smaller at the edges. @returns as quantizeFp8Rows */
export function quantizeFp8Blocks(
  values: Float32Array,
  codes: Uint8Array,
  { scales, rows, cols, store }: BlockTarget,
): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let block = 0;
  for (let top = 0; top < rows; top += FP8_BLOCK) {
    const bottom = Math.min(top + FP8_BLOCK, rows);
    for (let left = 0; left < cols; left += FP8_BLOCK, block++) {
      const right = Math.min(left + FP8_BLOCK, cols);
      let largest = 0;
      for (let row = top; row < bottom; row++) {
        const rowMax = absmaxBits(bits, row * cols + left, row * cols + right);
        largest = Math.max(rowMax, largest);
        if (!isFiniteBits(rowMax))
          return firstNotFinite(bits, row * cols + left, row * cols + right);
      }
      const scale = fp8Scale(f32OfBits(largest), store);
      scales[block] = scale;
      for (let row = top; row < bottom; row++) {
        encodeSpan(values, codes, { start: row * cols + left, end: row * cols + right, scale });
      }
    }
  }
  return -1;
}
