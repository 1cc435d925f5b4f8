/**
 * Named cases of two things that are equal: are they called better or worse? Each trial draws one
 * experiment from `random` and answers with yes or no.
 */
import { compareRuns } from '../src/analyze/compare.ts';
import type { Comparison } from '../src/analyze/comparison.ts';
import { judgeFamily } from '../src/analyze/family.ts';
import { mcnemar } from '../src/analyze/paired-proportions.ts';
import type { RandomU32 } from '../src/analyze/random.ts';
import { groupSamples, type Samples } from '../src/analyze/samples.ts';
import type { SampleRow } from '../src/record/rows.ts';
import type { Manifest } from '../src/record/schema.ts';
import {
  type Case,
  type Draw,
  many,
  normal,
  RESAMPLES,
  series,
  uniform,
} from './coverage-cases.ts';

/** Rounds of one time each, as far as a comparison of speeds reads them. */
function timed(times: readonly number[]): Samples {
  return groupSamples(
    times.map((e2eMs, round): SampleRow => {
      const fed = { promptTokens: 16, newTokens: 8, ttftMs: 1, prefillMs: 1, stepMs: [1] };
      const at = { round, iteration: round, warmup: false };
      return { kind: 'iteration', ...at, ...fed, e2eMs, cpuMs: e2eMs };
    }),
  );
}

const MANIFEST = {
  config: { measure: { kind: 'bench' } },
  seeds: {},
  environment: { hostname: 'here', cpu: { model: 'a CPU', logicalCores: 2 } },
  engine: { name: 'e', device: 'cpu', threads: 2, scheme: 'f32', simulated: null },
  model: null,
  findings: [],
  startedAt: '2026-11-20T05:00:00Z',
  endedAt: '2026-11-20T06:00:00Z',
} as unknown as Manifest;
const MANIFESTS = { variant: MANIFEST, baseline: MANIFEST };

/** Both cells in one round share its mood; what is left of it is their own. */
function sameSpeed(n: number, own: Draw, { apart = 0, rho = 0 } = {}) {
  return (random: RandomU32, params: { margin: number; seed: number }): Comparison => {
    const [variant, baseline] = [0, 1].map(() => {
      const process = apart * normal(random);
      const noise = rho > 0 ? series(random, n, rho) : many(n, () => own(random));
      return timed(noise.map((x) => 100 * Math.exp(process + 0.02 * x)));
    }) as [Samples, Samples];
    const runs = { variant, baseline, manifests: MANIFESTS };
    return compareRuns('compare.latency-ratio/2', runs, { resamples: RESAMPLES, ...params });
  };
}

function sameText(n: number) {
  return (random: RandomU32, params: { margin: number; seed: number }): Comparison => {
    const scored = (): Samples =>
      groupSamples(
        many(n, () => 0).map((_, document): SampleRow => {
          const logp = [-2 - 0.05 * normal(random), -3 - 0.05 * normal(random)];
          const tokens = { logp, hit: '00', topLogp: logp, sumSquares: logp };
          return { kind: 'window', batch: 0, document, window: 0, scoreFrom: 1, ...tokens };
        }),
      );
    const runs = { variant: scored(), baseline: scored() };
    return compareRuns('compare.perplexity-ratio/2', runs, { resamples: RESAMPLES, ...params });
  };
}

function sameAccuracy(n: number, differing: number) {
  return (random: RandomU32, params: { margin: number; seed: number }): Comparison => {
    const outcomes = many(n, () => uniform(random));
    const items = (right: (u: number) => boolean): Samples =>
      groupSamples(
        outcomes.map((u, item): SampleRow => {
          const at = { kind: 'item', batch: 0, item, label: 'a', logp: -1, tokens: 1 } as const;
          return { ...at, correct: right(u) };
        }),
      );
    const variant = items((u) => u < 0.8);
    const baseline = items((u) => u < 0.8 - differing / 2 || (u >= 0.8 && u < 0.8 + differing / 2));
    const runs = { variant, baseline };
    return compareRuns('compare.accuracy-difference/2', runs, { resamples: RESAMPLES, ...params });
  };
}

type Compare = ReturnType<typeof sameSpeed>;

const isDifferent = ({ verdict }: Comparison): boolean =>
  verdict === 'better' || verdict === 'worse';

function aaCase(name: string, compare: Compare, margin: number): Case {
  const trial = (random: RandomU32, seed: number): boolean =>
    isDifferent(compare(random, { margin, seed }));
  return { name: `${name} · margin ${margin < 1e-6 ? 'none' : `${100 * margin} %`}`, trial };
}

const NONE = 1e-9;
const heavy: Draw = (random) => normal(random) / Math.sqrt(-Math.log(uniform(random)));
const skewed: Draw = (random) => Math.exp(normal(random));

/** What McNemar's p alone would do, on paired counts as `sameAccuracy` has them. */
function mcnemarCase(which: 'exact' | 'midP', n: number): Case {
  const trial = (random: RandomU32): boolean => {
    const kinds = many(n, () => uniform(random));
    const gained = kinds.filter((u) => u < 0.05).length;
    return mcnemar({ gained, lost: kinds.filter((u) => u < 0.1).length - gained })[which] <= 0.05;
  };
  return { name: `McNemar ${which} alone, ${n} items, 10 % differ`, trial };
}

/** Several comparisons of equal things: does a report call anything different? */
function familyCase(size: number, together: boolean): Case {
  const compare = sameSpeed(20, normal);
  return {
    name: `a report of ${size} comparisons of equal speeds${together ? '' : ', not corrected'}`,
    trial: (random, seed) => {
      const all = many(size, () => 0).map((_, i) =>
        compare(random, { margin: NONE, seed: seed + i }),
      );
      return (together ? judgeFamily(all) : all).some(isDifferent);
    },
  };
}

export const EQUAL_CASES: readonly Case[] = [
  ...[10, 20, 40].map((n) => aaCase(`latency, ${n} rounds`, sameSpeed(n, normal), NONE)),
  aaCase('latency, 10 rounds, heavy tails (t, 2 df)', sameSpeed(10, heavy), NONE),
  aaCase('latency, 10 rounds, skewed', sameSpeed(10, skewed), NONE),
  aaCase(
    'latency, 20 rounds, moods of their own (ρ = 0.5)',
    sameSpeed(20, normal, { rho: 0.5 }),
    NONE,
  ),
  aaCase('latency, 20 rounds', sameSpeed(20, normal), 0.05),
  aaCase('latency, 20 rounds, processes 1 % apart', sameSpeed(20, normal, { apart: 0.01 }), NONE),
  aaCase('latency, 20 rounds, processes 1 % apart', sameSpeed(20, normal, { apart: 0.01 }), 0.05),
  ...[10, 40].map((n) => aaCase(`perplexity, ${n} documents`, sameText(n), NONE)),
  aaCase('perplexity, 40 documents', sameText(40), 0.01),
  aaCase('accuracy, 60 items, 10 % differ', sameAccuracy(60, 0.1), NONE),
  aaCase('accuracy, 1000 items, 10 % differ', sameAccuracy(1_000, 0.1), NONE),
  aaCase('accuracy, 1000 items, 2 % differ', sameAccuracy(1_000, 0.02), 0.01),
  ...(['exact', 'midP'] as const).flatMap((which) => [60, 1_000].map((n) => mcnemarCase(which, n))),
  familyCase(12, false),
  familyCase(12, true),
];
