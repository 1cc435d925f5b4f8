/** Routing of every traced cell against the baseline, layer by layer. */
import { compareRuns } from '../analyze/compare.ts';
import type { CompareParams, Comparison } from '../analyze/comparison.ts';
import { type ComparisonId, pairOf, samplesOf } from '../analyze/reference.ts';
import type { CellReport } from './collect.ts';
import { isMeasured, type MeasuredCell } from './collect-speed.ts';

export const ROUTING_DIVERGENCE = 'compare.routing-divergence/1';
export const ROUTING_CHANCE = 'compare.routing-chance/1';

export interface RoutingComparison {
  readonly cell: MeasuredCell;
  readonly baseline: MeasuredCell;
  readonly layer: number;
  readonly params: CompareParams;
  readonly divergence: Comparison;
  readonly chance: Comparison;
}

export function divergenceId({ cell, baseline, params }: RoutingComparison): ComparisonId {
  const runs = { run: cell.run.manifest.runId, baseline: baseline.run.manifest.runId };
  return { formula: ROUTING_DIVERGENCE, ...runs, params };
}

/** A measure of routing has no quality: it takes part in no verdict on one. */
export function isTrace({ run }: Pick<CellReport, 'run'>): boolean {
  return Object(run?.manifest.config.measure).kind === 'trace';
}

/** Ascending; none where nothing was traced. */
export function tracedLayers(cell: MeasuredCell): number[] {
  const layers = samplesOf(cell.run).routing.map(({ layer }) => layer);
  return [...new Set(layers)].sort((a, b) => a - b);
}

export function routingComparisons(
  cells: readonly CellReport[],
  of: { baseline: string; seed: number },
): RoutingComparison[] {
  return cells.flatMap((cell) => {
    const baseline = cells.find(
      (other) =>
        other.model === cell.model &&
        other.measure === cell.measure &&
        other.scheme === of.baseline,
    );
    if (cell.scheme === of.baseline || !isTrace(cell) || !isMeasured(cell)) return [];
    if (!baseline || !isMeasured(baseline)) return [];
    return tracedLayers(cell).map((layer): RoutingComparison => {
      const params = { resamples: 0, seed: of.seed, margin: 0, layer };
      const pair = pairOf(cell.run, baseline.run);
      const divergence = compareRuns(ROUTING_DIVERGENCE, pair, params);
      const chance = compareRuns(ROUTING_CHANCE, pair, params);
      return { cell, baseline, layer, params, divergence, chance };
    });
  });
}
