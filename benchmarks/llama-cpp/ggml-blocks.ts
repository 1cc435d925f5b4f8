/**
 * ggml's block formats: 32 values share one f16 scale. The rules are those of llama.cpp's
 * `quantize_row_q8_0_ref` and `quantize_row_q4_0_ref` (ggml-quants.c), in f32 arithmetic:
 *
 *   Q8_0  d = absmax / 127; 34 bytes: d, then round(x / d) as 32 signed bytes, halves away from 0
 *   Q4_0  d = m / −8 with m the value of largest magnitude; 18 bytes: d, then 16 bytes whose low
 *         and high nibbles are values i and i + 16, each min(15, ⌊x / d + 8.5⌋)
 *
 * Codes are made with the f32 scale; the f16 one is only stored. Values must be finite.
 */
import { encodeF32 } from '../../src/weights/encode.ts';

export const BLOCK = 32;
const { fround } = Math;

/** [⌊n / 32⌋ × 34] bytes; n must be a multiple of 32. */
export function encodeQ80(values: Float32Array): Uint8Array {
  const { blocks, out, scales } = blocksOf(values, 34);
  for (let b = 0; b < blocks; b++) {
    const at = b * BLOCK;
    let largest = 0;
    for (let i = at; i < at + BLOCK; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = fround(largest / 127);
    const inverse = scale === 0 ? 0 : fround(1 / scale);
    scales[b] = scale;
    for (let i = 0; i < BLOCK; i++) {
      out[b * 34 + 2 + i] = roundAway(fround(values[at + i]! * inverse));
    }
  }
  return withScales(out, scales, 34);
}

/** [⌊n / 32⌋ × 18] bytes; n must be a multiple of 32. */
export function encodeQ40(values: Float32Array): Uint8Array {
  const { blocks, out, scales } = blocksOf(values, 18);
  for (let b = 0; b < blocks; b++) {
    const at = b * BLOCK;
    let largest = 0;
    for (let i = at; i < at + BLOCK; i++) {
      if (Math.abs(values[i]!) > Math.abs(largest)) largest = values[i]!;
    }
    const scale = fround(largest / -8);
    const inverse = scale === 0 ? 0 : fround(1 / scale);
    scales[b] = scale;
    const code = (value: number): number =>
      Math.min(15, Math.trunc(fround(fround(value * inverse) + 8.5)));
    for (let i = 0; i < BLOCK / 2; i++) {
      const high = code(values[at + BLOCK / 2 + i]!);
      out[b * 18 + 2 + i] = code(values[at + i]!) | (high << 4);
    }
  }
  return withScales(out, scales, 18);
}

function blocksOf(
  values: Float32Array,
  size: number,
): { blocks: number; out: Uint8Array; scales: Float32Array } {
  if (values.length % BLOCK !== 0) {
    throw new RangeError(`${values.length} values are no whole number of blocks of ${BLOCK}`);
  }
  const blocks = values.length / BLOCK;
  return { blocks, out: new Uint8Array(blocks * size), scales: new Float32Array(blocks) };
}

/** C's roundf: halves away from zero. */
function roundAway(value: number): number {
  return Math.trunc(value + (value < 0 ? -0.5 : 0.5));
}

/** Writes the scales, as f16, in front of every block of `size` bytes. */
function withScales(out: Uint8Array, scales: Float32Array, size: number): Uint8Array {
  const halves = encodeF32(scales, 'F16');
  for (let b = 0; b < scales.length; b++) {
    out[b * size] = halves[2 * b]!;
    out[b * size + 1] = halves[2 * b + 1]!;
  }
  return out;
}
