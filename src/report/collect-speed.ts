/** Speed and texts of every benchmarked cell against the model's speed baseline, by batch size. */
import { compareRuns } from '../analyze/compare.ts';
import type { CompareParams, Comparison } from '../analyze/comparison.ts';
import { type ComparisonId, pairOf, type ResolvableRun } from '../analyze/reference.ts';
import type { CellReport } from './collect.ts';

export const LATENCY_RATIO = 'compare.latency-ratio/2';
export const TOKEN_AGREEMENT = 'compare.agreement/1';
export const IDENTICAL_TEXTS = 'compare.identical-texts/1';

/** What speeds are relative to where the experiment's own baseline is simulated. */
const REAL_BASELINE = 'f32';

export type MeasuredCell = CellReport & { readonly run: ResolvableRun };

export interface SpeedComparison {
  readonly cell: MeasuredCell;
  readonly baseline: MeasuredCell;
  readonly batchSize: number;
  /** The run whose configuration gave the margin; null: a configuration that knew none. */
  readonly configured: ResolvableRun | null;
  readonly params: CompareParams;
  readonly latency: Comparison;
  readonly agreement: Comparison;
  readonly identical: Comparison;
}

export function latencyId({ cell, baseline, params }: SpeedComparison): ComparisonId {
  const runs = { run: cell.run.manifest.runId, baseline: baseline.run.manifest.runId };
  return { formula: LATENCY_RATIO, ...runs, params };
}

/** null for a measure that is no benchmark. */
export function batchSizeOf(cell: Pick<CellReport, 'measure' | 'run'>): number | null {
  const measure = Object(cell.run?.manifest.config.measure) as Record<string, unknown>;
  if (measure.kind === 'bench' && typeof measure.batch_size === 'number') return measure.batch_size;
  // A cell that never ran has only its name.
  const size = cell.run ? undefined : /^bench-b(\d+)$/.exec(cell.measure)?.[1];
  return size === undefined ? null : Number(size);
}

export function isMeasured(cell: CellReport): cell is MeasuredCell {
  return cell.run !== null && cell.status === 'succeeded';
}

/**
 * The scheme that the speeds of a model are relative to: the experiment's baseline, or f32 where
 * that is simulated; else the reason why there is none.
 */
export function speedBaseline(
  cells: readonly CellReport[],
  of: { model: string; baseline: string },
): { scheme: string } | { reason: string } {
  const benchmarks = cells.filter(
    (cell) => cell.model === of.model && isMeasured(cell) && batchSizeOf(cell) !== null,
  );
  const simulated = (scheme: string): boolean =>
    benchmarks.some((cell) => cell.scheme === scheme && cell.run?.manifest.engine?.simulated);
  const real = [of.baseline, REAL_BASELINE].find(
    (scheme) => benchmarks.some((cell) => cell.scheme === scheme) && !simulated(scheme),
  );
  if (real !== undefined) return { scheme: real };
  const why = simulated(of.baseline) ? 'is simulated here' : 'has no result';
  return { reason: `the baseline ${of.baseline} ${why}, and f32 was not measured` };
}

export function speedComparisons(
  cells: readonly CellReport[],
  settings: { baseline: string; seed: number; margin: number; configured: ResolvableRun | null },
): SpeedComparison[] {
  const params = { resamples: 2_000, seed: settings.seed, margin: settings.margin };
  return cells.flatMap((cell): SpeedComparison[] => {
    const batchSize = batchSizeOf(cell);
    if (batchSize === null || !isMeasured(cell)) return [];
    const found = speedBaseline(cells, { model: cell.model, baseline: settings.baseline });
    if ('reason' in found || found.scheme === cell.scheme) return [];
    const baseline = cells.find(
      (other) =>
        other.model === cell.model &&
        other.measure === cell.measure &&
        other.scheme === found.scheme,
    );
    if (!baseline || !isMeasured(baseline)) return [];
    const pair = pairOf(cell.run, baseline.run);
    const compare = (formula: string): Comparison => compareRuns(formula, pair, params);
    return [
      {
        ...{ cell, baseline, batchSize, configured: settings.configured, params },
        latency: compare(LATENCY_RATIO),
        agreement: compare(TOKEN_AGREEMENT),
        identical: compare(IDENTICAL_TEXTS),
      },
    ];
  });
}
