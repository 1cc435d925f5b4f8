/**
 * f32 → narrower formats, round to nearest, ties to even. What does not fit: BF16 and F16 become
 * ±Infinity as IEEE 754 has it, E4M3FN (which has no infinity) saturates at ±448. Every NaN becomes
 * one canonical NaN (0x7FC0, 0x7E00; E4M3FN keeps the sign: 0x7F, 0xFF), so that equal inputs give
 * equal files.
 */
import { decodeF16 } from './dtype.ts';

/** Dtypes that weights and scales are stored in. */
export type StoredFloat = 'F32' | 'BF16' | 'F16';

const QUIET_NAN_BF16 = 0x7fc0;
const QUIET_NAN_F16 = 0x7e00;
const INFINITY_BITS = 0x7f800000;

const word = new DataView(new ArrayBuffer(4));

/**
 * The bits of a number that is first rounded to f32. Bits and number go through one DataView:
 * through two typed arrays of one buffer, optimized code was seen to return what was there before.
 */
export function f32Bits(value: number): number {
  word.setFloat32(0, value, true);
  return word.getInt32(0, true);
}

export function f32OfBits(bits: number): number {
  word.setInt32(0, bits, true);
  return word.getFloat32(0, true);
}

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** One f32 bit pattern → BF16 code. Above 3.3961775e38 → Infinity. */
export function bf16Code(bits: number): number {
  if ((bits & 0x7fffffff) > INFINITY_BITS) return QUIET_NAN_BF16;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** One f32 bit pattern → F16 code. From 65520 on → Infinity; below 2⁻²⁵ (inclusive) → zero. */
function f16Code(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > INFINITY_BITS) return QUIET_NAN_F16;
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Normal: re-bias the exponent by 127 − 15 = 112 and drop 13 bits of mantissa.
  if (size >= 0x38800000) {
    return sign | ((size + 0xfff + ((size >>> 13) & 1) - (112 << 23)) >>> 13);
  }
  // Subnormal: a multiple of 2⁻²⁴; 126 − e is how far the mantissa lies below that.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  return sign | roundShift((size & 0x7fffff) | 0x800000, shift);
}

/** value / 2^shift, ties to even; value < 2^24, 1 ≤ shift ≤ 24. */
function roundShift(value: number, shift: number): number {
  return (value + ((1 << (shift - 1)) - 1) + ((value >>> shift) & 1)) >>> shift;
}

/**
 * One f32 bit pattern → E4M3FN code: nearest, ties to even, saturating at ±448 (infinities too).
 * The sign of zero is kept, and NaN keeps its sign bit (0x7F, 0xFF).
 */
export function e4m3Code(bits: number): number {
  const sign = (bits >>> 24) & 0x80;
  const size = bits & 0x7fffffff;
  if (size > INFINITY_BITS) return sign | 0x7f;
  if (size >= 0x43e00000) return sign | 0x7e;
  // Normal: re-bias the exponent by 127 − 7 = 120 and drop 20 bits of mantissa.
  if (size >= 0x3c800000) {
    return sign | ((size + 0x7ffff + ((size >>> 20) & 1) - (120 << 23)) >>> 20);
  }
  // Subnormal: a multiple of 2⁻⁹.
  const shift = 141 - (size >>> 23);
  if (shift > 24) return sign;
  return sign | roundShift((size & 0x7fffff) | 0x800000, shift);
}

/** The nearest E4M3FN code of a number that is first rounded to f32. */
export function encodeE4m3(value: number): number {
  return e4m3Code(f32Bits(value));
}

/** Adding and subtracting 1.5·2⁵² rounds a double to the nearest integer, ties to even. */
const ROUND = 6755399441055744;

/** The nearest integer within −half … half − 1, ties to even. */
export function clampRound(value: number, half: number): number {
  return (Math.max(-half, Math.min(half - 1, value)) + ROUND - ROUND) | 0;
}

/** f32 → little-endian bytes of a storage dtype. F32 is copied bit for bit. */
export function encodeF32(values: Float32Array, dtype: StoredFloat): Uint8Array {
  const bits = bitsOf(values);
  if (dtype === 'F32') return new Uint8Array(bits.slice().buffer);
  const codes = new Uint16Array(values.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < codes.length; i++) codes[i] = bf16Code(bits[i]!);
  } else {
    for (let i = 0; i < codes.length; i++) codes[i] = f16Code(bits[i]!);
  }
  return new Uint8Array(codes.buffer);
}

/** The nearest value that the dtype holds, as a number: f32 → dtype → f32. */
export function roundTo(value: number, dtype: StoredFloat): number {
  const bits = f32Bits(value);
  if (dtype === 'F32') return f32OfBits(bits);
  return dtype === 'F16' ? decodeF16(f16Code(bits)) : f32OfBits(bf16Code(bits) << 16);
}
