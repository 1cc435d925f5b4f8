/** Lines of integer codes × scales → BF16, F32: (code − zero) · scale, rounded as each dtype is. */
import { bf16, bf16x4, multiples4, storeTable, zipHigh, zipLow } from './lanes.ts';

/** Element `i` of a line: 4-bit codes less 8, 8-bit codes with the bits of `flip` turned. */
function codeAt(line: usize, i: usize, bits: u32, flip: u32): i32 {
  if (bits === 8) return <i32>(<i8>(load<u8>(line + i) ^ <u8>flip));
  return <i32>((<u32>load<u8>(line + (i >> 1)) >>> ((<u32>i & 1) << 2)) & 15) - 8;
}

function put<T>(dst: usize, i: usize, value: f32): void {
  if (sizeof<T>() === 2) store<u16>(dst + (i << 1), bf16(value));
  else store<f32>(dst + (i << 2), value);
}

/** Four f32, and the four after them. */
function put8<T>(dst: usize, i: usize, a: v128, b: v128): void {
  if (sizeof<T>() === 2) v128.store(dst + (i << 1), i16x8.narrow_i32x4_u(bf16x4(a), bf16x4(b)));
  else {
    v128.store(dst + (i << 2), a);
    v128.store(dst + (i << 2), b, 16);
  }
}

/** Eight codes less zero in i16 lanes. */
function scaled8<T>(dst: usize, i: usize, codes: v128, scale: v128): void {
  const a = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes));
  const b = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes));
  put8<T>(dst, i, f32x4.mul(a, scale), f32x4.mul(b, scale));
}

/** Sixteen indices of the table → BF16. */
function lookUp(low: v128, high: v128, index: v128, dst: usize): void {
  const l = i8x16.swizzle(low, index);
  const h = i8x16.swizzle(high, index);
  v128.store(dst, zipLow(l, h));
  v128.store(dst, zipHigh(l, h), 16);
}

/** Thirty-two 4-bit codes. */
function lookUp32(low: v128, high: v128, src: usize, dst: usize): void {
  const packed = v128.load(src);
  const even = v128.and(packed, i8x16.splat(15));
  const odd = i8x16.shr_u(packed, 4);
  lookUp(low, high, zipLow(even, odd), dst);
  lookUp(low, high, zipHigh(even, odd), dst + 32);
}

/** A group of 4-bit codes stands for 16 values: rounded once, then looked up. */
function nibblesToBf16(
  src: usize,
  dst: usize,
  n: usize,
  zero: i32,
  scale: f32,
  table: usize,
): usize {
  const first: f32 = -(<f32>(zero + 8));
  storeTable(
    table,
    multiples4(first, scale),
    multiples4(first + 4, scale),
    multiples4(first + 8, scale),
    multiples4(first + 12, scale),
  );
  const low = v128.load(table);
  const high = v128.load(table, 16);
  let i: usize = 0;
  // By hand: every turn of a loop costs V8 a look at its stack.
  for (; i + 128 <= n; i += 128) {
    const from = src + (i >> 1);
    const to = dst + (i << 1);
    lookUp32(low, high, from, to);
    lookUp32(low, high, from + 16, to + 64);
    lookUp32(low, high, from + 32, to + 128);
    lookUp32(low, high, from + 48, to + 192);
  }
  for (; i + 32 <= n; i += 32) lookUp32(low, high, src + (i >> 1), dst + (i << 1));
  return i;
}

function nibblesToF32(src: usize, dst: usize, n: usize, zero: i32, scale: f32): usize {
  const s = f32x4.splat(scale);
  const less = i16x8.splat(<i16>(8 + zero));
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const packed = v128.load64_zero(src + (i >> 1));
    const codes = zipLow(v128.and(packed, i8x16.splat(15)), i8x16.shr_u(packed, 4));
    scaled8<f32>(dst, i, i16x8.sub(i16x8.extend_low_i8x16_u(codes), less), s);
    scaled8<f32>(dst, i + 8, i16x8.sub(i16x8.extend_high_i8x16_u(codes), less), s);
  }
  return i;
}

function bytes<T>(src: usize, dst: usize, n: usize, zero: i32, scale: f32, flip: u32): usize {
  const s = f32x4.splat(scale);
  const turn = i8x16.splat(<i8>flip);
  const less = i16x8.splat(<i16>zero);
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const codes = v128.xor(v128.load(src + i), turn);
    scaled8<T>(dst, i, i16x8.sub(i16x8.extend_low_i8x16_s(codes), less), s);
    scaled8<T>(dst, i + 8, i16x8.sub(i16x8.extend_high_i8x16_s(codes), less), s);
  }
  return i;
}

function fromInt<T>(
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
  scratch: usize,
): void {
  const groups = cols / group;
  for (let row: u32 = 0; row < rows; row++) {
    const line = src + <usize>row * stride;
    for (let g: u32 = 0; g < groups; g++) {
      const at = row * groups + g;
      const scale = load<f32>(scales + 4 * at);
      const zero = zeros === 0 ? 0 : <i32>load<i8>(zeros + at);
      const from: usize = g * group;
      const to = dst + (<usize>row * cols + from) * sizeof<T>();
      let i: usize = 0;
      if (bits === 8) i = bytes<T>(line + from, to, group, zero, scale, flip);
      else if ((from & 1) === 0) {
        const packed = line + (from >> 1);
        if (sizeof<T>() === 2) i = nibblesToBf16(packed, to, group, zero, scale, scratch);
        else i = nibblesToF32(packed, to, group, zero, scale);
      }
      for (; i < group; i++) {
        put<T>(to, i, <f32>(codeAt(line, from + i, bits, flip) - zero) * scale);
      }
    }
  }
}

/**
 * Lines of `stride` bytes → BF16 [rows, cols], as bf16ToInt lays them out. Zeros (0: none) are
 * signed, less half of the range like the codes. `scratch`: 32 bytes.
 */
export function intToBf16(
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
  scratch: usize,
): void {
  fromInt<u16>(src, dst, rows, cols, group, scales, zeros, bits, stride, flip, scratch);
}

/** As intToBf16, to F32. */
export function intToF32(
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
  fromInt<f32>(src, dst, rows, cols, group, scales, zeros, bits, stride, flip, 0);
}

/** Act-order: `index` (i32 [cols]) names the group of each column. */
export function orderedIntToF32(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  groups: u32,
  index: usize,
  scales: usize,
  zeros: usize,
  bits: u32,
  stride: u32,
  flip: u32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    const line = src + <usize>row * stride;
    for (let i: u32 = 0; i < cols; i++) {
      const at = row * groups + load<u32>(index + 4 * i);
      const zero = zeros === 0 ? 0 : <i32>load<i8>(zeros + at);
      const value = <f32>(codeAt(line, i, bits, flip) - zero) * load<f32>(scales + 4 * at);
      store<f32>(dst + 4 * (<usize>row * cols + i), value);
    }
  }
}

/** F32 → BF16. */
export function f32ToBf16(src: usize, dst: usize, n: usize): void {
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    put8<u16>(dst, i, v128.load(src + (i << 2)), v128.load(src + (i << 2), 16));
  }
  for (; i < n; i++) put<u16>(dst, i, load<f32>(src + (i << 2)));
}
