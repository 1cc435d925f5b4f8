/** Two versions of one tensor, value by value. */
import { FormatError } from '../../record/errors.ts';
import type { ReadAt, StoredTensor } from '../formats/stored-tensor.ts';
import { storedValues } from '../looked-at.ts';
import { halfSteps } from './storage-step.ts';

/**
 * identical  every value is the same
 * rounding   no value is further off than rounding to the second's format explains
 * moved      some are, but the noise is of the size that the format makes anyway: what methods do
 *            that shift weights on purpose (GPTQ, AWQ)
 * changed    the second is stored plain: its values are others, and no format explains it
 * wrong      the second is quantized, and the noise is far above what its format makes: other
 *            weights, scales at the wrong place, codes unpacked in another way
 */
export type Verdict = 'identical' | 'rounding' | 'moved' | 'changed' | 'wrong';

/**
 * Noise / the noise of rounding at random (half step² / 3). Rounding to nearest gives 1 on average
 * and 3 at most; ten times the most is no rounding.
 */
export const WRONG_NOISE = 30;

/** Sums run over the pairs of finite values, in f64. */
export interface TensorDifference {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Σ a². */
  readonly signal: number;
  /** Σ b². */
  readonly otherSignal: number;
  /** Σ a·b. */
  readonly product: number;
  /** Σ (a − b)². */
  readonly noise: number;
  /** Σ half step² / 3: the noise that rounding to the second's format makes on average. */
  readonly roundingNoise: number;
  readonly maxError: number;
  /** Where it is; null where nothing differs. */
  readonly maxErrorRow: number | null;
  readonly maxErrorColumn: number | null;
  /** Pairs that are further apart than half a step. */
  readonly beyond: number;
  /** Pairs of which one or both are NaN or infinite, and not the same. */
  readonly nonFinite: number;
  readonly verdict: Verdict;
}

/** @throws FormatError if the shapes differ */
export function compareTensors(
  a: { readonly tensor: StoredTensor; readonly readAt: ReadAt },
  b: { readonly tensor: StoredTensor; readonly readAt: ReadAt },
): Generator<void, TensorDifference> {
  const { shape, name } = a.tensor;
  const other = b.tensor.shape;
  if (shape.length !== other.length || shape.some((size, axis) => size !== other[axis])) {
    throw new FormatError(`tensor "${name}": [${shape.join(', ')}] against [${other.join(', ')}]`, {
      details: { tensor: name, expected: shape, got: other },
    });
  }
  return walk(a, b);
}

function* walk(
  a: { readonly tensor: StoredTensor; readonly readAt: ReadAt },
  b: { readonly tensor: StoredTensor; readonly readAt: ReadAt },
): Generator<void, TensorDifference> {
  const { shape, name } = a.tensor;
  const sums = new PairSums(shape, halfSteps(b.tensor, b.readAt));
  const whole = a.tensor.kind !== 'plain' || b.tensor.kind !== 'plain';
  const cut = whole ? 'rows' : 'anywhere';
  const others = storedValues(b.tensor, b.readAt, cut);
  for (const values of storedValues(a.tensor, a.readAt, cut)) {
    sums.add(values, others.next().value as Float32Array);
    yield;
  }
  return { name, shape, ...sums.finish(b.tensor.kind !== 'plain') };
}

class PairSums {
  readonly #cols: number;
  readonly #steps: ReturnType<typeof halfSteps>;
  readonly #halves: Float64Array;
  #at = 0;
  #maxAt = -1;
  readonly #sums = {
    ...{ signal: 0, otherSignal: 0, product: 0, noise: 0, roundingNoise: 0 },
    ...{ maxError: 0, beyond: 0, nonFinite: 0 },
  };

  constructor(shape: readonly number[], steps: ReturnType<typeof halfSteps>) {
    this.#cols = Math.max(shape.at(-1) ?? 1, 1);
    this.#steps = steps;
    this.#halves = new Float64Array(Math.min(this.#cols, SEGMENT));
  }

  /** Segments of one row: their sums are small and are added to the whole as one. */
  add(a: Float32Array, b: Float32Array): void {
    for (let from = 0; from < a.length; ) {
      const col = this.#at % this.#cols;
      const to = from + Math.min(SEGMENT, this.#cols - col, a.length - from);
      this.#addSegment(a.subarray(from, to), b.subarray(from, to), col);
      this.#at += to - from;
      from = to;
    }
  }

  #addSegment(a: Float32Array, b: Float32Array, col: number): void {
    const halves = this.#halves;
    this.#steps({ row: Math.floor(this.#at / this.#cols), col }, b, halves);
    const sums = this.#sums;
    let [signal, otherSignal, product, noise, rounding] = [0, 0, 0, 0, 0];
    for (let i = 0; i < a.length; i++) {
      const x = a[i]!;
      const y = b[i]!;
      const difference = x - y;
      if (difference - difference !== 0) {
        if (!Object.is(x, y)) sums.nonFinite++;
        continue;
      }
      const half = halves[i]!;
      const error = Math.abs(difference);
      signal += x * x;
      otherSignal += y * y;
      product += x * y;
      noise += difference * difference;
      rounding += (half * half) / 3;
      if (error > half) sums.beyond++;
      if (error > sums.maxError) {
        sums.maxError = error;
        this.#maxAt = this.#at + i;
      }
    }
    sums.signal += signal;
    sums.otherSignal += otherSignal;
    sums.product += product;
    sums.noise += noise;
    sums.roundingNoise += rounding;
  }

  finish(quantized: boolean): Omit<TensorDifference, 'name' | 'shape'> {
    const { noise, nonFinite, beyond, roundingNoise } = this.#sums;
    const at = this.#maxAt;
    const far = nonFinite > 0 || noise > WRONG_NOISE * roundingNoise;
    let verdict: Verdict = quantized ? (far ? 'wrong' : 'moved') : 'changed';
    if (beyond === 0 && nonFinite === 0) verdict = noise === 0 ? 'identical' : 'rounding';
    return {
      elements: this.#at,
      ...this.#sums,
      maxErrorRow: at < 0 ? null : Math.floor(at / this.#cols),
      maxErrorColumn: at < 0 ? null : at % this.#cols,
      verdict,
    };
  }
}

/** Values whose sums are kept apart from the total. */
const SEGMENT = 4096;

/** 10·log10(Σa² / Σ(a − b)²), dB; null where nothing differs or there is no signal. */
export function sqnrOf({ signal, noise }: Pick<TensorDifference, 'signal' | 'noise'>) {
  return noise > 0 && signal > 0 ? 10 * Math.log10(signal / noise) : null;
}

/** Of the two tensors as vectors; null where one is zero. */
export function cosineOf(
  of: Pick<TensorDifference, 'signal' | 'otherSignal' | 'product'>,
): number | null {
  const size = Math.sqrt(of.signal) * Math.sqrt(of.otherSignal);
  return size > 0 ? of.product / size : null;
}
