/**
 * Mean and central moments in one pass over any number of values.
 *
 * Values come in blocks of at most 4096 that stay in the cache. Of each block the sums of
 * (x − center)^k are taken in f64, the center being the mean of the block before; where the mean of
 * the block lies further from it than a quarter of its standard deviation, once more about that
 * mean. Blocks are then combined by Pébay's formulas (Sandia report SAND2008-6212, eq. 2.1 and
 * 3.1). Nothing is squared before its mean is nearly taken off, so a tensor such as 1000 ±
 * 0.001 loses no digits. Against exact arithmetic the sums of order k ≤ 4 are off by at most
 * 16 · (4096 + blocks) · 2⁻⁵³ of Σ|x − mean|^k: 4096 + blocks for plain summation in the worst
 * case, (5/4)⁴ for values that lie a quarter off, and the rest for moving the sums to the mean. An
 * f32 squared or to the fourth does not leave the range of f64. NaN and ±Infinity are counted and
 * left out.
 */

export interface Moments {
  /** Finite values. */
  readonly count: number;
  readonly mean: number;
  /** Σ (x − mean)^2, ^3, ^4. */
  readonly m2: number;
  readonly m3: number;
  readonly m4: number;
}

export const NO_MOMENTS: Moments = { count: 0, mean: 0, m2: 0, m3: 0, m4: 0 };

/** How many values are of a kind, and the extremes. */
export interface ValueCounts {
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zeros: number;
  /** Of the finite values; +Infinity and −Infinity where there is none. */
  readonly min: number;
  readonly max: number;
}

/** What one block gives: its moments, and what is counted beside them. */
export interface BlockStatistics extends Moments, ValueCounts {}

export const BLOCK = 4096;

/** The plain reference: of the values from `from` (included) to `to` (excluded). */
export function blockStatistics(values: Float32Array, from: number, to: number): BlockStatistics {
  let nan = 0;
  let positiveInfinity = 0;
  let negativeInfinity = 0;
  let zeros = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const x = values[i]!;
    if (x - x === 0) {
      sum += x;
      if (x === 0) zeros++;
      if (x < min) min = x;
      if (x > max) max = x;
    } else if (x === Number.POSITIVE_INFINITY) positiveInfinity++;
    else if (x === Number.NEGATIVE_INFINITY) negativeInfinity++;
    else nan++;
  }
  const count = to - from - nan - positiveInfinity - negativeInfinity;
  const mean = count === 0 ? 0 : sum / count;
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = from; i < to; i++) {
    const d = values[i]! - mean;
    if (d - d !== 0) continue;
    const square = d * d;
    m2 += square;
    m3 += square * d;
    m4 += square * square;
  }
  // min and max of −0 and 0 are 0, whichever came first.
  const infinities = { positiveInfinity, negativeInfinity };
  return { count, mean, m2, m3, m4, nan, ...infinities, zeros, min: min + 0, max: max + 0 };
}

/** Squared distance of mean and center up to which sums are moved, in variances. */
const NEAR = 1 / 16;

/**
 * Of n values, from Σ(x − center)^k for k = 1 … 4; null where the center is too far from the mean.
 */
export function centralMoments(
  count: number,
  center: number,
  [s1, s2, s3, s4]: readonly [number, number, number, number, ...number[]],
): Moments | null {
  const d = s1 / count;
  const m2 = s2 - d * s1;
  if (!(d * s1 <= NEAR * m2)) return null;
  const m3 = s3 - d * (3 * s2 - 2 * d * s1);
  const m4 = s4 - d * (4 * s3 - d * (6 * s2 - 3 * d * s1));
  return { count, mean: center + d, m2, m3, m4 };
}

/** The moments of two sets of values as those of one. */
export function combine(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const d = b.mean - a.mean;
  const shareA = a.count / count;
  const shareB = b.count / count;
  const between = d * d * a.count * shareB;
  return {
    count,
    mean: a.mean + d * shareB,
    m2: a.m2 + b.m2 + between,
    m3: a.m3 + b.m3 + between * d * (shareA - shareB) + 3 * d * (shareA * b.m2 - shareB * a.m2),
    m4:
      a.m4 +
      b.m4 +
      between * d * d * (shareA * shareA - shareA * shareB + shareB * shareB) +
      6 * d * d * (shareA * shareA * b.m2 + shareB * shareB * a.m2) +
      4 * d * (shareA * b.m3 - shareB * a.m3),
  };
}
