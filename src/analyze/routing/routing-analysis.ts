/** The statistics of a trace: pure, from what was tallied of it. */
import type { Interval } from '../intervals.ts';
import { tooFew } from '../intervals.ts';
import { type CoActivation, coActivationOf } from './co-activation.ts';
import { FIRST_DUMMY_PHASE, PHASES, type Phase } from './route-block.ts';
import type { TalliedLayer } from './route-tally.ts';
import { type UniformTest, type Usage, uniformTest, usageOf } from './usage.ts';
import { type UnitCounts, usageIntervals } from './usage-intervals.ts';

/** What is resampled: requests if they are known, else blocks of rows. */
export interface Units {
  readonly of: 'requests' | 'blocks';
  readonly n: number;
  /** Why there are no intervals; null: there are. */
  readonly reason: string | null;
}

export interface PhaseUsage extends Usage {
  readonly phase: Phase;
}

export interface RequestUsage extends Usage {
  readonly request: string;
}

export interface DummySegment {
  /** First and last line. */
  readonly lines: readonly [number, number];
  readonly rows: number;
  /** Rows from one restart of token_idx to the next. */
  readonly segments: readonly number[];
  /** By chance no run would be longer than this. */
  readonly chanceRows: number;
}

export interface LayerAnalysis extends Usage {
  readonly layer: number;
  readonly experts: number;
  readonly topK: number;
  readonly entropyBitsCi95: Interval | null;
  readonly maxOverMeanCi95: Interval | null;
  readonly cvCi95: Interval | null;
  readonly units: Units;
  readonly unusedExperts: readonly number[];
  /** One an expert. */
  readonly counts: readonly number[];
  /** Share of the sum of all weights; null for an expert that nothing was routed to at all. */
  readonly weightShares: readonly number[];
  readonly uniform: UniformTest | null;
  readonly coActivation: CoActivation | null;
  /** Share of a token's experts that the token before it did not have; null: not evidenced. */
  readonly switchRate: number | null;
  /** Pairs of consecutive tokens that it is the mean of. */
  readonly transitions: number;
  readonly dummyRoutes: number;
  readonly dummies: readonly DummySegment[];
  /** With the dummies: what a script that counts all rows prints. */
  readonly raw: Usage;
  readonly phases: readonly PhaseUsage[];
  /** null: their ids are not evidenced, or there are too many to count each. */
  readonly requests: readonly RequestUsage[] | null;
}

export interface AnalysisOptions {
  readonly experts: number;
  readonly seed: number;
  /** Names of requests by number; null: what the trace calls a request is none. */
  readonly requests: readonly string[] | null;
  /** What intervals resample. */
  readonly unitsOf: Units['of'];
  readonly keepDummies: boolean;
}

export function analyzeLayer(
  { tally, dummies }: TalliedLayer,
  options: AnalysisOptions,
): LayerAnalysis {
  const { counts } = tally;
  const { experts, seed, requests } = options;
  const total = columnSums(counts.phases.data, counts.phases.rows, counts.stride, experts);
  const own = countedUnits(tally.counts, options);
  const n = own.units.length;
  const of = options.unitsOf;
  const intervals = usageIntervals(own, seed);
  const reason = intervals.entropyBits === null ? tooFew(n, of) : null;
  const use = usageOf(total, counts.routes);
  const weights = counts.weightSums.subarray(0, experts);
  const weightTotal = weights.reduce((a, b) => a + b, 0);
  const raw = rawCounts({ tally, dummies }, { total, experts, keep: options.keepDummies });
  return {
    layer: tally.layer,
    ...use,
    ...{ experts, topK: counts.topK },
    entropyBitsCi95: intervals.entropyBits,
    maxOverMeanCi95: intervals.maxOverMean,
    cvCi95: intervals.cv,
    units: { of, n, reason },
    unusedExperts: total.flatMap((count, expert) => (count === 0 ? [expert] : [])),
    counts: total,
    weightShares: Array.from(weights, (sum) => (weightTotal > 0 ? sum / weightTotal : 0)),
    uniform: uniformTest(total, counts.topK),
    coActivation: coActivationOf(counts, experts),
    switchRate:
      requests === null || tally.transitions === 0
        ? null
        : tally.switched / (tally.transitions * counts.topK),
    transitions: requests === null ? 0 : tally.transitions,
    dummyRoutes: raw.dummyRoutes,
    dummies: dummies.map(({ run, chanceRows }) => segmentOf(run, chanceRows)),
    raw: usageOf(raw.counts, raw.routes),
    phases: phasesOf(tally.counts, experts),
    requests: counts.hasRequests && requests ? requestsOf(tally.counts, requests, experts) : null,
  };
}

type Counts = TalliedLayer['tally']['counts'];

function columnSums(data: Uint32Array, rows: number, stride: number, experts: number): number[] {
  return Array.from({ length: experts }, (_, expert) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += data[row * stride + expert] ?? 0;
    return sum;
  });
}

/** Requests, or blocks of rows. */
export function countedUnits(
  counts: Counts,
  { unitsOf, experts }: Pick<AnalysisOptions, 'unitsOf' | 'experts'>,
): UnitCounts {
  const { data, stride, rows } = unitsOf === 'requests' ? counts.requests : counts.blocks;
  const used = Array.from({ length: rows }, (_, row) => row).filter((row) => {
    for (let e = 0; e < stride; e++) if (data[row * stride + e] !== 0) return true;
    return false;
  });
  return { data, stride, experts, units: used };
}

function rawCounts(
  { tally, dummies }: TalliedLayer,
  of: { total: readonly number[]; experts: number; keep: boolean },
): { counts: number[]; routes: number; dummyRoutes: number } {
  const counts = [...of.total];
  let inRuns = 0;
  for (const { run } of dummies) {
    inRuns += run.length;
    if (!of.keep) for (const id of run.ids) counts[id] = (counts[id] ?? 0) + run.length;
  }
  const dummyRoutes = inRuns + tally.saidDummies;
  if (of.keep) return { counts, routes: tally.counts.routes, dummyRoutes };
  for (let e = 0; e < of.experts; e++) counts[e]! += tally.saidCounts.data[e] ?? 0;
  return { counts, routes: tally.counts.routes + dummyRoutes, dummyRoutes };
}

function segmentOf(run: TalliedLayer['dummies'][number]['run'], chanceRows: number): DummySegment {
  // Tokens that are all numbered 0 restart at every row.
  const single = run.segments.every((rows) => rows === 1);
  const segments = single ? [run.length] : run.segments;
  return { lines: run.lines, rows: run.length, segments, chanceRows };
}

function phasesOf(counts: Counts, experts: number): PhaseUsage[] {
  return PHASES.slice(0, FIRST_DUMMY_PHASE).flatMap((phase, index): PhaseUsage[] => {
    const routes = counts.phaseRoutes[index] as number;
    if (routes === 0) return [];
    return [{ phase, ...usageOf(counts.phases.row(index).slice(0, experts), routes, 3) }];
  });
}

function requestsOf(counts: Counts, names: readonly string[], experts: number): RequestUsage[] {
  return names.flatMap((request, index): RequestUsage[] => {
    if (index >= counts.requests.rows) return [];
    const own = counts.requests.row(index).slice(0, experts);
    const choices = own.reduce((a, b) => a + b, 0);
    if (choices === 0) return [];
    return [{ request, ...usageOf(own, choices / counts.topK, 3) }];
  });
}
