/** Interval estimates. Pure: the random numbers come from a seed that the caller records. */
import { quantile } from './describe.ts';
import { type IndexStream, indexStream } from './random.ts';

export type Interval = [number, number];

/** Two-sided 97.5 % point of the normal distribution. */
export const Z95 = 1.959963984540054;

/** Under this many units no interval is claimed (DESIGN §8). */
export const MIN_UNITS = 10;

/** Why there is no interval: `9 rounds: an interval needs 10`. `unitOf` in the plural. */
export function tooFew(units: number, unitOf: string): string {
  const word = units === 1 ? unitOf.replace(/(?<=ss|ch)es$|s$/, '') : unitOf;
  return `${units} ${word}: an interval needs ${MIN_UNITS}`;
}

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

export interface Resampling {
  readonly resamples: number;
  readonly seed: number;
  /** Cut off on each side; 0.025 unless given. */
  readonly tail?: number;
  /**
   * Units that are correlated with their neighbours are drawn as runs of this many, the last unit
   * followed by the first (the circular block bootstrap of Politis and Romano 1992). 1, or absent:
   * units are independent.
   */
  readonly block?: number;
}

export interface RatioBootstrap extends Resampling {
  /** One value a unit: the statistic is Σ numerators / Σ denominators. */
  readonly numerators: readonly number[];
  readonly denominators: readonly number[];
}

/**
 * Percentile bootstrap interval (95 %) of a ratio of sums over independent units: a token-weighted
 * mean over documents, a rate over batches. Units are drawn whole, so tokens of one document,
 * which are correlated, never count as independent.
 */
export function bootstrapRatio(options: RatioBootstrap): Interval {
  const numerators = Float64Array.from(options.numerators);
  const denominators = Float64Array.from(options.denominators);
  return bootstrap(options, numerators.length, (drawn) => {
    let top = 0;
    let bottom = 0;
    for (let i = 0; i < drawn.length; i++) {
      const unit = drawn[i] as number;
      top += numerators[unit] as number;
      bottom += denominators[unit] as number;
    }
    return top / bottom;
  });
}

/** The same of a plain mean: every denominator is 1. Half the work, the same bits. */
export function bootstrapMean(values: readonly number[], how: Resampling): Interval {
  const numbers = Float64Array.from(values);
  return bootstrap(how, numbers.length, (drawn) => {
    let total = 0;
    for (let i = 0; i < drawn.length; i++) total += numbers[drawn[i] as number] as number;
    return total / drawn.length;
  });
}

/** Percentile interval of a statistic of n resampled units, given by their indices. */
function bootstrap(how: Resampling, n: number, of: (drawn: Int32Array) => number): Interval {
  const { resamples, seed, tail = 0.025, block = 1 } = how;
  const fill = indexStream(seed);
  const drawn = new Int32Array(n);
  const statistics = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    if (block === 1) fill(drawn, n);
    else fillBlocks(fill, drawn, block);
    statistics[r] = of(drawn);
  }
  statistics.sort();
  return [quantile(statistics, tail), quantile(statistics, 1 - tail)];
}

/** As many whole blocks as there is room for, the last one cut off. */
function fillBlocks(fill: IndexStream, drawn: Int32Array, block: number): void {
  const n = drawn.length;
  const starts = new Int32Array(Math.ceil(n / block));
  fill(starts, n);
  for (let i = 0; i < n; i++) {
    drawn[i] = ((starts[Math.floor(i / block)] as number) + (i % block)) % n;
  }
}

/**
 * How long a block of correlated units should be: n^(1/3), the rate of the best length for the
 * variance of a mean (Hall, Horowitz and Jing 1995), rounded up, so that 10 units make 3 and 1,000
 * make 10. The constant before it, which hangs on the correlation, is taken as 1.
 */
export function blockLength(units: number): number {
  // The cube root of 1,000 is 10 and a bit in doubles.
  return Math.ceil(Math.cbrt(units) - 1e-9);
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
  const { sorted, blockOf, blocks, q } = options;
  const sizes = new Float64Array(blocks);
  for (const block of blockOf) sizes[block]++;
  const times = new Float64Array(blocks);
  return bootstrap(options, blocks, (drawn) => {
    times.fill(0);
    let size = 0;
    for (const block of drawn) {
      times[block]++;
      size += sizes[block] as number;
    }
    const h = (size - 1) * q;
    const low = Math.floor(h);
    const a = valueAt(low, sorted, blockOf, times);
    const b = low + 1 < size && h > low ? valueAt(low + 1, sorted, blockOf, times) : a;
    return a + (h - low) * (b - a);
  });
}

/** The same of independent values: each is a block of its own. */
export function bootstrapPercentile(
  values: readonly number[],
  { q, ...how }: { readonly q: number } & Required<Omit<Resampling, 'block'>>,
): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const blockOf = sorted.map((_, i) => i);
  return bootstrapQuantile({ sorted, blockOf, blocks: sorted.length, q, ...how });
}

/** The value of this rank (from 0) where every value counts as often as its block was drawn. */
function valueAt(
  rank: number,
  sorted: readonly number[],
  blockOf: readonly number[],
  times: Float64Array,
): number {
  let passed = 0;
  for (let i = 0; i < sorted.length; i++) {
    passed += times[blockOf[i] as number] as number;
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
