/** Packed codes from one order to another: GPTQ and AWQ lie transposed. */
import { zipHigh, zipLow } from './lanes.ts';

/** A tile has lines of 64 bytes on both sides. */
const TILE: u32 = 16;

function transpose4(src: usize, stride: usize, dst: usize, pitch: usize): void {
  const a = v128.load(src);
  const b = v128.load(src + stride);
  const c = v128.load(src + 2 * stride);
  const d = v128.load(src + 3 * stride);
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ef = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const gh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(dst, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(dst + pitch, i64x2.shuffle(ab, cd, 1, 3));
  v128.store(dst + 2 * pitch, i64x2.shuffle(ef, gh, 0, 2));
  v128.store(dst + 3 * pitch, i64x2.shuffle(ef, gh, 1, 3));
}

/** Words [rows, cols], lines `stride` bytes apart → [cols, rows], lines `pitch` bytes apart. */
export function transposeWords(
  src: usize,
  dst: usize,
  rows: u32,
  cols: u32,
  stride: u32,
  pitch: u32,
): void {
  for (let left: u32 = 0; left < cols; left += TILE) {
    const right = min(left + TILE, cols);
    for (let top: u32 = 0; top < rows; top += TILE) {
      const bottom = min(top + TILE, rows);
      let row = top;
      for (; row + 4 <= bottom; row += 4) {
        const line = src + <usize>row * stride;
        let col = left;
        for (; col + 4 <= right; col += 4) {
          transpose4(line + 4 * col, stride, dst + <usize>col * pitch + 4 * row, pitch);
        }
        for (; col < right; col++) {
          for (let r = row; r < row + 4; r++) move(src, dst, r, col, stride, pitch);
        }
      }
      for (; row < bottom; row++) {
        for (let col = left; col < right; col++) move(src, dst, row, col, stride, pitch);
      }
    }
  }
}

function move(src: usize, dst: usize, row: u32, col: u32, stride: u32, pitch: u32): void {
  const word = load<u32>(src + <usize>row * stride + 4 * col);
  store<u32>(dst + <usize>col * pitch + 4 * row, word);
}

/** Where AWQ has column j of a word: 4 · [0, 4, 1, 5, 2, 6, 3, 7][j]. */
function shiftOf(column: u32): u32 {
  return ((column & 1) << 4) + ((column >>> 1) << 2);
}

/** Low nibbles of two inputs' bytes, then high ones: a byte is one output, two inputs. */
function lowPairs(a: v128, b: v128): v128 {
  return v128.or(v128.and(a, i8x16.splat(15)), i8x16.shl(b, 4));
}

function highPairs(a: v128, b: v128): v128 {
  return v128.or(i8x16.shr_u(a, 4), v128.and(b, i8x16.splat(<i8>0xf0)));
}

/** Words of even columns' order 0, 4, 1, 5 and of 2, 6, 3, 7 → columns 0 … 7. */
function storeColumns(low: v128, high: v128, dst: usize): void {
  v128.store(dst, i32x4.shuffle(low, high, 0, 2, 4, 6));
  v128.store(dst, i32x4.shuffle(low, high, 1, 3, 5, 7), 16);
}

/** Eight inputs × four words of AWQ → 32 words of GPTQ. */
function unweave(src: usize, stride: usize, dst: usize): void {
  const a = v128.load(src);
  const b = v128.load(src + stride);
  const c = v128.load(src + 2 * stride);
  const d = v128.load(src + 3 * stride);
  const e = v128.load(src + 4 * stride);
  const f = v128.load(src + 5 * stride);
  const g = v128.load(src + 6 * stride);
  const h = v128.load(src + 7 * stride);
  let first = lowPairs(a, b);
  let second = lowPairs(c, d);
  let third = lowPairs(e, f);
  let fourth = lowPairs(g, h);
  const low0 = zipLow(first, second);
  const low1 = zipHigh(first, second);
  const low2 = zipLow(third, fourth);
  const low3 = zipHigh(third, fourth);
  first = highPairs(a, b);
  second = highPairs(c, d);
  third = highPairs(e, f);
  fourth = highPairs(g, h);
  const high0 = zipLow(first, second);
  const high1 = zipHigh(first, second);
  const high2 = zipLow(third, fourth);
  const high3 = zipHigh(third, fourth);
  storeColumns(zipPairsLow(low0, low2), zipPairsLow(high0, high2), dst);
  storeColumns(zipPairsHigh(low0, low2), zipPairsHigh(high0, high2), dst + 32);
  storeColumns(zipPairsLow(low1, low3), zipPairsLow(high1, high3), dst + 64);
  storeColumns(zipPairsHigh(low1, low3), zipPairsHigh(high1, high3), dst + 96);
}

function zipPairsLow(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

function zipPairsHigh(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/**
 * AWQ [8 · rows, words], lines `stride` bytes apart → GPTQ [rows, 8 · words], lines `pitch` bytes
 * apart: nibble j of word n of line k is input 8k + j of output n.
 */
export function awqToGptq(
  src: usize,
  dst: usize,
  rows: u32,
  words: u32,
  stride: u32,
  pitch: u32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    const from = src + 8 * <usize>row * stride;
    const to = dst + <usize>row * pitch;
    let word: u32 = 0;
    for (; word + 4 <= words; word += 4) unweave(from + 4 * word, stride, to + 32 * word);
    for (; word < words; word++) {
      for (let column: u32 = 0; column < 8; column++) {
        let inputs: u32 = 0;
        for (let j: u32 = 0; j < 8; j++) {
          const all = load<u32>(from + j * stride + 4 * word);
          inputs |= ((all >>> shiftOf(column)) & 15) << (4 * j);
        }
        store<u32>(to + 32 * word + 4 * column, inputs);
      }
    }
  }
}

/** Byte `k` of sixteen words. */
function gather(a: v128, b: v128, c: v128, d: v128, shift: u32): v128 {
  const keep = i32x4.splat(255);
  const w = v128.and(i32x4.shr_u(a, shift), keep);
  const x = v128.and(i32x4.shr_u(b, shift), keep);
  const y = v128.and(i32x4.shr_u(c, shift), keep);
  const z = v128.and(i32x4.shr_u(d, shift), keep);
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(w, x), i16x8.narrow_i32x4_u(y, z));
}

/** Columns 0, 4, 1, 5 of eight words, and 2, 6, 3, 7. */
function lowColumns(src: usize): v128 {
  return i32x4.shuffle(v128.load(src), v128.load(src, 16), 0, 4, 1, 5);
}

function highColumns(src: usize): v128 {
  return i32x4.shuffle(v128.load(src), v128.load(src, 16), 2, 6, 3, 7);
}

/** 32 words of GPTQ → eight inputs × four words of AWQ. */
function reweave(src: usize, dst: usize, pitch: usize): void {
  const a = lowColumns(src);
  const b = lowColumns(src + 32);
  const c = lowColumns(src + 64);
  const d = lowColumns(src + 96);
  const e = highColumns(src);
  const f = highColumns(src + 32);
  const g = highColumns(src + 64);
  const h = highColumns(src + 96);
  for (let pair: u32 = 0; pair < 4; pair++) {
    const low = gather(a, b, c, d, 8 * pair);
    const high = gather(e, f, g, h, 8 * pair);
    const line = dst + 2 * <usize>pair * pitch;
    v128.store(line, v128.or(v128.and(low, i8x16.splat(15)), i8x16.shl(high, 4)));
    v128.store(line + pitch, v128.or(i8x16.shr_u(low, 4), v128.and(high, i8x16.splat(<i8>0xf0))));
  }
}

/** The inverse of awqToGptq: GPTQ [rows, 8 · words] → AWQ [8 · rows, words]. */
export function gptqToAwq(
  src: usize,
  dst: usize,
  rows: u32,
  words: u32,
  stride: u32,
  pitch: u32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    const from = src + <usize>row * stride;
    const to = dst + 8 * <usize>row * pitch;
    let word: u32 = 0;
    for (; word + 4 <= words; word += 4) reweave(from + 32 * word, to + 4 * word, pitch);
    for (; word < words; word++) {
      for (let j: u32 = 0; j < 8; j++) {
        let columns: u32 = 0;
        for (let column: u32 = 0; column < 8; column++) {
          const inputs = load<u32>(from + 32 * word + 4 * column);
          columns |= ((inputs >>> (4 * j)) & 15) << shiftOf(column);
        }
        store<u32>(to + j * pitch + 4 * word, columns);
      }
    }
  }
}
