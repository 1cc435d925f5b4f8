/**
 * E4M3FN codes × scales → BF16, F32. Rounding commutes with powers of two, so the BF16 of all 256
 * codes follow from 16: the mantissas at one exponent, and the subnormals. Two swizzles look up 16
 * of them, and the exponent is added.
 */
import { bf16, multiples4, storeTable, zipHigh, zipLow } from './lanes.ts';

/** The step of subnormals, and of the codes of exponent 1. */
const UNIT: f32 = 0.001953125;
/** Of one block: low bytes, high bytes, and whether the table is exact. */
const TABLE_BYTES: usize = 48;

/** Outside these exponents a result may be subnormal or infinite, where rounding is another. */
function prepare(scale: f32, table: usize): void {
  const size = reinterpret<u32>(scale) >>> 23;
  // What is added later is the exponent of the code; exponent 1 is in the product already.
  const one = i32x4.splat(1 << 7);
  const step = UNIT * scale;
  storeTable(
    table,
    i32x4.sub(multiples4(8, step), one),
    i32x4.sub(multiples4(12, step), one),
    multiples4(0, step),
    multiples4(4, step),
  );
  store<u32>(table, size >= 20 && size <= 230 ? 1 : 0, 32);
}

function decoded(code: u32, scale: f32): f32 {
  const exponent = (code >>> 3) & 15;
  const mantissa = code & 7;
  if (exponent === 15 && mantissa === 7) return reinterpret<f32>(0x7fc00000);
  const normal = reinterpret<f32>(((exponent + 120) << 23) | (mantissa << 20));
  const size = (exponent === 0 ? <f32>mantissa * UNIT : normal) * scale;
  return code & 0x80 ? -size : size;
}

function oneByOne(src: usize, dst: usize, n: usize, scale: f32): void {
  for (let i: usize = 0; i < n; i++) {
    store<u16>(dst + (i << 1), bf16(decoded(load<u8>(src + i), scale)));
  }
}

function nanLanes(codes: v128): v128 {
  const nan = i8x16.splat(0x7f);
  return i8x16.eq(v128.and(codes, nan), nan);
}

/** Sixteen codes, none of them NaN. */
function sixteen(codes: v128, low: v128, high: v128, dst: usize): void {
  const none = i64x2.splat(0);
  const subnormal = i8x16.eq(v128.and(codes, i8x16.splat(0x78)), none);
  const eight = v128.and(subnormal, i8x16.splat(8));
  const index = v128.or(v128.and(codes, i8x16.splat(7)), eight);
  const l = i8x16.swizzle(low, index);
  const h = i8x16.swizzle(high, index);
  // A code in the upper byte of 16 bits, shifted with its sign: sign on 15, exponent on 10 … 7.
  const keep = i16x8.splat(<i16>0x8780);
  const first = v128.and(i16x8.shr_s(zipLow(none, codes), 4), keep);
  const second = v128.and(i16x8.shr_s(zipHigh(none, codes), 4), keep);
  v128.store(dst, i16x8.add(zipLow(l, h), first));
  v128.store(dst, i16x8.add(zipHigh(l, h), second), 16);
}

function segment(src: usize, dst: usize, n: usize, table: usize, scale: f32): void {
  const exact = load<u32>(table, 32) !== 0;
  const low = v128.load(table);
  const high = v128.load(table, 16);
  let i: usize = 0;
  for (; exact && i + 32 <= n; i += 32) {
    const a = v128.load(src + i);
    const b = v128.load(src + i, 16);
    const to = dst + (i << 1);
    if (v128.any_true(v128.or(nanLanes(a), nanLanes(b)))) oneByOne(src + i, to, 32, scale);
    else {
      sixteen(a, low, high, to);
      sixteen(b, low, high, to + 32);
    }
  }
  if (i < n) oneByOne(src + i, dst + (i << 1), n - i, scale);
}

/**
 * Codes [rows, cols] → BF16. Scales are F32 [gridRows, ⌈cols/blockCols⌉]; the first row is row
 * `phase` of its block. `scratch`: 48 bytes for each block of a row.
 */
export function fp8ToBf16(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  phase: u32,
  blockRows: u32,
  blockCols: u32,
  scratch: usize,
): void {
  const across = (cols + blockCols - 1) / blockCols;
  let line = scales - 4 * across;
  let left: u32 = 0;
  for (let row: u32 = 0; row < rows; row++, left--) {
    if (left === 0) {
      line += 4 * across;
      left = row === 0 ? blockRows - phase : blockRows;
      for (let b: u32 = 0; b < across; b++) {
        prepare(load<f32>(line + 4 * b), scratch + TABLE_BYTES * b);
      }
    }
    for (let b: u32 = 0; b < across; b++) {
      const col = b * blockCols;
      const at = <usize>row * cols + col;
      const n = min(blockCols, cols - col);
      segment(src + at, dst + 2 * at, n, scratch + TABLE_BYTES * b, load<f32>(line + 4 * b));
    }
  }
}

/** Four codes in i32 lanes. 2¹²⁰ moves the exponent of E4M3 to that of F32, subnormals too. */
function four(codes: v128, scale: v128): v128 {
  const size = v128.and(codes, i32x4.splat(0x7f));
  const sign = i32x4.shl(v128.and(codes, i32x4.splat(0x80)), 24);
  const values = f32x4.mul(i32x4.shl(size, 20), f32x4.splat(1.329227995784916e36));
  const scaled = v128.or(f32x4.mul(values, scale), sign);
  return v128.bitselect(i32x4.splat(0x7fc00000), scaled, i32x4.eq(size, i32x4.splat(0x7f)));
}

function segmentF32(src: usize, dst: usize, n: usize, scale: f32): void {
  const s = f32x4.splat(scale);
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const codes = v128.load(src + i);
    const low = i16x8.extend_low_i8x16_u(codes);
    const high = i16x8.extend_high_i8x16_u(codes);
    const to = dst + (i << 2);
    v128.store(to, four(i32x4.extend_low_i16x8_u(low), s));
    v128.store(to, four(i32x4.extend_high_i16x8_u(low), s), 16);
    v128.store(to, four(i32x4.extend_low_i16x8_u(high), s), 32);
    v128.store(to, four(i32x4.extend_high_i16x8_u(high), s), 48);
  }
  for (; i < n; i++) store<f32>(dst + (i << 2), decoded(load<u8>(src + i), scale));
}

/** As fp8ToBf16, to F32. */
export function fp8ToF32(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  phase: u32,
  blockRows: u32,
  blockCols: u32,
): void {
  const across = (cols + blockCols - 1) / blockCols;
  for (let row: u32 = 0; row < rows; row++) {
    const line = scales + 4 * across * ((row + phase) / blockRows);
    for (let b: u32 = 0; b < across; b++) {
      const col = b * blockCols;
      const at = <usize>row * cols + col;
      const n = min(blockCols, cols - col);
      segmentF32(src + at, dst + 4 * at, n, load<f32>(line + 4 * b));
    }
  }
}
