/**
 * Packs the quantizer's codes into the layout of ONNX Runtime's MatMulNBits; it changes no value.
 *
 *   B            u8 [rows, blocks, block × bits / 8], two 4-bit codes a byte, the first one low
 *   scales       f32 [rows, blocks]
 *   zero points  u8 [rows, ⌈blocks × bits / 8⌉], each row starting on a byte; absent = 8 or 128
 *
 * Codes there are unsigned: ours are shifted by 8 or 128. A last partial block is filled with the
 * zero point, which stands for 0. Source: onnxruntime docs/ContribOperators.md, MatMulNBits.
 */
import type { QuantizedMatrix } from '../../weights/quantizer.ts';

export interface PackedMatrix {
  readonly bits: 4 | 8;
  readonly block: number;
  /** Blocks per row. */
  readonly blocks: number;
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array | null;
}

/** A scale per row is repeated over blocks of at most this many columns. */
const LARGEST_BLOCK = 128;
const SMALLEST_BLOCK = 16;

/** Columns per block for a scale that covers `group` of `cols` columns. */
function blockSize(group: number, cols: number): number {
  if (group < cols || group === LARGEST_BLOCK) return group;
  let block = SMALLEST_BLOCK;
  while (block < cols && block < LARGEST_BLOCK) block *= 2;
  return block;
}

/** True where a scale for `group` of `cols` columns can be that of whole blocks. */
export function takesGroup(group: number, cols: number): boolean {
  return group >= cols || (group >= SMALLEST_BLOCK && Number.isInteger(Math.log2(group)));
}

/** Bytes of what `packMatrix` makes, without making it. */
export function packedBytes(size: {
  rows: number;
  cols: number;
  group: number;
  bits: number;
  symmetric: boolean;
}): number {
  const { rows, cols, bits } = size;
  const block = blockSize(size.group, cols);
  const blocks = Math.ceil(cols / block);
  const zeroPoints = size.symmetric ? 0 : Math.ceil((blocks * bits) / 8);
  return rows * (blocks * ((block * bits) / 8) + blocks * 4 + zeroPoints);
}

export function packMatrix(matrix: QuantizedMatrix): PackedMatrix {
  const { rows, cols, group, scheme } = matrix;
  const bits = scheme.bits === 4 ? 4 : 8;
  const block = blockSize(group, cols);
  const blocks = Math.ceil(cols / block);
  const codes = packCodes(matrix, { bits, stride: blocks * block });
  const perBlock = (values: Float32Array | Int8Array, row: number, b: number): number =>
    values[group >= cols ? row : row * blocks + b]!;
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++) {
      scales[row * blocks + b] = perBlock(matrix.scales, row, b);
    }
  }
  return { bits, block, blocks, codes, scales, zeroPoints: packZeroPoints(matrix, blocks, bits) };
}

/** `stride`: columns of a padded row. */
function packCodes(
  matrix: QuantizedMatrix,
  { bits, stride }: { bits: 4 | 8; stride: number },
): Uint8Array {
  const { rows, cols, codes } = matrix;
  if (bits === 8) {
    const out = new Uint8Array(rows * stride).fill(128);
    for (let row = 0; row < rows; row++) {
      const from = row * cols;
      const to = row * stride;
      for (let i = 0; i < cols; i++) out[to + i] = codes[from + i]! + 128;
    }
    return out;
  }
  const out = new Uint8Array((rows * stride) / 2).fill(0x88);
  for (let row = 0; row < rows; row++) {
    const from = row * cols;
    const to = (row * stride) / 2;
    const pairs = cols >> 1;
    for (let i = 0; i < pairs; i++) {
      const low = codes[from + 2 * i]! + 8;
      out[to + i] = low | ((codes[from + 2 * i + 1]! + 8) << 4);
    }
    if (cols & 1) out[to + pairs] = (codes[from + cols - 1]! + 8) | 0x80;
  }
  return out;
}

function packZeroPoints(matrix: QuantizedMatrix, blocks: number, bits: 4 | 8): Uint8Array | null {
  const { rows, zeroPoints, group, cols } = matrix;
  if (zeroPoints === null) return null;
  const stride = Math.ceil((blocks * bits) / 8);
  const out = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++) {
      const value = zeroPoints[group >= cols ? row : row * blocks + b]!;
      if (bits === 8) out[row * stride + b] = value + 128;
      else out[row * stride + (b >> 1)]! |= (value + 8) << (b & 1 ? 4 : 0);
    }
  }
  return out;
}
