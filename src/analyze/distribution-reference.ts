/** Points of a curve that a chart draws: numbers of a run that no single metric holds. */
import { quantile } from './describe.ts';
import { measuredRounds } from './formulas-bench.ts';
import { type CalibrationBin, calibrationBins } from './formulas-eval.ts';
import type { Samples } from './samples.ts';

export type DistributionReference =
  /** Type 7 quantile of the end-to-end time of the measured iterations, ms. */
  | { from: 'latency-quantile'; run: string; q: number }
  /** One of `bins` equal bins of the probability of the most likely token. */
  | { from: 'calibration'; run: string; bins: number; bin: number; part: keyof CalibrationBin };

/** null where the run has no such rows. */
export function resolveDistribution(
  reference: DistributionReference,
  samples: Samples,
): number | null {
  if (reference.from === 'latency-quantile') {
    return latencyQuantiles(samples, [reference.q])[0] ?? null;
  }
  const { bins, bin, part } = reference;
  return calibrationBins(samples, bins)?.[bin]?.[part] ?? null;
}

/** ms at each share in [0, 1]; empty where nothing was measured. */
export function latencyQuantiles(samples: Samples, shares: readonly number[]): number[] {
  const times = [...measuredRounds(samples).values()].flat().map((row) => row.e2eMs);
  const sorted = Float64Array.from(times).sort();
  return sorted.length === 0 ? [] : shares.map((q) => quantile(sorted, q));
}

export function describeDistribution(reference: DistributionReference): string {
  const { run } = reference;
  if (reference.from === 'latency-quantile') {
    return `quantile ${reference.q} of the end-to-end time of run ${run}`;
  }
  const { bins, bin, part } = reference;
  return `${part} of bin ${bin + 1} of ${bins} by confidence of run ${run}`;
}
