/** Floats → codes, by scales that are given. Division and rounding are those of IEEE 754. */
import { load1, load4, narrow16 } from './lanes.ts';

const MAGNITUDE: u32 = 0x7fffffff;
/** Bits of 2⁻⁶, the smallest normal number of E4M3. */
const SMALLEST: u32 = 0x3c800000;

/**
 * Four quotients → E4M3FN without the sign. 2^(20 + exponent) is added: all but three bits of the
 * mantissa leave at the end, and the FPU rounds to nearest, ties to even. From 2⁻⁶ down the
 * exponent stays, which is how subnormals are rounded. What was added is taken off as an integer:
 * the steps that remain.
 */
function e4m3x4(quotients: v128): v128 {
  const size = f32x4.pmin(v128.and(quotients, i32x4.splat(MAGNITUDE)), f32x4.splat(448));
  const exponent = v128.and(size, i32x4.splat(0x7f800000));
  const floor = i32x4.max_s(exponent, i32x4.splat(SMALLEST));
  const push = i32x4.add(floor, i32x4.splat(20 << 23));
  const steps = i32x4.sub(f32x4.add(size, push), push);
  return i32x4.add(steps, i32x4.sub(i32x4.shr_u(floor, 20), i32x4.splat(SMALLEST >>> 20)));
}

/** Sixteen quotients → sixteen codes. */
function e4m3x16(a: v128, b: v128, c: v128, d: v128): v128 {
  // Narrowing saturates, and keeps what is below zero there.
  const signs = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  const codes = narrow16(e4m3x4(a), e4m3x4(b), e4m3x4(c), e4m3x4(d));
  return v128.or(codes, v128.and(signs, i8x16.splat(<i8>0x80)));
}

function fp8Segment<T>(src: usize, dst: usize, n: usize, scale: f32): void {
  const s = f32x4.splat(scale);
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const a = f32x4.div(load4<T>(src, i), s);
    const b = f32x4.div(load4<T>(src, i + 4), s);
    const c = f32x4.div(load4<T>(src, i + 8), s);
    const d = f32x4.div(load4<T>(src, i + 12), s);
    v128.store(dst + i, e4m3x16(a, b, c, d));
  }
  for (; i < n; i++) {
    const q = f32x4.splat(load1<T>(src, i) / scale);
    store<u8>(dst + i, i8x16.extract_lane_u(e4m3x16(q, q, q, q), 0));
  }
}

function toFp8<T>(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  blockRows: u32,
  blockCols: u32,
): void {
  const across = (cols + blockCols - 1) / blockCols;
  for (let row: u32 = 0; row < rows; row++) {
    const line = scales + 4 * across * (row / blockRows);
    for (let b: u32 = 0; b < across; b++) {
      const col = b * blockCols;
      const at = <usize>row * cols + col;
      const n = min(blockCols, cols - col);
      fp8Segment<T>(src + at * sizeof<T>(), dst + at, n, load<f32>(line + 4 * b));
    }
  }
}

/** Finite BF16 [rows, cols] → E4M3FN; scales F32 [⌈rows/blockRows⌉, ⌈cols/blockCols⌉]. */
export function bf16ToFp8(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  blockRows: u32,
  blockCols: u32,
): void {
  toFp8<u16>(src, dst, rows, cols, scales, blockRows, blockCols);
}

export function f32ToFp8(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  blockRows: u32,
  blockCols: u32,
): void {
  toFp8<f32>(src, dst, rows, cols, scales, blockRows, blockCols);
}

/** Adding 1.5 · 2²³ rounds to the nearest integer, ties to even, and leaves it in the low bits. */
const ROUND: f32 = 12582912;
const ROUND_BITS: u32 = 0x4b400000;

/** round(clamp(x/s + z)) as i32. */
function integers(x: v128, s: v128, z: v128, low: v128, high: v128): v128 {
  const places = f32x4.add(f32x4.div(x, s), z);
  const within = f32x4.pmax(f32x4.pmin(places, high), low);
  return i32x4.sub(f32x4.add(within, f32x4.splat(ROUND)), i32x4.splat(ROUND_BITS));
}

/** Sixteen signed bytes. */
function sixteen<T>(src: usize, i: usize, s: v128, z: v128, low: v128, high: v128): v128 {
  const a = integers(load4<T>(src, i), s, z, low, high);
  const b = integers(load4<T>(src, i + 4), s, z, low, high);
  const c = integers(load4<T>(src, i + 8), s, z, low, high);
  const d = integers(load4<T>(src, i + 12), s, z, low, high);
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** Element `i` of a line of 4-bit codes; elements come in order, so that even ones clear. */
function putNibble(line: usize, i: usize, code: u32): void {
  const at = line + (i >> 1);
  if (i & 1) store<u8>(at, load<u8>(at) | (code << 4));
  else store<u8>(at, code);
}

function toInt<T>(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  group: u32,
  scales: usize,
  zeros: usize,
  bits: u32,
  stride: u32,
  flip: u32,
): void {
  const groups = cols / group;
  const half: f32 = bits === 4 ? 8 : 128;
  const low = f32x4.splat(-half);
  const high = f32x4.splat(half - 1);
  for (let row: u32 = 0; row < rows; row++) {
    const line = dst + <usize>row * stride;
    const used = bits === 4 ? (cols + 1) >> 1 : cols;
    memory.fill(line + used, 0, stride - used);
    for (let g: u32 = 0; g < groups; g++) {
      const at = row * groups + g;
      const zero: f32 = zeros === 0 ? 0 : <f32>load<i8>(zeros + at);
      const s = f32x4.splat(load<f32>(scales + 4 * at));
      const z = f32x4.splat(zero);
      const from: usize = g * group;
      const x = src + (<usize>row * cols + from) * sizeof<T>();
      let i: usize = 0;
      if (bits === 8) {
        for (; i + 16 <= group; i += 16) {
          const codes = sixteen<T>(x, i, s, z, low, high);
          v128.store(line + from + i, v128.xor(codes, i8x16.splat(<i8>flip)));
        }
        for (; i < group; i++) {
          const code = integers(f32x4.splat(load1<T>(x, i)), s, z, low, high);
          store<u8>(line + from + i, <u8>(i32x4.extract_lane(code, 0) ^ flip));
        }
      } else {
        // An odd start has its first code in the byte of the group before.
        for (; (from & 1) === 0 && i + 16 <= group; i += 16) {
          const codes = i8x16.add(sixteen<T>(x, i, s, z, low, high), i8x16.splat(8));
          const pairs = v128.and(v128.or(codes, i16x8.shr_u(codes, 4)), i16x8.splat(255));
          const packed = i8x16.narrow_i16x8_u(pairs, pairs);
          v128.store64_lane(line + ((from + i) >> 1), packed, 0);
        }
        for (; i < group; i++) {
          const code = integers(f32x4.splat(load1<T>(x, i)), s, z, low, high);
          putNibble(line, from + i, <u32>(i32x4.extract_lane(code, 0) + 8));
        }
      }
    }
  }
}

/**
 * Finite BF16 [rows, cols] → lines of `stride` bytes: 4-bit codes plus 8, two a byte, or 8-bit
 * codes with the bits of `flip` turned. `group` divides cols; scales F32 and zeros i8 (0: none)
 * are [rows, cols/group].
 */
export function bf16ToInt(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  group: u32,
  scales: usize,
  zeros: usize,
  bits: u32,
  stride: u32,
  flip: u32,
): void {
  toInt<u16>(src, dst, rows, cols, group, scales, zeros, bits, stride, flip);
}

export function f32ToInt(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  group: u32,
  scales: usize,
  zeros: usize,
  bits: u32,
  stride: u32,
  flip: u32,
): void {
  toInt<f32>(src, dst, rows, cols, group, scales, zeros, bits, stride, flip);
}
