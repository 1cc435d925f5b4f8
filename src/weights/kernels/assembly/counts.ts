/** How often codes and exponents come, and the largest magnitude of every row. */

import { increment, incrementTwo } from './counting.ts';

const MAGNITUDE: u32 = 0x7fffffff;

/** Four times an exponent of 8 bits. */
const EXPONENT: u32 = 0x3fc;

/** u32 [65,536] at COUNTS: adds how often each code of 16 bits comes. */
export function countCodes(src: usize, n: u32): void {
  let at = src;
  const end = src + 2 * <usize>n;
  for (; at + 16 <= end; at += 16) {
    const a = load<u64>(at);
    const b = load<u64>(at, 8);
    incrementTwo((<u32>a) << 2, (<u32>b) << 2);
    incrementTwo(<u32>a >>> 14, <u32>b >>> 14);
    incrementTwo(<u32>(a >>> 30), <u32>(b >>> 30));
    incrementTwo(<u32>(a >>> 46), <u32>(b >>> 46));
  }
  for (; at < end; at += 2) increment((<u32>load<u16>(at)) << 2);
}

/**
 * u32 [65,536] at COUNTS: adds how often the exponents of two neighbours come, the first one in the
 * low byte; what is left over of n has 0 for its neighbour.
 * @returns the least exponent times 4: 0 where a zero or a subnormal is among them
 */
export function countExponents(src: usize, n: u32): u32 {
  let at = src;
  const end = src + 4 * <usize>n;
  let least = i32x4.splat(EXPONENT);
  for (; at + 32 <= end; at += 32) {
    const a = v128.and(i32x4.shr_u(v128.load(at), 21), i32x4.splat(EXPONENT));
    const b = v128.and(i32x4.shr_u(v128.load(at, 16), 21), i32x4.splat(EXPONENT));
    least = i32x4.min_u(least, i32x4.min_u(a, b));
    const c = v128.or(a, i64x2.shr_u(a, 24));
    const d = v128.or(b, i64x2.shr_u(b, 24));
    increment(i32x4.extract_lane(c, 0));
    increment(i32x4.extract_lane(d, 0));
    increment(i32x4.extract_lane(c, 2));
    increment(i32x4.extract_lane(d, 2));
  }
  let low = leastLane(least);
  for (; at < end; at += 8) {
    const first = (load<u32>(at) >>> 21) & EXPONENT;
    low = min(low, first);
    let pair = first;
    if (at + 4 < end) {
      const second = (load<u32>(at, 4) >>> 21) & EXPONENT;
      low = min(low, second);
      pair |= second << 8;
    }
    increment(pair);
  }
  return low;
}

function leastLane(m: v128): u32 {
  const a = min(<u32>i32x4.extract_lane(m, 0), <u32>i32x4.extract_lane(m, 1));
  return min(a, min(<u32>i32x4.extract_lane(m, 2), <u32>i32x4.extract_lane(m, 3)));
}

/** u16 [rows]: the largest code without its sign. */
export function rowMagnitudes16(src: usize, rows: u32, cols: u32, dst: usize): void {
  const keep = i16x8.splat(0x7fff);
  for (let row: u32 = 0; row < rows; row++) {
    const line = src + 2 * <usize>row * cols;
    let a = i64x2.splat(0);
    let b = i64x2.splat(0);
    let i: u32 = 0;
    for (; i + 16 <= cols; i += 16) {
      a = i16x8.max_u(a, v128.and(v128.load(line + 2 * <usize>i), keep));
      b = i16x8.max_u(b, v128.and(v128.load(line + 2 * <usize>i, 16), keep));
    }
    a = i16x8.max_u(a, b);
    const wide = i32x4.max_u(i32x4.shr_u(a, 16), v128.and(a, i32x4.splat(0xffff)));
    let most = largestLane(wide);
    for (; i < cols; i++) most = max(most, <u32>load<u16>(line + 2 * <usize>i) & 0x7fff);
    store<u16>(dst + 2 * <usize>row, <u16>most);
  }
}

/** u32 [rows]: the largest bits without their sign. */
export function rowMagnitudes32(src: usize, rows: u32, cols: u32, dst: usize): void {
  const keep = i32x4.splat(MAGNITUDE);
  for (let row: u32 = 0; row < rows; row++) {
    const line = src + 4 * <usize>row * cols;
    let a = i64x2.splat(0);
    let b = i64x2.splat(0);
    let i: u32 = 0;
    for (; i + 8 <= cols; i += 8) {
      a = i32x4.max_u(a, v128.and(v128.load(line + 4 * <usize>i), keep));
      b = i32x4.max_u(b, v128.and(v128.load(line + 4 * <usize>i, 16), keep));
    }
    let most = largestLane(i32x4.max_u(a, b));
    for (; i < cols; i++) most = max(most, load<u32>(line + 4 * <usize>i) & MAGNITUDE);
    store<u32>(dst + 4 * <usize>row, most);
  }
}

function largestLane(m: v128): u32 {
  const a = max(<u32>i32x4.extract_lane(m, 0), <u32>i32x4.extract_lane(m, 1));
  return max(a, max(<u32>i32x4.extract_lane(m, 2), <u32>i32x4.extract_lane(m, 3)));
}
