/** Bytes, words and numbers in vectors of 16 bytes. */

/** a0 b0 a1 b1 … a7 b7 */
export function zipLow(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** a8 b8 … a15 b15 */
export function zipHigh(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Sixteen i32 of 0…255 → bytes. */
export function narrow16(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d));
}

/** Elements i … i + 3 of BF16 (u16) or F32 (f32) as f32. */
export function load4<T>(at: usize, i: usize): v128 {
  if (sizeof<T>() === 2) return i32x4.shl(v128.load_ext<u16>(at + (i << 1)), 16);
  return v128.load(at + (i << 2));
}

export function load1<T>(at: usize, i: usize): f32 {
  if (sizeof<T>() === 2) return reinterpret<f32>((<u32>load<u16>(at + (i << 1))) << 16);
  return load<f32>(at + (i << 2));
}

/** Every NaN becomes this one: payloads are not portable. */
const QUIET_NAN: u32 = 0x7fc0;

/** f32 → BF16, to nearest, ties to even. */
export function bf16(value: f32): u32 {
  const bits = reinterpret<u32>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return QUIET_NAN;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Four f32, none of them NaN, → four u32 that are BF16. */
export function numbersToBf16(values: v128): v128 {
  const odd = v128.and(i32x4.shr_u(values, 16), i32x4.splat(1));
  return i32x4.shr_u(i32x4.add(i32x4.add(values, odd), i32x4.splat(0x7fff)), 16);
}

export function bf16x4(values: v128): v128 {
  const nan = i32x4.splat(QUIET_NAN);
  return v128.bitselect(numbersToBf16(values), nan, f32x4.eq(values, values));
}

/** Sixteen u32 of 16 bits → a vector of low bytes, then one of high bytes, for two swizzles. */
export function storeTable(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  const low = i32x4.splat(255);
  v128.store(at, narrow16(v128.and(a, low), v128.and(b, low), v128.and(c, low), v128.and(d, low)));
  v128.store(
    at + 16,
    narrow16(i32x4.shr_u(a, 8), i32x4.shr_u(b, 8), i32x4.shr_u(c, 8), i32x4.shr_u(d, 8)),
  );
}

/** first, first + 1, … four times a step that is finite, rounded to BF16. */
export function multiples4(first: f32, step: f32): v128 {
  const steps = f32x4.add(f32x4(0, 1, 2, 3), f32x4.splat(first));
  return numbersToBf16(f32x4.mul(steps, f32x4.splat(step)));
}
