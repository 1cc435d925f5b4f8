/** The limits of `choose` against every cell, with the figure that decides each. */
import {
  checkLimit,
  type Figure,
  LIMIT_NAMES,
  LIMITS,
  type LimitCheck,
  type LimitName,
} from '../analyze/constraints.ts';
import { costUsd } from '../analyze/cost.ts';
import type { NumberReference } from '../analyze/reference.ts';
import type { Metric } from '../record/schema.ts';
import type { CellReport, ComparisonReport, ExperimentReport } from './collect.ts';
import { batchSizeOf, isMeasured } from './collect-speed.ts';
import { pricesOf } from './decision-cost.ts';
import type { Ranked } from './field.ts';

export interface CellCheck extends LimitCheck {
  readonly scheme: string;
  /** null: it holds for the variant at every batch size. */
  readonly cell: CellReport | null;
  readonly batchSize: number | null;
  readonly run: string;
  /** The figure, in the limit's unit, and where it comes from (in the metric's unit). */
  readonly value: number | null;
  readonly reference: NumberReference | null;
}

/** `cells` of one model; `field`: those whose speeds are real. */
export function checksOf(
  report: ExperimentReport,
  cells: readonly CellReport[],
  field: readonly Ranked[],
): CellCheck[] {
  const limits = report.config.choose ?? {};
  return LIMIT_NAMES.flatMap((limit) => {
    const bound = limits[limit];
    if (bound === undefined) return [];
    if (limit === 'perplexity_increase' || limit === 'accuracy_loss') {
      return qualityChecks(report, cells, { limit, bound });
    }
    return cells
      .filter((cell) => batchSizeOf(cell) !== null && isMeasured(cell))
      .map((cell) => cellCheck(report, cell, { limit, bound, field }));
  });
}

type Of = Pick<LimitCheck, 'limit' | 'bound'>;

function cellCheck(
  report: ExperimentReport,
  cell: CellReport,
  of: Of & { field: readonly Ranked[] },
): CellCheck {
  const { limit, bound } = of;
  const manifest = cell.run?.manifest;
  const run = manifest?.runId ?? '';
  const { metric, scale } = LIMITS[limit];
  const base = { scheme: cell.scheme, cell, batchSize: batchSizeOf(cell), run };
  const simulated = manifest?.engine?.simulated;
  if (simulated && limit !== 'weights_gib') {
    const figure = { value: null, ci95: null, reason: 'simulated here' };
    return { ...base, value: null, reference: null, ...checkLimit(limit, bound, figure) };
  }
  if (limit === 'usd_per_1k_requests') return { ...base, ...costCheck(report, cell, of) };
  const figure = figureOf(cell.run?.summary?.metrics[metric], scale);
  const reference = { from: 'metric', run, metric, part: 'value' } as const;
  return { ...base, value: figure.value, reference, ...checkLimit(limit, bound, figure) };
}

function figureOf(metric: Metric | undefined, scale: number): Figure {
  if (!metric) return { value: null, ci95: null, reason: 'not measured' };
  const { value, ci95, reason } = metric;
  return {
    value: value === null ? null : value / scale,
    ci95: ci95 && [ci95[0] / scale, ci95[1] / scale],
    // Largest readings of a process or a card, and sums over a file: there is nothing to resample.
    exact: reason === 'exact, not a sample' || metric.unit === 'bytes',
    ...(reason === undefined ? {} : { reason }),
  };
}

function costCheck(
  report: ExperimentReport,
  cell: CellReport,
  { limit, bound }: Of,
): Pick<CellCheck, 'value' | 'reference'> & LimitCheck {
  const [price] = pricesOf(report);
  const rate = 'samplesPerSecond';
  const metric = cell.run?.summary?.metrics[rate];
  if (!price || metric?.value == null) {
    const reason = price ? 'it has no throughput' : 'no price is given: cost.usd_per_hour';
    const figure = { value: null, ci95: null, reason };
    return { value: null, reference: null, ...checkLimit(limit, bound, figure) };
  }
  const { usdPerHour, utilization } = price;
  const inputs = { usdPerHour, utilization, count: 1_000 };
  const usd = (perSecond: number): number => costUsd({ ...inputs, perSecond }) ?? Number.NaN;
  const { value, ci95, reason } = metric;
  const figure: Figure = {
    value: usd(value),
    // The larger the throughput, the lower the cost: the ends change places.
    ci95: ci95 && [usd(ci95[1]), usd(ci95[0])],
    ...(reason === undefined ? {} : { reason }),
  };
  const run = cell.run?.manifest.runId ?? '';
  const reference = { from: 'cost', run, rate, ...inputs } as const;
  return { value: figure.value, reference, ...checkLimit(limit, bound, figure) };
}

/** A limit on quality holds for the variant, whatever the batch size. */
function qualityChecks(
  report: ExperimentReport,
  cells: readonly CellReport[],
  { limit, bound }: Of,
): CellCheck[] {
  const [model] = cells.map((cell) => cell.model);
  const ratio = limit === 'perplexity_increase';
  return report.comparisons
    .filter((c) => c.model === model && (c.result.unit === 'ratio') === ratio)
    .map((comparison) => {
      const { scheme, run } = comparison;
      const figure = lossOf(comparison);
      const reference = lossReference(comparison, limit);
      const of = { scheme, cell: null, batchSize: null, run };
      const base = { ...of, value: figure.value, reference };
      return { ...base, ...checkLimit(limit, bound, figure) };
    });
}

/** The share that perplexity rises by, or the points of accuracy that are lost. */
function lossOf({ result }: ComparisonReport): Figure {
  const { value, ci95, unit, reason } = result;
  const why = reason === undefined ? {} : { reason };
  if (unit === 'ratio') {
    return {
      value: value === null ? null : value - 1,
      ci95: ci95 && [ci95[0] - 1, ci95[1] - 1],
      ...why,
    };
  }
  return { value: value === null ? null : -value, ci95: ci95 && [-ci95[1], -ci95[0]], ...why };
}

function lossReference(comparison: ComparisonReport, limit: LimitName): NumberReference {
  const { formula, run, baseline, params } = comparison;
  const as = limit === 'perplexity_increase' ? 'increase' : 'loss';
  return { from: 'comparison', formula, run, baseline, params, part: 'value', as };
}
