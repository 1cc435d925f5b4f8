/** What an experiment decides, a model at a time: best, front, limits, and what to deploy. */
import { type Balance, bestBalance } from '../analyze/balance.ts';
import { compareRuns } from '../analyze/compare.ts';
import type { Comparison } from '../analyze/comparison.ts';
import type { LimitName } from '../analyze/constraints.ts';
import { type ParetoFront, paretoFront } from '../analyze/pareto.ts';
import { type Option, type Recommendation, recommend } from '../analyze/recommend.ts';
import { pairOf } from '../analyze/reference.ts';
import type { CellReport, ComparisonReport, ExperimentReport } from './collect.ts';
import {
  batchSizeOf,
  LATENCY_RATIO,
  type MeasuredCell,
  type SpeedComparison,
} from './collect-speed.ts';
import { type CellCheck, checksOf } from './decision-limits.ts';
import { objectivesOf, pointsOf } from './decision-objectives.ts';
import { type Ranked, rankedField, type Unranked } from './field.ts';
import { qualityMeasures } from './findings.ts';
import { isDummy } from './marks.ts';

/** Whether a scheme may be deployed as far as quality goes, and what says so. */
export interface Judgement {
  readonly scheme: string;
  readonly quality: 'baseline' | 'holds' | 'fails' | 'unknown';
  readonly comparisons: readonly ComparisonReport[];
  /** Of limits on quality and stored size, which a scheme meets at every batch size or at none. */
  readonly checks: readonly CellCheck[];
}

export interface Chosen extends Recommendation {
  readonly cell: Ranked;
  readonly judgement: Judgement;
  /** Against the speed baseline; absent for that itself. */
  readonly speed: SpeedComparison | undefined;
}

export interface ModelDecision {
  readonly model: string;
  readonly dummy: boolean;
  readonly judgements: readonly Judgement[];
  /** Cells whose speeds are ranked. */
  readonly field: readonly Ranked[];
  readonly unranked: readonly Unranked[];
  readonly fastest: Ranked | null;
  readonly widest: Ranked | null;
  readonly balance: Balance | null;
  readonly pareto: ParetoFront;
  readonly checks: readonly CellCheck[];
  readonly chosen: Chosen | null;
  /** Why nothing is chosen. */
  readonly reason: string | null;
}

const decided = new WeakMap<ExperimentReport, readonly ModelDecision[]>();

/** Decided once a report: several sections tell of it. */
export function decisions(report: ExperimentReport): readonly ModelDecision[] {
  const known = decided.get(report);
  if (known) return known;
  const models = [...new Set(report.cells.map((cell) => cell.model))];
  const found = models.map((model) => decisionOf(report, model));
  decided.set(report, found);
  return found;
}

function decisionOf(report: ExperimentReport, model: string): ModelDecision {
  const cells = report.cells.filter((cell) => cell.model === model);
  const { field, unranked } = rankedField(cells, report.config.baseline);
  const checks = checksOf(report, cells, field);
  const judgements = [...new Set(cells.map(({ scheme }) => scheme))].map((scheme) =>
    judge(report, { model, scheme, checks }),
  );
  const entries = field.map(({ id, throughput, p95Ms }) => ({ id, throughput, p95Ms }));
  const least = (a: Ranked, b: Ranked): Ranked => (b.p95Ms < a.p95Ms ? b : a);
  const most = (a: Ranked, b: Ranked): Ranked => (b.throughput > a.throughput ? b : a);
  const dummy = cells.some(isDummy);
  const choice = choose(report, { model, dummy, field, judgements, checks });
  return {
    ...{ model, dummy, judgements, field, unranked, checks },
    fastest: field.length > 0 ? field.reduce(least) : null,
    widest: field.length > 0 ? field.reduce(most) : null,
    balance: bestBalance(entries),
    pareto: paretoFront(pointsOf(report, field, dummy), objectivesOf(report, dummy)),
    ...choice,
  };
}

const QUALITY_LIMITS: readonly LimitName[] = ['perplexity_increase', 'accuracy_loss'];

function limited(report: ExperimentReport, comparison: ComparisonReport): boolean {
  const ratio = comparison.result.unit === 'ratio';
  return report.config.choose?.[ratio ? 'perplexity_increase' : 'accuracy_loss'] !== undefined;
}

function judge(
  report: ExperimentReport,
  of: { model: string; scheme: string; checks: readonly CellCheck[] },
): Judgement {
  const { model, scheme } = of;
  const checks = of.checks.filter((c) => c.scheme === scheme && QUALITY_LIMITS.includes(c.limit));
  const comparisons = report.comparisons.filter((c) => c.model === model && c.scheme === scheme);
  const found = { scheme, comparisons, checks };
  if (scheme === report.config.baseline) return { ...found, quality: 'baseline' };
  const complete = comparisons.length === qualityMeasures(report, model);
  if (comparisons.length === 0 || !complete) return { ...found, quality: 'unknown' };
  const bad = checks.some(({ state }) => state !== 'met');
  // A limit says what may be lost; where none is given nothing may be shown to be.
  const free = comparisons.filter((comparison) => !limited(report, comparison));
  const holds = free.every(({ result: r }) => r.verdict === 'equivalent' || r.verdict === 'better');
  return { ...found, quality: holds && !bad ? 'holds' : 'fails' };
}

interface Deciding {
  readonly model: string;
  readonly dummy: boolean;
  readonly field: readonly Ranked[];
  readonly judgements: readonly Judgement[];
  readonly checks: readonly CellCheck[];
}

type Decided = Pick<ModelDecision, 'chosen' | 'reason'>;

function choose(report: ExperimentReport, of: Deciding): Decided {
  const nothing = (reason: string): Decided => ({ chosen: null, reason });
  if (of.dummy) return nothing('dummy weights have no quality, so nothing is recommended');
  if (of.judgements.every(({ comparisons }) => comparisons.length === 0)) {
    return nothing('no quality was compared, so nothing is recommended');
  }
  if (of.field.length === 0) return nothing('no speed was measured that can be ranked');
  const holding = new Map(
    of.judgements
      .filter(({ quality }) => quality === 'holds' || quality === 'baseline')
      .map((judgement) => [judgement.scheme, judgement]),
  );
  const options = of.field.flatMap((cell): Option[] => {
    const own = of.checks.filter((c) => c.run === cell.id);
    const broken = own.some(({ state }) => state === 'violated' || state === 'unknown');
    if (!holding.has(cell.scheme) || broken) return [];
    const limits = own.every(({ state }) => state === 'met') ? 'met' : 'unproven';
    return [optionOf(report, cell, limits)];
  });
  const found = recommend(options, {
    latencyLimited: report.config.choose?.p95_ms !== undefined,
    shownSlower: (one, than) => slower(report, cellOf(of.field, one), cellOf(of.field, than)),
  });
  if (!found) return nothing('nothing that was measured meets every limit and holds its quality');
  const cell = cellOf(of.field, found.option);
  const judgement = holding.get(cell.scheme) as Judgement;
  return { chosen: { ...found, cell, judgement, speed: speedOf(report, cell) }, reason: null };
}

function optionOf(report: ExperimentReport, cell: Ranked, limits: Option['limits']): Option {
  const { id, scheme, batchSize, p95Ms, throughput, memoryBytes } = cell;
  const own = { id, scheme, batchSize, p95Ms, samplesPerSecond: throughput, memoryBytes, limits };
  return {
    ...own,
    speed: speedOf(report, cell)?.latency.verdict ?? baselineOrRefused(report, cell),
  };
}

function baselineOrRefused(report: ExperimentReport, { cell }: Ranked): Option['speed'] {
  return report.speed.some(({ baseline }) => baseline.run === cell.run) ||
    cell.scheme === report.config.baseline
    ? 'baseline'
    : 'refused';
}

export function speedOf(report: ExperimentReport, { cell }: Ranked): SpeedComparison | undefined {
  return report.speed.find((each) => each.cell.run === cell.run);
}

function cellOf(field: readonly Ranked[], { id }: Option): Ranked {
  return field.find((each) => each.id === id) as Ranked;
}

function slower(report: ExperimentReport, one: Ranked, than: Ranked): boolean {
  return compareSpeeds(report, one.cell, than.cell).verdict === 'worse';
}

/** Two cells of one batch size against each other, with the margin of the experiment. */
function compareSpeeds(
  report: ExperimentReport,
  variant: MeasuredCell,
  baseline: MeasuredCell,
): Comparison {
  const margin = report.speed[0]?.params.margin ?? 0;
  const params = { resamples: 2_000, seed: report.config.seed, margin };
  return compareRuns(LATENCY_RATIO, pairOf(variant.run, baseline.run), params);
}

/** Schemes that hold their quality but whose speed is not real here. */
export function simulatedHolding(report: ExperimentReport, decision: ModelDecision): CellReport[] {
  return decision.judgements
    .filter(({ quality }) => quality === 'holds')
    .flatMap(({ scheme }) => {
      const own = report.cells.filter((c) => c.model === decision.model && c.scheme === scheme);
      const cell = own.find((each) => batchSizeOf(each) === null && each.run?.summary);
      return cell?.run?.manifest.engine?.simulated ? [cell] : [];
    });
}
