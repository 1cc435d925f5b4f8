/** What scales are made of: largest magnitudes, and ranges that include zero. */
import { load1, load4 } from './lanes.ts';

const MAGNITUDE: u32 = 0x7fffffff;
const INFINITY_BITS: u32 = 0x7f800000;

function largestLane(m: v128): u32 {
  const pairs = i32x4.max_u(
    m,
    i8x16.shuffle(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7),
  );
  return max(<u32>i32x4.extract_lane(pairs, 0), <u32>i32x4.extract_lane(pairs, 1));
}

/** Bits of the largest magnitude: those of finite floats order as integers do, NaN is above. */
function largest<T>(src: usize, n: usize): u32 {
  let i: usize = 0;
  let most: u32 = 0;
  if (sizeof<T>() === 2) {
    const keep = i16x8.splat(0x7fff);
    let a = i64x2.splat(0);
    let b = i64x2.splat(0);
    for (; i + 16 <= n; i += 16) {
      a = i16x8.max_u(a, v128.and(v128.load(src + (i << 1)), keep));
      b = i16x8.max_u(b, v128.and(v128.load(src + (i << 1), 16), keep));
    }
    a = i16x8.max_u(a, b);
    most = largestLane(i32x4.max_u(i32x4.shl(a, 16), v128.and(a, i32x4.splat(0xffff0000))));
  } else {
    const keep = i32x4.splat(MAGNITUDE);
    let a = i64x2.splat(0);
    let b = i64x2.splat(0);
    for (; i + 8 <= n; i += 8) {
      a = i32x4.max_u(a, v128.and(v128.load(src + (i << 2)), keep));
      b = i32x4.max_u(b, v128.and(v128.load(src + (i << 2), 16), keep));
    }
    most = largestLane(i32x4.max_u(a, b));
  }
  for (; i < n; i++) most = max(most, reinterpret<u32>(load1<T>(src, i)) & MAGNITUDE);
  return most;
}

function absmax<T>(
  src: usize,
  rows: u32,
  cols: u32,
  blockRows: u32,
  blockCols: u32,
  out: usize,
): void {
  const across = (cols + blockCols - 1) / blockCols;
  memory.fill(out, 0, 4 * across * ((rows + blockRows - 1) / blockRows));
  for (let row: u32 = 0; row < rows; row++) {
    const line = out + 4 * across * (row / blockRows);
    for (let b: u32 = 0; b < across; b++) {
      const col = b * blockCols;
      const at = (<usize>row * cols + col) * sizeof<T>();
      const most = largest<T>(src + at, min(blockCols, cols - col));
      store<u32>(line + 4 * b, max(most, load<u32>(line + 4 * b)));
    }
  }
}

/** BF16 [rows, cols] → F32 [⌈rows/blockRows⌉, ⌈cols/blockCols⌉]; NaN or infinity where one is. */
export function absmaxBf16(
  src: usize,
  rows: u32,
  cols: u32,
  blockRows: u32,
  blockCols: u32,
  out: usize,
): void {
  absmax<u16>(src, rows, cols, blockRows, blockCols, out);
}

export function absmaxF32(
  src: usize,
  rows: u32,
  cols: u32,
  blockRows: u32,
  blockCols: u32,
  out: usize,
): void {
  absmax<f32>(src, rows, cols, blockRows, blockCols, out);
}

function swapped8(v: v128): v128 {
  return i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

function swapped4(v: v128): v128 {
  return i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}

function ranges<T>(src: usize, groups: u32, group: u32, out: usize): void {
  for (let g: u32 = 0; g < groups; g++, src += group * sizeof<T>()) {
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    let i: usize = 0;
    // These forget a NaN, and are one instruction each.
    for (; i + 4 <= group; i += 4) {
      const x = load4<T>(src, i);
      low = f32x4.pmin(low, x);
      high = f32x4.pmax(high, x);
    }
    for (; i < group; i++) {
      const x = f32x4.splat(load1<T>(src, i));
      low = f32x4.pmin(low, x);
      high = f32x4.pmax(high, x);
    }
    low = f32x4.pmin(low, swapped8(low));
    high = f32x4.pmax(high, swapped8(high));
    let min = f32x4.extract_lane(f32x4.pmin(low, swapped4(low)), 0);
    let max = f32x4.extract_lane(f32x4.pmax(high, swapped4(high)), 0);
    if (largest<T>(src, group) > INFINITY_BITS) {
      min = NaN;
      max = NaN;
    }
    store<f32>(out + 8 * g, min);
    store<f32>(out + 8 * g, max, 4);
  }
}

/** BF16 → min ≤ 0 and max ≥ 0 of each group as F32 pairs; a NaN makes both NaN. */
export function rangesBf16(src: usize, groups: u32, group: u32, out: usize): void {
  ranges<u16>(src, groups, group, out);
}

export function rangesF32(src: usize, groups: u32, group: u32, out: usize): void {
  ranges<f32>(src, groups, group, out);
}
