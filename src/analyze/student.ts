/** Student's t distribution, for means of few values with an unknown spread. */
import { mean, sum } from './describe.ts';
import type { Interval } from './intervals.ts';

/**
 * P(|T| ≤ t) for a whole number of degrees of freedom: the finite series of Abramowitz and Stegun,
 * 26.7.3 and 26.7.4, in θ = atan(t / √df). f64; its terms are positive and fall, so the error
 * stays at some ulp.
 */
function centralProbability(theta: number, df: number): number {
  const cos2 = Math.cos(theta) ** 2;
  const odd = df % 2 === 1;
  let term = odd ? Math.cos(theta) : 1;
  let series = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= df - 2; k += 2) {
    term *= (cos2 * (k - 1)) / k;
    series += term;
  }
  const sine = Math.sin(theta);
  return odd ? (2 / Math.PI) * (theta + sine * series) : sine * series;
}

/**
 * The t with P(|T| ≤ t) = `confidence`, by bisection; relative error below 1e-12 against SciPy for
 * 0.5 … 0.999 and 1 … 10,000 degrees of freedom. Throws RangeError for df < 1 or no whole number.
 */
export function studentPoint(confidence: number, df: number): number {
  if (!Number.isInteger(df) || df < 1) throw new RangeError(`no t distribution has df = ${df}`);
  let low = 0;
  let high = Math.PI / 2;
  for (let i = 0; i < 64; i++) {
    const theta = (low + high) / 2;
    if (centralProbability(theta, df) < confidence) low = theta;
    else high = theta;
  }
  return Math.sqrt(df) * Math.tan((low + high) / 2);
}

/** 95 % interval of the mean of at least two independent, roughly normal values. */
export function studentInterval(values: readonly number[]): Interval {
  const n = values.length;
  const centre = mean(values);
  const variance = sum(values.map((value) => (value - centre) ** 2)) / (n - 1);
  const half = studentPoint(0.95, n - 1) * Math.sqrt(variance / n);
  return [centre - half, centre + half];
}

/**
 * 95 % interval of the difference of two means, a − b, with a spread of each (Welch 1947); the
 * degrees of freedom by Satterthwaite's formula, rounded down. Both need two values.
 */
export function welchInterval(a: readonly number[], b: readonly number[]): Interval {
  const [x, y] = [a, b].map((values) => {
    const centre = mean(values);
    const squares = sum(values.map((value) => (value - centre) ** 2));
    return { centre, squared: squares / (values.length - 1) / values.length };
  }) as [{ centre: number; squared: number }, { centre: number; squared: number }];
  const squared = x.squared + y.squared;
  const difference = x.centre - y.centre;
  if (squared === 0) return [difference, difference];
  const df = squared ** 2 / (x.squared ** 2 / (a.length - 1) + y.squared ** 2 / (b.length - 1));
  const half = studentPoint(0.95, Math.floor(df)) * Math.sqrt(squared);
  return [difference - half, difference + half];
}

/** Φ(−z) for z in [0, 5] by Marsaglia's series (2004); error below 1e-15. */
function normalTail(z: number): number {
  let term = z;
  let series = z;
  for (let k = 3; term > 1e-18; k += 2) {
    term *= (z * z) / k;
    series += term;
  }
  return 0.5 - (series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/** P(|Z| ≥ z), for z above 5 that of 5 (6e-7), since the series loses its digits there. */
export function twoSidedNormal(z: number): number {
  return 2 * normalTail(Math.min(5, z));
}

/**
 * The tail to cut off on each side of a bootstrap over `units` for 95 %: Φ(−√(n/(n−1)) · t), t of
 * n − 1 degrees of freedom, instead of 0.025 (the expanded percentile interval of Hesterberg 2015,
 * "What Teachers Should Know About the Bootstrap", 4.3). Plain percentiles of few units are too
 * narrow: they know neither the lost degree of freedom nor that the spread is estimated.
 */
export function expandedTail(units: number): number {
  return normalTail(Math.sqrt(units / (units - 1)) * studentPoint(0.95, units - 1));
}
