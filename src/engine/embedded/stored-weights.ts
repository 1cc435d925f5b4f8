/** The weights exactly as the scheme stores them, tensor by tensor, nothing kept in memory. */
import { FormatError } from '../../record/errors.ts';
import { decodeF32, readF32 } from '../../weights/dtype.ts';
import { encodeF32 } from '../../weights/encode.ts';
import { planTensors, type TensorPlan } from '../../weights/plan.ts';
import { quantizeTensor } from '../../weights/planned.ts';
import { isQuantized } from '../../weights/quantized-source.ts';
import { dequantizeMatrix, type QuantizedMatrix } from '../../weights/quantizer.ts';
import type { Scheme } from '../../weights/scheme.ts';
import type { TensorInfo, TensorSource } from '../../weights/source.ts';
import type { Architecture } from './architecture.ts';
import { checkpointMatrix, planStored, refuseSecondQuantization } from './checkpoint-weights.ts';
import { expectedTensors } from './tensors.ts';

export type StoredMatrix =
  | {
      readonly kind: 'int';
      readonly matrix: QuantizedMatrix;
      /** Column i of the matrix is input order[i]; null: the inputs are as they come. */
      readonly order: Int32Array | null;
    }
  | {
      readonly kind: 'float';
      readonly values: Float32Array;
      /** [out, in], or [in, out] where `inOut`. */
      readonly dims: readonly number[];
      readonly inOut: boolean;
    };

/** An embedding table in the narrowest dtype that holds the stored values. */
export interface StoredTable {
  readonly dtype: 'F32' | 'BF16' | 'F16';
  readonly bytes: Uint8Array;
}

export interface StoredWeights {
  readonly source: TensorSource;
  readonly hasExperts: boolean;
  /** One per tensor that the model reads. */
  readonly plans: ReadonlyMap<string, TensorPlan>;
  matrix(name: string): StoredMatrix;
  /** True for a matrix that the file holds as [in, out]. */
  inOut(name: string): boolean;
  /** True for a matrix whose inputs must be brought into another order. */
  isReordered(name: string): boolean;
  /** A tensor as f32 in the order of the file. */
  vector(name: string): Float32Array;
  table(name: string): StoredTable;
  /** True where the bytes of the file are the stored values. */
  unchanged(name: string): boolean;
}

const TABLE_DTYPES = { f32: 'F32', bf16: 'BF16', f16: 'F16' } as const;

/** Bits of the exponent: all set in NaN and ±Infinity and in nothing else. */
const EXPONENT = { F32: 0x7f800000, BF16: 0x7f80, F16: 0x7c00 } as const;

export function storedWeights(
  source: TensorSource,
  arch: Architecture,
  options: { scheme: Scheme; ignore?: readonly string[] },
): StoredWeights {
  refuseSecondQuantization(source, options.scheme);
  const expected = expectedTensors(arch);
  const matrices = new Set(expected.filter((t) => t.role === 'matrix').map((t) => t.name));
  const planned = planTensors(only(source, expected), options.scheme, {
    ...(options.ignore === undefined ? {} : { ignore: options.ignore }),
    conv1d: (name) => arch.conv1d && matrices.has(name),
  });
  const plans = planned.map((plan) => planStored(source, plan.name) ?? plan);
  const byName = new Map(plans.map((plan) => [plan.name, plan]));
  const unchanged = (name: string): boolean => {
    const { scheme, matrix } = byName.get(name)!;
    const { dtype } = source.info(name);
    return matrix === null && dtype in EXPONENT && [dtype.toLowerCase(), 'f32'].includes(scheme);
  };
  const vector = (name: string): Float32Array => {
    const values = readF32(source, name);
    checkFinite(values, name);
    const { scheme } = byName.get(name)!;
    const narrow = scheme === 'bf16' || scheme === 'f16';
    if (unchanged(name) || !narrow) return values;
    const dtype = scheme === 'f16' ? 'F16' : 'BF16';
    const rounded = decodeF32(encodeF32(values, dtype), dtype);
    checkFinite(rounded, `${name} (rounded to ${scheme})`);
    return rounded;
  };
  const inOut = (name: string): boolean => arch.conv1d && matrices.has(name);
  return {
    source,
    hasExperts: arch.moe !== null,
    inOut,
    plans: byName,
    unchanged,
    vector,
    isReordered: (name) => isQuantized(source) && source.isReordered(name),
    matrix(name) {
      const stored = checkpointMatrix(source, name);
      if (stored !== null) return stored;
      const quantized = quantizeTensor(source, byName.get(name)!);
      if (quantized === null) {
        const dims = source.info(name).shape;
        return { kind: 'float', values: vector(name), dims, inOut: inOut(name) };
      }
      if (quantized.scheme.family === 'int') return { kind: 'int', matrix: quantized, order: null };
      const dims = [quantized.rows, quantized.cols];
      return { kind: 'float', values: dequantizeMatrix(quantized), dims, inOut: false };
    },
    table(name) {
      const { dtype } = source.info(name);
      if (unchanged(name) && (dtype === 'BF16' || dtype === 'F16')) {
        const bytes = source.read(name);
        checkFiniteBytes(bytes, dtype, name);
        return { dtype, bytes };
      }
      const { scheme } = byName.get(name)!;
      const narrow = TABLE_DTYPES[scheme as keyof typeof TABLE_DTYPES] ?? 'F32';
      return { dtype: narrow, bytes: encodeF32(vector(name), narrow) };
    },
  };
}

/** The source, but only the tensors that the model reads, in the order of the graph. */
function only(source: TensorSource, expected: readonly { name: string }[]): TensorSource {
  return {
    names: expected.map((tensor) => tensor.name),
    has: (name) => source.has(name),
    info: (name): TensorInfo => source.info(name),
    read: (name) => source.read(name),
    close: () => source.close(),
  };
}

/**
 * A model with one NaN gives NaN everywhere: better to say which weight it is. Looks at the bytes
 * as they are, so that nothing is widened just to be checked.
 */
export function checkFiniteBytes(
  bytes: Uint8Array,
  dtype: keyof typeof EXPONENT,
  name: string,
): void {
  const mask = EXPONENT[dtype];
  const width = dtype === 'F32' ? 4 : 2;
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const codes =
    dtype === 'F32'
      ? new Int32Array(buffer, byteOffset, length / 4)
      : new Uint16Array(buffer, byteOffset, length / 2);
  for (let i = 0; i < codes.length; i++) {
    if ((codes[i]! & mask) !== mask) continue;
    const value = decodeF32(bytes, dtype)[i]!;
    throw new FormatError(`tensor "${name}" holds ${value} at index ${i}`, {
      hint: 'Weights must be finite numbers: the checkpoint is damaged, or the scheme too narrow.',
      details: { tensor: name, index: i, expected: 'a finite number', got: String(value) },
    });
  }
}

function checkFinite(values: Float32Array, name: string): void {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  checkFiniteBytes(bytes, 'F32', name);
}
