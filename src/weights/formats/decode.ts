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

function decodeFp8(tensor: Fp8Tensor, { from, to }: RowSpan, readAt: ReadAt): Float32Array {
  const { rows, cols, block, scales: part } = tensor;
  const codes = readAt(at(tensor.codes, from * cols), (to - from) * cols);
  const gridCols = Math.ceil(cols / block.cols);
  const gridRows = Math.ceil(rows / block.rows);
  const gridRow = (row: number): number => {
    const matrix = Math.floor(row / rows);
    return matrix * gridRows + Math.floor((row - matrix * rows) / block.rows);
  };
  const first = gridRow(from) * gridCols;
  const count = (gridRow(to - 1) + 1) * gridCols - first;
  const width = DTYPE_BYTES[part.dtype];
  const scales = decodeF32(readAt(at(part, first * width), count * width), part.dtype);
  refuseBadScale(part, first, scales);
  const out = new Float32Array((to - from) * cols);
  for (let row = from, i = 0; row < to; row++) {
    const line = gridRow(row) * gridCols - first;
    for (let col = 0; col < cols; col++, i++) {
      out[i] = E4M3_VALUES[codes[i]!]! * scales[line + Math.floor(col / block.cols)]!;
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
