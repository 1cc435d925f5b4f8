/**
 * How coarse a stored tensor is at each of its values: half of the distance between what it can
 * hold there. A value that was rounded to nearest lies no further from its original.
 *
 *   integers   half a scale, plus what the rounding of the scale itself adds at the ends of the
 *              range: levels · scale · u, with u the unit roundoff of the scale's dtype
 *   E4M3       2^(e−4) · scale, e the exponent of the code, at least −6
 *   floats     2^(e−p), p the bits of the significand: 24, 11, 8 for F32, F16, BF16
 *
 * On top comes the arithmetic of writer and reader in f32: 4 · 2⁻²⁴ of the value.
 */
import { decodeF32 } from '../dtype.ts';
import type { Fp8Tensor, IntTensor, ReadAt, StoredTensor } from '../formats/stored-tensor.ts';
import type { Dtype } from '../source.ts';

/** Writes half steps of row `row`, columns from 0, into `out`; `values` are those stored there. */
export type HalfSteps = (
  place: { readonly row: number; readonly col: number },
  values: Float32Array,
  out: Float64Array,
) => void;

/** Bits of the significand, and the exponent from which down values lie evenly. */
const SIGNIFICAND: Partial<Record<Dtype, { bits: number; least: number }>> = {
  F64: { bits: 24, least: -126 },
  F32: { bits: 24, least: -126 },
  BF16: { bits: 8, least: -126 },
  F16: { bits: 11, least: -14 },
  F8_E4M3: { bits: 4, least: -6 },
  F8_E5M2: { bits: 3, least: -14 },
  F8_E8M0: { bits: 1, least: -127 },
};
const ARITHMETIC = 2 ** -22;

/** Reads the scales of the tensor, once. */
export function halfSteps(tensor: StoredTensor, readAt: ReadAt): HalfSteps {
  switch (tensor.kind) {
    case 'plain':
      return floatSteps(tensor.codes.dtype);
    case 'fp8':
      return fp8Steps(tensor, readAt);
    case 'int':
      return intSteps(tensor, readAt);
  }
}

function floatSteps(dtype: Dtype): HalfSteps {
  const format = SIGNIFICAND[dtype];
  if (format === undefined) throw new TypeError(`${dtype} holds no floats`);
  const { bits, least } = format;
  const table = stepTable(least, bits);
  return (_, values, out) => {
    const codes = new Int32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) {
      out[i] = table[(codes[i]! >>> 23) & 255]! + Math.abs(values[i]!) * ARITHMETIC;
    }
  };
}

/** 2^(e − bits) by the exponent code of an f32; below `least` floats lie evenly. */
function stepTable(least: number, bits: number): Float64Array {
  return Float64Array.from({ length: 256 }, (_, code) => 2 ** (Math.max(code - 127, least) - bits));
}

function fp8Steps({ scales: part, rows, cols, block }: Fp8Tensor, readAt: ReadAt): HalfSteps {
  const scales = decodeF32(readAt(part.location, part.bytes), part.dtype);
  const gridRows = Math.ceil(rows / block.rows);
  const gridCols = Math.ceil(cols / block.cols);
  const table = stepTable(-6, 4);
  const unscaled = new Float32Array(1);
  const code = new Int32Array(unscaled.buffer);
  return ({ row, col }, values, out) => {
    const matrix = Math.floor(row / rows);
    const gridRow = matrix * gridRows + Math.floor((row - matrix * rows) / block.rows);
    for (let i = 0; i < values.length; i++) {
      const scale = scales[gridRow * gridCols + Math.floor((col + i) / block.cols)]!;
      const size = Math.abs(values[i]!);
      unscaled[0] = size / scale;
      out[i] = table[(code[0]! >>> 23) & 255]! * scale + size * ARITHMETIC;
    }
  };
}

function intSteps(tensor: IntTensor, readAt: ReadAt): HalfSteps {
  const { scales: part, rows, cols, group, bits, packing, groupIndex } = tensor;
  const scales = decodeF32(readAt(part.location, part.bytes), part.dtype);
  const groups = Math.ceil(cols / group);
  const transposed = packing === 'gptq' || packing === 'awq';
  const index = groupIndex === null ? null : readIndex(readAt(groupIndex.location, 4 * cols));
  const roundoff = 2 ** -(SIGNIFICAND[part.dtype]?.bits ?? 8);
  const half = 0.5 + 2 ** bits * roundoff;
  return ({ row, col }, values, out) => {
    for (let i = 0; i < values.length; i++) {
      const g = index === null ? Math.floor((col + i) / group) : index[col + i]!;
      const at = transposed ? g * rows + row : row * groups + g;
      const scale = scales[scales.length === 1 ? 0 : at]!;
      out[i] = half * scale + Math.abs(values[i]!) * ARITHMETIC;
    }
  };
}

function readIndex(bytes: Uint8Array): Int32Array | null {
  const index = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return index.every((group) => group === -1) ? null : index;
}
