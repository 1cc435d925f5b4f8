/** Sums over values of which each comes many times. */
import type { Moments, ValueCounts } from './moments.ts';

/** The first `length` of both: values, each once, and how often they come. */
export interface Came {
  readonly values: Float32Array;
  readonly times: Float64Array;
  readonly length: number;
}

export interface CodeSums extends ValueCounts {
  readonly moments: Moments;
}

type Growing = { -readonly [Key in keyof ValueCounts]: number };

export function noCounts(): Growing {
  return {
    ...{ nan: 0, positiveInfinity: 0, negativeInfinity: 0, zeros: 0 },
    ...{ min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY },
  };
}

export function addCounts(counts: Growing, found: ValueCounts): void {
  counts.nan += found.nan;
  counts.positiveInfinity += found.positiveInfinity;
  counts.negativeInfinity += found.negativeInfinity;
  counts.zeros += found.zeros;
  counts.min = Math.min(counts.min, found.min);
  counts.max = Math.max(counts.max, found.max);
}

/** Adds to `exponents` (f64 [256], as an f32 codes them) all finite values but zeros. */
export function sumCodes(came: Came, exponents: Float64Array): CodeSums {
  const { values, length } = came;
  const bits = new Uint32Array(values.buffer, values.byteOffset, length);
  let [nan, positiveInfinity, negativeInfinity, count, sum] = [0, 0, 0, 0, 0];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let zeros = 0;
  for (let i = 0; i < length; i++) {
    const times = came.times[i]!;
    const x = values[i]!;
    if (x - x === 0) {
      count += times;
      sum += x * times;
      if (x < min) min = x;
      if (x > max) max = x;
      if (x === 0) zeros += times;
      else exponents[(bits[i]! >>> 23) & 255]! += times;
    } else if (x === Number.POSITIVE_INFINITY) positiveInfinity += times;
    else if (x === Number.NEGATIVE_INFINITY) negativeInfinity += times;
    else nan += times;
  }
  return {
    moments: momentsOf(came, count === 0 ? 0 : sum / count, count),
    ...{ nan, positiveInfinity, negativeInfinity, zeros },
    // −0 and 0 are one.
    ...{ min: min + 0, max: max + 0 },
  };
}

/** `mean` and `count`: of the finite values. */
function momentsOf({ values, times, length }: Came, mean: number, count: number): Moments {
  let [m2, m3, m4] = [0, 0, 0];
  for (let i = 0; i < length; i++) {
    const d = values[i]! - mean;
    if (d - d !== 0) continue;
    const square = d * d;
    m2 += square * times[i]!;
    m3 += square * d * times[i]!;
    m4 += square * square * times[i]!;
  }
  return { count, mean, m2, m3, m4 };
}
