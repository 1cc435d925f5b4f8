/** How a scale is stored: in which dtype, and what becomes of zero and of what does not fit. */
import { roundTo, type StoredFloat } from './encode.ts';
import type { Scheme } from './scheme.ts';
import type { Dtype } from './source.ts';

/** Distance from 1 to the next larger value: what compressed-tensors puts for a zero scale. */
export const EPSILON: Readonly<Record<StoredFloat, number>> = {
  F32: 2 ** -23,
  BF16: 2 ** -7,
  F16: 2 ** -10,
};

const LARGEST: Readonly<Record<StoredFloat, number>> = {
  F32: 3.4028234663852886e38,
  BF16: 3.3895313892515355e38,
  F16: 65504,
};

/** A raw scale as it is stored and used: rounded, never zero, never infinite. */
export type StoreScale = (raw: number) => number;

/** `heldIn`: the dtype of the format, where it is another: a scale is then a number of both. */
export function storeScale(
  dtype: StoredFloat,
  whenZero: number,
  heldIn: StoredFloat = dtype,
): StoreScale {
  const largest = Math.min(LARGEST[dtype], LARGEST[heldIn]);
  return (raw) => {
    const stored = roundTo(roundTo(raw, dtype), heldIn);
    return stored === 0 ? whenZero : Math.min(stored, largest);
  };
}

/** The dtype of scales on disk: F32 for FP8 blocks, else that of the weights (F64 → F32). */
export function scaleDtypeFor(scheme: Scheme, weights: Dtype): StoredFloat {
  if (scheme.layout === 'block') return 'F32';
  return weights === 'BF16' || weights === 'F16' ? weights : 'F32';
}
