/**
 * The integer loops of the quantizer. Groups follow each other without gaps (a group divides its
 * row), so a matrix is one run of groups. The reference they must equal bit for bit is in
 * quantizer.test.ts.
 */
import { clampRound, f32OfBits } from './encode.ts';
import { asymmetricScale, type StoreScale, symmetricScale } from './scale.ts';

const INFINITY_BITS = 0x7f800000;

/** Bits of the largest magnitude in [start, end); a NaN or infinity gives ≥ INFINITY_BITS. */
export function absmaxBits(bits: Int32Array, start: number, end: number): number {
  // Finite floats without their sign order as integers do. Four chains hide the latency.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = start;
  for (; i + 3 < end; i += 4) {
    const w = bits[i]! & 0x7fffffff;
    const x = bits[i + 1]! & 0x7fffffff;
    const y = bits[i + 2]! & 0x7fffffff;
    const z = bits[i + 3]! & 0x7fffffff;
    a = Math.max(w, a);
    b = Math.max(x, b);
    c = Math.max(y, c);
    d = Math.max(z, d);
  }
  for (; i < end; i++) {
    const w = bits[i]! & 0x7fffffff;
    a = Math.max(w, a);
  }
  a = Math.max(b, a);
  c = Math.max(d, c);
  return Math.max(c, a);
}

/** Index of the first NaN or infinity in [start, end). */
export function firstNotFinite(bits: Int32Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if ((bits[i]! & 0x7fffffff) >= INFINITY_BITS) return i;
  }
  return -1;
}

export function isFiniteBits(bits: number): boolean {
  return bits < INFINITY_BITS;
}

interface SymmetricTarget {
  readonly scales: Float32Array;
  readonly group: number;
  readonly store: StoreScale;
  readonly bits: number;
}

/** @returns the index of the first NaN or infinity, −1 if all is done */
export function quantizeSymmetric(
  values: Float32Array,
  codes: Int8Array,
  { scales, group, store, bits }: SymmetricTarget,
): number {
  const asBits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const high = 2 ** (bits - 1) - 1;
  for (let g = 0, start = 0; g < scales.length; g++, start += group) {
    const end = start + group;
    const largest = absmaxBits(asBits, start, end);
    if (!isFiniteBits(largest)) return firstNotFinite(asBits, start, end);
    const scale = symmetricScale(f32OfBits(largest), bits, store);
    scales[g] = scale;
    roundGroup(values, codes, { start, end, scale, high });
  }
  return -1;
}

interface GroupSpan {
  readonly start: number;
  readonly end: number;
  readonly scale: number;
  readonly high: number;
}

function roundGroup(
  values: Float32Array,
  codes: Int8Array,
  { start, end, scale, high }: GroupSpan,
): void {
  // Clamped first: where the scale was cut to its dtype's range the quotient can be huge.
  for (let i = start; i < end; i++) {
    codes[i] = clampRound(Math.fround(values[i]! / scale), high + 1);
  }
}

interface AsymmetricTarget {
  readonly scales: Float32Array;
  readonly zeroPoints: Int8Array;
  readonly group: number;
  readonly store: StoreScale;
}

/** 4-bit codes with a zero point. @returns the index of the first NaN or infinity, else −1 */
export function quantizeAsymmetric(
  values: Float32Array,
  codes: Int8Array,
  { scales, zeroPoints, group, store }: AsymmetricTarget,
): number {
  const asBits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let g = 0, start = 0; g < scales.length; g++, start += group) {
    const end = start + group;
    if (!isFiniteBits(absmaxBits(asBits, start, end))) return firstNotFinite(asBits, start, end);
    let min = 0;
    let max = 0;
    for (let i = start; i < end; i++) {
      const x = values[i]!;
      min = Math.min(x, min);
      max = Math.max(x, max);
    }
    const { scale, zero } = asymmetricScale({ min, max }, store);
    scales[g] = scale;
    zeroPoints[g] = zero;
    for (let i = start; i < end; i++) {
      codes[i] = clampRound(Math.fround(Math.fround(values[i]! / scale) + zero), 8);
    }
  }
  return -1;
}
