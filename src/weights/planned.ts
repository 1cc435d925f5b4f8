/** Carries out a plan: one tensor of a source → quantized codes. */
import { readF32 } from './dtype.ts';
import type { TensorPlan } from './plan.ts';
import { type QuantizedMatrix, quantizeMatrix } from './quantizer.ts';
import type { TensorSource } from './source.ts';

/** [rows, cols] → [cols, rows], in tiles that stay in the cache. */
export function transpose(
  values: Float32Array,
  { rows, cols }: { rows: number; cols: number },
): Float32Array {
  const out = new Float32Array(values.length);
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < cols; left += tile) {
      const right = Math.min(left + tile, cols);
      for (let row = top; row < bottom; row++) {
        for (let col = left; col < right; col++) out[col * rows + row] = values[row * cols + col]!;
      }
    }
  }
  return out;
}

/**
 * Reads and quantizes one tensor as planned, output features first (a Conv1D weight is transposed).
 * @returns null where the plan keeps the tensor as it is
 * @throws FormatError that names the tensor if it holds NaN or infinity
 */
export function quantizeTensor(source: TensorSource, plan: TensorPlan): QuantizedMatrix | null {
  if (plan.matrix === null) return null;
  const { scheme, rows, cols, scaleDtype, transposed } = plan.matrix;
  const stored = readF32(source, plan.name);
  const values = transposed ? transpose(stored, { rows: cols, cols: rows }) : stored;
  return quantizeMatrix(values, { rows, cols, scheme, scaleDtype, name: plan.name });
}
