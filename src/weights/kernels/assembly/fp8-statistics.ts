/** What is counted and added up of E4M3FN codes, block by block. */

/** Four tables u32 [256], one behind the other: neighbours often are one code. */
const COUNTS: usize = 1024;
const TABLE: u32 = 1024;
const CODE: u32 = 0x3fc;

function increment(place: u32): void {
  store<u32>(place, load<u32>(place, COUNTS) + 1, COUNTS);
}

function increment1(place: u32): void {
  store<u32>(place, load<u32>(place, COUNTS + TABLE) + 1, COUNTS + TABLE);
}

function increment2(place: u32): void {
  store<u32>(place, load<u32>(place, COUNTS + 2 * TABLE) + 1, COUNTS + 2 * TABLE);
}

function increment3(place: u32): void {
  store<u32>(place, load<u32>(place, COUNTS + 3 * TABLE) + 1, COUNTS + 3 * TABLE);
}

function clear(from: usize, to: usize): void {
  for (let at = from; at < to; at += 16) v128.store(at, i64x2.splat(0));
}

/** u32 [256] at COUNTS: how often each byte comes; 3 KiB behind it are zeros then. */
export function countBytes(src: usize, n: u32): void {
  clear(COUNTS, COUNTS + 4 * TABLE);
  let at = src;
  const end = src + n;
  for (; at + 8 <= end; at += 8) {
    const a = load<u64>(at);
    increment(((<u32>a) << 2) & CODE);
    increment1((<u32>a >>> 6) & CODE);
    increment2((<u32>a >>> 14) & CODE);
    increment3((<u32>a >>> 22) & CODE);
    increment(<u32>(a >>> 30) & CODE);
    increment1(<u32>(a >>> 38) & CODE);
    increment2(<u32>(a >>> 46) & CODE);
    increment3(<u32>(a >>> 54) & CODE);
  }
  for (; at < end; at++) increment((<u32>load<u8>(at)) << 2);
  for (let place: usize = COUNTS; place < COUNTS + TABLE; place += 16) {
    const a = i32x4.add(v128.load(place), v128.load(place, TABLE));
    const b = i32x4.add(v128.load(place, 2 * TABLE), v128.load(place, 3 * TABLE));
    v128.store(place, i32x4.add(a, b));
  }
  clear(COUNTS + TABLE, COUNTS + 4 * TABLE);
}

function both(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

function highPair(x: v128): v128 {
  return i32x4.shuffle(x, x, 2, 3, 2, 3);
}

/** f32 [256] times a scale. */
function scaled(table: usize, i: usize, scale: v128): v128 {
  return f32x4.mul(v128.load(table + i), scale);
}

/**
 * Of the bytes that were counted, by values that are finite (f32 [256] times a scale, rounded to
 * f32): mean, Σ(x − mean)², ³ and ⁴ as f64 [4]. Even and odd bytes are each added up by themselves,
 * then both.
 */
export function codeMoments(table: usize, scale: f32, n: f64, dst: usize): void {
  const s = f32x4.splat(scale);
  let sum = f64x2.splat(0);
  for (let i: usize = 0; i < TABLE; i += 16) {
    const x = scaled(table, i, s);
    const times = v128.load(COUNTS + i);
    const a = f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.convert_low_i32x4_u(times));
    const high = f64x2.convert_low_i32x4_u(highPair(times));
    const b = f64x2.mul(f64x2.promote_low_f32x4(highPair(x)), high);
    sum = f64x2.add(f64x2.add(sum, a), b);
  }
  const mean: f64 = n === 0 ? 0 : both(sum) / n;
  const m = f64x2.splat(mean);
  let m2 = f64x2.splat(0);
  let m3 = m2;
  let m4 = m2;
  for (let i: usize = 0; i < TABLE; i += 8) {
    const x = f32x4.mul(v128.load64_zero(table + i), s);
    const d = f64x2.sub(f64x2.promote_low_f32x4(x), m);
    const times = f64x2.convert_low_i32x4_u(v128.load64_zero(COUNTS + i));
    const square = f64x2.mul(d, d);
    const share = f64x2.mul(square, times);
    m2 = f64x2.add(m2, share);
    m3 = f64x2.add(m3, f64x2.mul(share, d));
    m4 = f64x2.add(m4, f64x2.mul(share, square));
  }
  store<f64>(dst, mean);
  store<f64>(dst, both(m2), 8);
  store<f64>(dst, both(m3), 16);
  store<f64>(dst, both(m4), 24);
}

/** f64 [256] at `dst`: adds how often each exponent of an f32 comes among these values. */
export function codeExponents(table: usize, scale: f32, dst: usize): void {
  for (let i: usize = 0; i < TABLE; i += 4) {
    const bits = reinterpret<u32>(load<f32>(table + i) * scale);
    const at = dst + <usize>((bits >>> 20) & 0x7f8);
    store<f64>(at, load<f64>(at) + <f64>load<u32>(COUNTS + i));
  }
}

/** u8 [rows]: the largest code without its sign; 127 where one is NaN. */
export function rowMagnitudes8(src: usize, rows: u32, cols: u32, dst: usize): void {
  const keep = i8x16.splat(0x7f);
  for (let row: u32 = 0; row < rows; row++) {
    const line = src + <usize>row * cols;
    let a = i64x2.splat(0);
    let i: u32 = 0;
    for (; i + 16 <= cols; i += 16) a = i8x16.max_u(a, v128.and(v128.load(line + i), keep));
    a = i8x16.max_u(a, i16x8.shr_u(a, 8));
    a = i8x16.max_u(a, i32x4.shr_u(a, 16));
    a = i8x16.max_u(a, i64x2.shr_u(a, 32));
    let most = max(i8x16.extract_lane_u(a, 0), i8x16.extract_lane_u(a, 8));
    for (; i < cols; i++) most = max(most, load<u8>(line + i) & 0x7f);
    store<u8>(dst + row, most);
  }
}

/** Rows [rows, width] out of a matrix of `pitch` columns, one behind the other. */
export function packRows(src: usize, rows: u32, pitch: u32, width: u32, dst: usize): void {
  let to = dst;
  for (let row: u32 = 0; row < rows; row++, src += pitch) {
    let i: u32 = 0;
    for (; i + 16 <= width; i += 16, to += 16) v128.store(to, v128.load(src + i));
    for (; i < width; i++, to++) store<u8>(to, load<u8>(src + i));
  }
}

/** Exponent and mantissa of a code at their place in an f32, which is 2¹²⁰ too small then. */
const MAGNITUDE: u32 = 0x07f00000;

function plusSquare(sum: v128, code: v128, scale: v128): v128 {
  const x = f32x4.mul(v128.and(code, i32x4.splat(MAGNITUDE)), scale);
  return f32x4.add(sum, f32x4.mul(x, x));
}

/** Adds the first, then the last two f32 to four f64. */
function addTo(at: usize, low: v128, high: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(low)));
  v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(high)), 16);
}

/**
 * f64 [cols]: adds the squares of each column; those of these rows are added up in f32 first.
 * `scales`: f32 [rows], 2¹²⁰ times that of each row. No code is NaN.
 */
export function columnSquaresFp8(
  src: usize,
  rows: u32,
  cols: u32,
  scales: usize,
  sums: usize,
): void {
  let col: u32 = 0;
  for (; col + 16 <= cols; col += 16) {
    let at = src + col;
    // Columns 0, 4, 8, 12, then 1, 5, 9, 13, …
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let row: u32 = 0; row < rows; row++, at += cols) {
      const codes = v128.load(at);
      const scale = v128.load32_splat(scales + 4 * <usize>row);
      a = plusSquare(a, i32x4.shl(codes, 20), scale);
      b = plusSquare(b, i32x4.shl(codes, 12), scale);
      c = plusSquare(c, i32x4.shl(codes, 4), scale);
      d = plusSquare(d, i32x4.shr_u(codes, 4), scale);
    }
    const to = sums + 8 * <usize>col;
    const e = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const f = i32x4.shuffle(c, d, 0, 4, 1, 5);
    addTo(to, e, f);
    addTo(to + 32, i32x4.shuffle(e, e, 2, 3, 2, 3), i32x4.shuffle(f, f, 2, 3, 2, 3));
    const g = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const h = i32x4.shuffle(c, d, 2, 6, 3, 7);
    addTo(to + 64, g, h);
    addTo(to + 96, i32x4.shuffle(g, g, 2, 3, 2, 3), i32x4.shuffle(h, h, 2, 3, 2, 3));
  }
  for (; col < cols; col++) {
    let at = src + col;
    let sum: f32 = 0;
    for (let row: u32 = 0; row < rows; row++, at += cols) {
      const size = reinterpret<f32>(((<u32>load<u8>(at)) << 20) & MAGNITUDE);
      const x = size * load<f32>(scales + 4 * <usize>row);
      sum += x * x;
    }
    const to = sums + 8 * <usize>col;
    store<f64>(to, load<f64>(to) + sum);
  }
}
