/** What a quantized model stands for, as an F32 checkpoint. */
import type { StoredWeights } from '../../src/engine/embedded/stored-weights.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { encodeF32 } from '../../src/weights/encode.ts';
import { transpose } from '../../src/weights/planned.ts';
import { dequantizeMatrix } from '../../src/weights/quantizer.ts';
import type { TensorSource } from '../../src/weights/source.ts';

/** The stored values as an F32 checkpoint of its own, made without the engine's packing. */
export function dequantized(stored: StoredWeights): TensorSource {
  const { source, plans } = stored;
  const valuesOf = (name: string): Float32Array => {
    const { matrix, scheme } = plans.get(name)!;
    if (matrix === null) {
      const values = readF32(source, name);
      const narrow = scheme === 'bf16' ? 'BF16' : scheme === 'f16' ? 'F16' : null;
      if (narrow === null) return values;
      const view = { ...source, info: () => ({ ...source.info(name), dtype: narrow }) } as const;
      return readF32({ ...view, read: () => encodeF32(values, narrow) } as TensorSource, name);
    }
    const held = stored.matrix(name);
    const values = held.kind === 'float' ? held.values : dequantizeMatrix(held.matrix);
    const { rows, cols } = matrix;
    return matrix.transposed ? transpose(values, { rows, cols }) : values;
  };
  return {
    names: source.names,
    has: source.has,
    info: (name) => {
      const info = source.info(name);
      const bytes = info.shape.reduce((product, size) => product * size, 4);
      return { ...info, dtype: 'F32', bytes };
    },
    read: (name) => encodeF32(valuesOf(name), 'F32'),
    close() {},
  };
}

/** Largest |a − b| as a share of the largest |b|; NaN counts. */
export function difference(a: Float32Array, b: Float32Array): number {
  let most = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i]! - b[i]!);
    if (!(off <= most)) most = off;
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return most / largest;
}
