/** Interval estimates. Pure: the random numbers come from a seed that the caller records. */
import { quantile } from './describe.ts';
import { below, sfc32 } from './random.ts';

export type Interval = [number, number];

/** Two-sided 97.5 % point of the normal distribution. */
const Z95 = 1.959963984540054;

/** Under this many units no interval is claimed (DESIGN §8). */
export const MIN_UNITS = 10;

/**
 * Wilson's score interval of a proportion of independent items (Wilson 1927), 95 %.
 * Stays inside [0, 1] and does not collapse at 0 or n successes, as the Wald interval does.
 */
export function wilson(successes: number, n: number): Interval {
  const p = successes / n;
  const z2 = Z95 * Z95;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  // At 0 and n successes one end is exactly 0 or 1; rounding must not move it.
  return [successes === 0 ? 0 : centre - half, successes === n ? 1 : centre + half];
}

export interface RatioBootstrap {
  /** One value a unit: the statistic is Σ numerators / Σ denominators. */
  numerators: readonly number[];
  denominators: readonly number[];
  resamples: number;
  seed: number;
  /** Cut off on each side; 0.025 unless given. */
  tail?: number;
}

/**
 * Percentile bootstrap interval (95 %) of a ratio of sums over independent units: a token-weighted
 * mean over documents, a rate over batches. Units are drawn whole, so tokens of one document,
 * which are correlated, never count as independent.
 */
export function bootstrapRatio(options: RatioBootstrap): Interval {
  const { resamples, seed, tail = 0.025 } = options;
  const numerators = Float64Array.from(options.numerators);
  const denominators = Float64Array.from(options.denominators);
  const n = numerators.length;
  const random = sfc32(seed);
  const statistics = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let top = 0;
    let bottom = 0;
    for (let i = 0; i < n; i++) {
      const unit = below(random, n);
      top += numerators[unit] as number;
      bottom += denominators[unit] as number;
    }
    statistics[r] = top / bottom;
  }
  statistics.sort();
  return [quantile(statistics, tail), quantile(statistics, 1 - tail)];
}

export interface QuantileBootstrap {
  /** Ascending. */
  readonly sorted: readonly number[];
  /** For each value the block that it is from, 0 … blocks − 1. */
  readonly blockOf: readonly number[];
  readonly blocks: number;
  /** In [0, 1]. */
  readonly q: number;
  readonly resamples: number;
  readonly seed: number;
  /** Cut off on each side. */
  readonly tail: number;
}

/**
 * Bootstrap interval of a type 7 quantile. Blocks are drawn whole: values of one
 * block share the state that the machine was in. A resample is never sorted: a walk over the values
 * counts each as often as its block was drawn, which gives the same bits.
 */
export function bootstrapQuantile(options: QuantileBootstrap): Interval {
  const { sorted, blockOf, blocks, q, resamples, seed, tail } = options;
  const random = sfc32(seed);
  const sizes = new Float64Array(blocks);
  for (const block of blockOf) sizes[block]++;
  const drawn = new Float64Array(blocks);
  const statistics = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    drawn.fill(0);
    let size = 0;
    for (let i = 0; i < blocks; i++) {
      const block = below(random, blocks);
      drawn[block]++;
      size += sizes[block] as number;
    }
    const h = (size - 1) * q;
    const low = Math.floor(h);
    const a = valueAt(low, sorted, blockOf, drawn);
    const b = low + 1 < size && h > low ? valueAt(low + 1, sorted, blockOf, drawn) : a;
    statistics[r] = a + (h - low) * (b - a);
  }
  statistics.sort();
  return [quantile(statistics, tail), quantile(statistics, 1 - tail)];
}

/** The value of this rank (from 0) where every value counts as often as its block was drawn. */
function valueAt(
  rank: number,
  sorted: readonly number[],
  blockOf: readonly number[],
  drawn: Float64Array,
): number {
  let passed = 0;
  for (let i = 0; i < sorted.length; i++) {
    passed += drawn[blockOf[i] as number] as number;
    if (passed > rank) return sorted[i] as number;
  }
  return Number.NaN;
}

/**
 * How many independent values it takes before the largest of them is a 95 % upper bound of the
 * quantile: the smallest n with qⁿ ≤ 0.05, so 59 for p95 and 299 for p99 (Wilks 1941).
 */
export function valuesForUpperBound(q: number): number {
  return Math.ceil(Math.log(0.05) / Math.log(q));
}
