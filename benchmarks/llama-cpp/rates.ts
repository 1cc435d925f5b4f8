/** Rates of rounds, and their ratios paired by round. */
import { quantile } from '../../src/analyze/describe.ts';
import { studentInterval } from '../../src/analyze/student.ts';

export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export function medianOf(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/**
 * Geometric mean of ours / theirs over rounds, and its 95 % interval: Student's t over the
 * logarithms. What slowed a round down is in both of its rates.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): Ratio {
  const logs = ours.map((rate, round) => Math.log(rate / theirs[round]!));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const [low, high] = studentInterval(logs);
  return { value: Math.exp(mean), low: Math.exp(low), high: Math.exp(high) };
}
