/** Intervals of the measures of a histogram, by drawing its units again. */
import { quantile } from '../describe.ts';
import { type Interval, MIN_UNITS } from '../intervals.ts';
import { indexStream } from '../random.ts';
import { cvOf, entropyNats, maxOf } from './usage.ts';

/** Counts of [unit][expert]: units are requests, or blocks of rows. */
export interface UnitCounts {
  readonly data: ArrayLike<number>;
  readonly stride: number;
  /** Rows of `data` that have choices. */
  readonly units: readonly number[];
  readonly experts: number;
}

export interface UsageIntervals {
  readonly entropyBits: Interval | null;
  readonly maxOverMean: Interval | null;
  readonly cv: Interval | null;
}

export const RESAMPLES = 1000;
/** More requests than this are drawn in so many groups of whole requests. */
export const MAX_UNITS = 100;
const TAIL = 0.025;
const NO_INTERVALS: UsageIntervals = { entropyBits: null, maxOverMean: null, cv: null };

/**
 * Basic bootstrap intervals (95 %): twice the estimate less the percentiles of the resamples. The
 * entropy of a sample is smaller than that of what it is drawn from, and the resamples' are smaller
 * than the sample's by as much again: this interval takes that off twice instead of adding it. Cut
 * to what is possible.
 */
export function usageIntervals(counts: UnitCounts, seed: number): UsageIntervals {
  const { experts } = counts;
  const grouped = grouping(counts);
  const groups = grouped.length / experts;
  if (groups < MIN_UNITS) return NO_INTERVALS;
  const draws = { entropy: draw(), most: draw(), cv: draw() };
  const fill = indexStream(seed);
  const drawn = new Int32Array(groups);
  const times = new Uint32Array(groups);
  const sums = new Float64Array(experts);
  for (let r = 0; r < RESAMPLES; r++) {
    fill(drawn, groups);
    sums.fill(0);
    times.fill(0);
    for (let i = 0; i < groups; i++) times[drawn[i] as number]!++;
    // More than a third is not drawn at all. Counts are integers, so that no sum is rounded.
    for (let group = 0; group < groups; group++) {
      const n = times[group] as number;
      if (n === 0) continue;
      const from = group * experts;
      for (let e = 0; e < experts; e++) sums[e]! += n * (grouped[from + e] as number);
    }
    note(draws, sums, r);
  }
  const whole = new Float64Array(experts);
  for (let i = 0; i < grouped.length; i++) whole[i % experts]! += grouped[i] as number;
  const seen = { entropy: draw(1), most: draw(1), cv: draw(1) };
  note(seen, whole, 0);
  return {
    entropyBits: basic(draws.entropy, seen.entropy[0]!, [0, Math.log2(experts)]),
    maxOverMean: basic(draws.most, seen.most[0]!, [1, experts]),
    cv: basic(draws.cv, seen.cv[0]!, [0, Math.sqrt(experts - 1)]),
  };
}

function draw(length: number = RESAMPLES): Float64Array {
  return new Float64Array(length);
}

interface Draws {
  readonly entropy: Float64Array;
  readonly most: Float64Array;
  readonly cv: Float64Array;
}

function note(into: Draws, sums: Float64Array, at: number): void {
  let total = 0;
  for (let e = 0; e < sums.length; e++) total += sums[e] as number;
  const mean = total / sums.length;
  into.entropy[at] = entropyNats(sums, total) / Math.LN2;
  into.most[at] = maxOf(sums) / mean;
  into.cv[at] = cvOf(sums, mean);
}

function basic(draws: Float64Array, estimate: number, [least, most]: Interval): Interval {
  const sorted = draws.toSorted();
  const within = (value: number): number => Math.min(most, Math.max(least, value));
  return [
    within(2 * estimate - quantile(sorted, 1 - TAIL)),
    within(2 * estimate - quantile(sorted, TAIL)),
  ];
}

/** Dense [group][expert], units dealt out in turn. */
function grouping({ data, stride, units, experts }: UnitCounts): Float64Array {
  const groups = Math.min(units.length, MAX_UNITS);
  const grouped = new Float64Array(groups * experts);
  for (const [i, unit] of units.entries()) {
    const to = (i % groups) * experts;
    for (let e = 0; e < experts; e++) {
      grouped[to + e]! += (data[unit * stride + e] as number | undefined) ?? 0;
    }
  }
  return grouped;
}
