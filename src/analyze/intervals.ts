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
}

/**
 * Percentile bootstrap interval (95 %) of a ratio of sums over independent units: a token-weighted
 * mean over documents, a rate over batches. Units are drawn whole, so tokens of one document,
 * which are correlated, never count as independent.
 */
export function bootstrapRatio(options: RatioBootstrap): Interval {
  const { resamples, seed } = options;
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
  return [quantile(statistics, 0.025), quantile(statistics, 0.975)];
}
