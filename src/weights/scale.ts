/** How a scale is stored: in which dtype, and what becomes of zero and of what does not fit. */
import { E4M3_MAX } from './dtype.ts';
import { clampRound, roundTo, type StoredFloat } from './encode.ts';
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

/** How a scheme stores its scales: where one would be zero, an FP8 block has 1, others epsilon. */
export function storeOf({
  scheme,
  scaleDtype,
  heldIn,
}: {
  readonly scheme: Scheme;
  readonly scaleDtype: StoredFloat;
  readonly heldIn?: StoredFloat;
}): StoreScale {
  return storeScale(scaleDtype, scheme.layout === 'block' ? 1 : EPSILON[scaleDtype], heldIn);
}

/** s = absmax/448 */
export function fp8Scale(absmax: number, store: StoreScale): number {
  return store(Math.fround(absmax / E4M3_MAX));
}

/** s = absmax/(range/2): 127.5 or 7.5 */
export function symmetricScale(absmax: number, bits: number, store: StoreScale): number {
  return store(Math.fround(absmax / (2 ** (bits - 1) - 0.5)));
}

/** s = (max − min)/15 and zp = round(clamp(−8 − min/s)), for min ≤ 0 ≤ max. */
export function asymmetricScale(
  { min, max }: { readonly min: number; readonly max: number },
  store: StoreScale,
): { scale: number; zero: number } {
  // max − min can leave the range of f32 where (max − min)/15 does not.
  const range = Math.fround(max - min);
  const scale = store(Math.fround((Number.isFinite(range) ? range : max - min) / 15));
  return { scale, zero: clampRound(Math.fround(-8 - Math.fround(min / scale)), 8) };
}

/** The dtype of scales on disk: F32 for FP8 blocks, else that of the weights (F64 → F32). */
export function scaleDtypeFor(scheme: Scheme, weights: Dtype): StoredFloat {
  if (scheme.layout === 'block') return 'F32';
  return weights === 'BF16' || weights === 'F16' ? weights : 'F32';
}
