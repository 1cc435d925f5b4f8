/**
 * The reference decoder: rows of a stored tensor → f32, one rounding per value. It is slow, plain,
 * and what every fast path must equal; verification uses nothing else.
 */
import { FormatError } from '../../record/errors.ts';

import { DTYPE_BYTES, decodeF32, E4M3_VALUES } from '../dtype.ts';
import { decodeIntRows, valuesOf } from './decode-int.ts';
import type { Fp8Tensor, Part, ReadAt, StoredTensor } from './stored-tensor.ts';

/** Output features `from` (included) to `to` (excluded); experts counted through. */
export interface RowSpan {
  readonly from: number;
  readonly to: number;
}

/** Rows and columns of any tensor: what is not a matrix is rows of its last dimension. */
export function matrixShape({ shape }: { readonly shape: readonly number[] }): {
  rows: number;
  cols: number;
} {
  const cols = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { rows, cols };
}

/**
 * @returns [to − from, cols]; NaN codes stay NaN
 * @throws FormatError for scales that are NaN, infinite, negative or zero, and for dtypes that hold
 * no floats
 */
export function decodeRows(tensor: StoredTensor, span: RowSpan, readAt: ReadAt): Float32Array {
  switch (tensor.kind) {
    case 'plain': {
      const { rows, cols } = matrixShape(tensor);
      const width = rows * cols === 0 ? 0 : tensor.codes.bytes / (rows * cols);
      const place = at(tensor.codes, span.from * cols * width);
      const bytes = readAt(place, (span.to - span.from) * cols * width);
      return decodeF32(bytes, tensor.codes.dtype);
    }
    case 'fp8':
      return decodeFp8(tensor, span, readAt);
    case 'int':
      return valuesOf(decodeIntRows(tensor, span, readAt));
  }
}

/** A place `by` bytes into a part. */
export function at({ location }: Part, by: number): { file: string; offset: number } {
  return { file: location.file, offset: location.offset + by };
}

/** Row of the grid of scales for a row of codes, experts counted through. */
function gridRow({ rows, block }: Fp8Tensor, row: number): number {
  const matrix = Math.floor(row / rows);
  const within = Math.floor((row - matrix * rows) / block.rows);
  return matrix * Math.ceil(rows / block.rows) + within;
}

/**
 * The scales of some rows: [lines, ⌈cols/block.cols⌉], the line of row `from` first.
 * @throws FormatError for a scale that is NaN, infinite, negative or zero
 */
export function readFp8Scales(tensor: Fp8Tensor, { from, to }: RowSpan, readAt: ReadAt) {
  const { cols, block, scales: part } = tensor;
  const across = Math.ceil(cols / block.cols);
  const first = gridRow(tensor, from) * across;
  const count = (gridRow(tensor, to - 1) + 1) * across - first;
  const width = DTYPE_BYTES[part.dtype];
  const scales = decodeF32(readAt(at(part, first * width), count * width), part.dtype);
  refuseBadScale(part, first, scales);
  return scales;
}

function decodeFp8(tensor: Fp8Tensor, span: RowSpan, readAt: ReadAt): Float32Array {
  const { from, to } = span;
  const { cols, block } = tensor;
  const codes = readAt(at(tensor.codes, from * cols), (to - from) * cols);
  const scales = readFp8Scales(tensor, span, readAt);
  const across = Math.ceil(cols / block.cols);
  const out = new Float32Array((to - from) * cols);
  for (let row = from, i = 0; row < to; row++) {
    const line = (gridRow(tensor, row) - gridRow(tensor, from)) * across;
    for (let b = 0; b < across; b++) {
      const scale = scales[line + b]!;
      const end = (row - from) * cols + Math.min((b + 1) * block.cols, cols);
      for (; i < end; i++) out[i] = E4M3_VALUES[codes[i]!]! * scale;
    }
  }
  return out;
}

function refuseBadScale(part: Part, first: number, scales: Float32Array): void {
  const bad = scales.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
  if (bad < 0) return;
  throw new FormatError(`tensor "${part.name}" holds ${scales[bad]} at index ${first + bad}`, {
    hint: 'a scale is a positive finite number; the checkpoint is damaged',
    details: { tensor: part.name, expected: 'a positive number', got: String(scales[bad]) },
  });
}
