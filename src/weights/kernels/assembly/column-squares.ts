/** Sums of the squares of every column, in one fixed order, so that they are reproducible. */

import { increment, incrementTwo } from './counting.ts';

/** 2¹¹²: what the exponents of F16, moved to their place in an f32, are too small by. */
const F16_UP: u32 = 0x77800000;

/** Exponent and mantissa of F16 at their place in an f32; squares do not need the sign. */
function half(bits: v128): v128 {
  const size = v128.and(bits, i32x4.splat(0x0fffe000));
  return f32x4.mul(size, f32x4.splat(reinterpret<f32>(F16_UP)));
}

/** Eight codes → f32 of the columns 0, 2, 4, 6. */
function even<T>(codes: v128): v128 {
  if (sizeof<T>() === 2 && isSigned<T>()) return half(i32x4.shl(codes, 13));
  return i32x4.shl(codes, 16);
}

/** … of the columns 1, 3, 5, 7. */
function odd<T>(codes: v128): v128 {
  if (sizeof<T>() === 2 && isSigned<T>()) return half(i32x4.shr_u(codes, 3));
  return v128.and(codes, i32x4.splat(0xffff0000));
}

function plusSquare(sum: v128, x: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, x));
}

/** Adds four f32 to four f64. */
function addTo(at: usize, sums: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(sums)));
  const high = i8x16.shuffle(
    sums,
    sums,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
  );
  v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(high)), 16);
}

function addPair(at: usize, a: v128, b: v128): void {
  addTo(at, i32x4.shuffle(a, b, 0, 4, 1, 5));
  addTo(at + 32, i32x4.shuffle(a, b, 2, 6, 3, 7));
}

function countSquaresColumn<T>(src: usize, rows: u32, pitch: usize, to: usize): void {
  let sum: f32 = 0;
  for (let row: u32 = 0; row < rows; row++, src += pitch) {
    const code = <u32>load<u16>(src);
    increment(code << 2);
    const x = f32x4.extract_lane(even<T>(i32x4.splat(code)), 0);
    sum += x * x;
  }
  store<f64>(to, load<f64>(to) + sum);
}

/**
 * u16: BF16; i16: F16; a line of the cache at a time, down all rows. Counting waits for memory and
 * squaring computes: together they take less time than one after the other.
 */
function countSquares16<T>(src: usize, rows: u32, cols: u32, sums: usize): void {
  const pitch = 2 * <usize>cols;
  let col: u32 = 0;
  for (; col + 32 <= cols; col += 32) {
    let at = src + 2 * <usize>col;
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    for (let row: u32 = 0; row < rows; row++, at += pitch) {
      const w = v128.load(at);
      a = plusSquare(a, even<T>(w));
      b = plusSquare(b, odd<T>(w));
      const p0 = load<u64>(at);
      const q0 = load<u64>(at, 8);
      incrementTwo((<u32>p0) << 2, (<u32>q0) << 2);
      incrementTwo(<u32>p0 >>> 14, <u32>q0 >>> 14);
      incrementTwo(<u32>(p0 >>> 30), <u32>(q0 >>> 30));
      incrementTwo(<u32>(p0 >>> 46), <u32>(q0 >>> 46));
      const x = v128.load(at, 16);
      c = plusSquare(c, even<T>(x));
      d = plusSquare(d, odd<T>(x));
      const p1 = load<u64>(at, 16);
      const q1 = load<u64>(at, 24);
      incrementTwo((<u32>p1) << 2, (<u32>q1) << 2);
      incrementTwo(<u32>p1 >>> 14, <u32>q1 >>> 14);
      incrementTwo(<u32>(p1 >>> 30), <u32>(q1 >>> 30));
      incrementTwo(<u32>(p1 >>> 46), <u32>(q1 >>> 46));
      const y = v128.load(at, 32);
      e = plusSquare(e, even<T>(y));
      f = plusSquare(f, odd<T>(y));
      const p2 = load<u64>(at, 32);
      const q2 = load<u64>(at, 40);
      incrementTwo((<u32>p2) << 2, (<u32>q2) << 2);
      incrementTwo(<u32>p2 >>> 14, <u32>q2 >>> 14);
      incrementTwo(<u32>(p2 >>> 30), <u32>(q2 >>> 30));
      incrementTwo(<u32>(p2 >>> 46), <u32>(q2 >>> 46));
      const z = v128.load(at, 48);
      g = plusSquare(g, even<T>(z));
      h = plusSquare(h, odd<T>(z));
      const p3 = load<u64>(at, 48);
      const q3 = load<u64>(at, 56);
      incrementTwo((<u32>p3) << 2, (<u32>q3) << 2);
      incrementTwo(<u32>p3 >>> 14, <u32>q3 >>> 14);
      incrementTwo(<u32>(p3 >>> 30), <u32>(q3 >>> 30));
      incrementTwo(<u32>(p3 >>> 46), <u32>(q3 >>> 46));
    }
    const to = sums + 8 * <usize>col;
    addPair(to, a, b);
    addPair(to + 64, c, d);
    addPair(to + 128, e, f);
    addPair(to + 192, g, h);
  }
  for (; col < cols; col++)
    countSquaresColumn<T>(src + 2 * <usize>col, rows, pitch, sums + 8 * <usize>col);
}

/**
 * countCodes, and f64 [cols]: adds the squares of each column; those of these rows are added up in
 * f32 first.
 */
export function countSquaresBf16(src: usize, rows: u32, cols: u32, sums: usize): void {
  countSquares16<u16>(src, rows, cols, sums);
}

export function countSquaresF16(src: usize, rows: u32, cols: u32, sums: usize): void {
  countSquares16<i16>(src, rows, cols, sums);
}

/** f64 [cols]: adds the squares of each column, as countSquares does. */
export function columnSquaresF32(src: usize, rows: u32, cols: u32, sums: usize): void {
  const pitch = 4 * <usize>cols;
  let col: u32 = 0;
  for (; col + 16 <= cols; col += 16) {
    let at = src + 4 * <usize>col;
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let row: u32 = 0; row < rows; row++, at += pitch) {
      a = plusSquare(a, v128.load(at));
      b = plusSquare(b, v128.load(at, 16));
      c = plusSquare(c, v128.load(at, 32));
      d = plusSquare(d, v128.load(at, 48));
    }
    const to = sums + 8 * <usize>col;
    addTo(to, a);
    addTo(to + 32, b);
    addTo(to + 64, c);
    addTo(to + 96, d);
  }
  for (; col < cols; col++) {
    let at = src + 4 * <usize>col;
    let sum: f32 = 0;
    for (let row: u32 = 0; row < rows; row++, at += pitch) {
      const x = load<f32>(at);
      sum += x * x;
    }
    const to = sums + 8 * <usize>col;
    store<f64>(to, load<f64>(to) + sum);
  }
}
