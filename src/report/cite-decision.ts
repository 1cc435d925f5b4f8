/** Numbers of a decision with their origin. */
import { headroom as headroomOf, requestsPerMinute, workersFor } from '../analyze/capacity.ts';
import { LIMITS, type LimitName } from '../analyze/constraints.ts';
import { costUsd } from '../analyze/cost.ts';
import { gpuMemoryBytes } from '../analyze/reference.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';
import { citeManifest, citeMetric, citeWithInterval, inUnits } from './cite.ts';
import type { ExperimentReport } from './collect.ts';
import type { Price } from './decision-cost.ts';
import type { CellCheck } from './decision-limits.ts';
import type { Cited, Piece } from './document.ts';
import type { Ranked } from './field.ts';

const SCORE: NumberFormat = { style: 'fixed', digits: 4 };
const USD: NumberFormat = { style: 'significant', digits: 4 };
const PERCENT: NumberFormat = { style: 'percent', digits: 1 };
const COUNT: NumberFormat = { style: 'integer' };

/** `P95 23.24 ms [22.90, 23.61] (n = 60)`; few values bound no percentile, and that is said. */
export function citeP95({ cell }: Ranked): Piece {
  const metric = cell.run.summary?.metrics.latencyP95;
  const few = metric?.ci95 ? '' : ', which bounds it from above not yet';
  const n = citeMetric(cell.run, 'latencyP95', 'n');
  return ['P95 ', citeWithInterval(cell.run, 'latencyP95'), ' ms (n = ', n, few, ')'];
}

export function citeThroughput({ cell }: Ranked): Piece {
  return [citeWithInterval(cell.run, 'samplesPerSecond'), ' samples/s'];
}

export function citeBalance(of: Ranked, field: readonly Ranked[], score: number): Cited {
  const runs = field.map(({ id }) => id);
  const reference = { from: 'balance', run: of.id, field: runs } as const;
  return { value: score, format: SCORE, reference };
}

export interface Priced {
  readonly rate: string;
  readonly count: number;
}

/** In US dollars, the numeral alone. */
export function citeCost({ cell, id }: Ranked, price: Price, priced: Priced): Cited {
  const { rate, count } = priced;
  const { usdPerHour, utilization } = price;
  const perSecond = cell.run.summary?.metrics[rate]?.value ?? null;
  return {
    value: perSecond === null ? null : costUsd({ perSecond, usdPerHour, utilization, count }),
    format: USD,
    reference: { from: 'cost', run: id, rate, usdPerHour, utilization, count },
  };
}

/** Requests a minute. */
export function citeCapacity({ id, throughput }: Ranked): Cited {
  const value = requestsPerMinute(throughput);
  return { value, format: COUNT, reference: { from: 'capacity', run: id } };
}

export interface Planned {
  readonly requestsPerMinute: number;
  readonly utilization: number;
}

export function citeWorkers({ id, throughput }: Ranked, demand: Planned): Cited {
  const value = workersFor({ ...demand, samplesPerSecond: throughput });
  return { value, format: COUNT, reference: { from: 'workers', run: id, ...demand } };
}

export function citeHeadroom({ id, throughput }: Ranked, demand: Planned): Piece {
  const all = { ...demand, samplesPerSecond: throughput };
  const workers = workersFor(all);
  const value = workers === null ? null : headroomOf({ ...all, workers });
  return inUnits({ value, format: PERCENT, reference: { from: 'headroom', run: id, ...demand } });
}

export function citeGpuShare({ cell, id }: Ranked): Cited | null {
  const used = cell.run.summary?.metrics.gpuPeakMemoryBytes?.value ?? null;
  const all = gpuMemoryBytes(cell.run.manifest);
  if (used === null || !all) return null;
  const format: NumberFormat = { style: 'fixed', digits: 2 };
  return { value: used / all, format, reference: { from: 'gpu-share', run: id } };
}

const DIGITS: Readonly<Record<string, NumberFormat>> = {
  ms: { style: 'significant', digits: 4 },
  GiB: { style: 'bytes-gib', digits: 4 },
  share: { style: 'percent', digits: 2 },
  USD,
};
const OTHER: NumberFormat = { style: 'significant', digits: 4 };

const behind = (unit: string): string => (unit === 'share' ? ' %' : ` ${unit}`);

/** The figure that a limit was held against, with its unit. */
export function citeFigure({ limit, value, reference }: CellCheck): Piece {
  if (value === null || reference === null) return '—';
  const { unit, scale } = LIMITS[limit];
  const format = DIGITS[unit] ?? OTHER;
  return [{ value: value * scale, format, reference }, behind(unit)];
}

/** `12.10 ms (24.2 %)`: how far beyond the limit, and which share of it that is. */
export function citeExcess({ limit, bound, excess, reference, run }: CellCheck): Piece {
  if (excess === null || reference === null) return '—';
  const { unit } = LIMITS[limit];
  const from = { from: 'excess', run, of: reference, limit, bound } as const;
  // In the limit's unit already: bytes are GiB here.
  const format = unit === 'GiB' ? ({ style: 'fixed', digits: 4 } as const) : DIGITS[unit];
  const absolute: Cited = { value: excess, format: format ?? OTHER, reference: from };
  if (unit === 'share' || bound === 0)
    return [absolute, unit === 'share' ? ' points' : behind(unit)];
  const share: Cited = {
    value: excess / bound,
    format: PERCENT,
    reference: { ...from, relative: true },
  };
  return [absolute, behind(unit), ' (', share, ' %)'];
}

/** A limit as it was given: from a run's manifest where one holds it, else as the text's own. */
export function citeLimit(report: ExperimentReport, limit: LimitName, bound: number): Piece {
  const { unit, holds } = LIMITS[limit];
  const format: NumberFormat = unit === 'share' ? { style: 'percent', digits: 2 } : PLAIN;
  const path = ['choose', limit];
  return [`at ${holds} `, citeSetting(report, path, { format, value: bound }), behind(unit)];
}

const PLAIN: NumberFormat = { style: 'plain' };

/** A key of the experiment file: cited from the newest run that was configured so. */
export function citeSetting(
  report: ExperimentReport,
  path: readonly string[],
  of: { format?: NumberFormat; value: number },
): Piece {
  const { format = PLAIN, value } = of;
  const holds = (config: unknown): boolean => {
    let at: unknown = Object(config).experiment;
    for (const key of path) at = Object(at)[key];
    return at === value;
  };
  const cell = report.cells.findLast(({ run }) => run && holds(run.manifest.config));
  if (!cell?.run) return renderNumber(value, format);
  return citeManifest(cell.run, ['config', 'experiment', ...path].join('.'), format, value);
}
