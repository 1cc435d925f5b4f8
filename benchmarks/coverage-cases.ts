/**
 * Named cases in which the truth is known: does the interval hold it, is the same thing called
 * different? Each trial draws one data set from `random` and answers one question with yes or no.
 */
import { compareRuns } from '../src/analyze/compare.ts';
import type { Comparison } from '../src/analyze/comparison.ts';
import { judgeFamily } from '../src/analyze/family.ts';
import {
  blockLength,
  bootstrapMean,
  bootstrapPercentile,
  bootstrapRatio,
  type Interval,
  wilson,
} from '../src/analyze/intervals.ts';
import { mcnemar, tango } from '../src/analyze/paired-proportions.ts';
import { below, type RandomU32 } from '../src/analyze/random.ts';
import { groupSamples, type Samples } from '../src/analyze/samples.ts';
import { expandedTail, studentInterval } from '../src/analyze/student.ts';
import type { SampleRow } from '../src/record/rows.ts';
import type { Manifest } from '../src/record/schema.ts';

export interface Case {
  readonly name: string;
  trial(random: RandomU32, seed: number): boolean;
}

/** Fewer than the 2,000 of a report: this costs a few tenths of a point of coverage. */
const RESAMPLES = 1_000;

const uniform = (random: RandomU32): number => (random() + 0.5) / 2 ** 32;

export function normal(random: RandomU32): number {
  return Math.sqrt(-2 * Math.log(uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
}

type Draw = (random: RandomU32) => number;

/** Each with its true mean. */
const SHAPES: Readonly<Record<string, { draw: Draw; mean: number }>> = {
  normal: { draw: normal, mean: 0 },
  'skewed (lognormal, σ = 1)': { draw: (random) => Math.exp(normal(random)), mean: Math.exp(0.5) },
  'heavy tails (Pareto, α = 2.5)': {
    draw: (random) => uniform(random) ** (-1 / 2.5),
    mean: 2.5 / 1.5,
  },
};

/** Stationary, standard deviation 1, correlation `rho` from one value to the next. */
function series(random: RandomU32, n: number, rho: number): number[] {
  let state = normal(random);
  return Array.from({ length: n }, () => {
    const now = state;
    state = rho * state + Math.sqrt(1 - rho * rho) * normal(random);
    return now;
  });
}

const many = (n: number, draw: () => number): number[] => Array.from({ length: n }, draw);
const holds = ([low, high]: Interval, truth: number): boolean => low <= truth && truth <= high;

function meanCases(): Case[] {
  return Object.entries(SHAPES).flatMap(([shape, { draw, mean }]) =>
    [10, 30, 100].flatMap((n): Case[] => [
      {
        name: `bootstrap of a mean, plain tails · ${shape} · n = ${n}`,
        trial: (random, seed) => {
          const values = many(n, () => draw(random));
          return holds(bootstrapMean(values, { resamples: RESAMPLES, seed }), mean);
        },
      },
      {
        name: `bootstrap of a mean, expanded tails · ${shape} · n = ${n}`,
        trial: (random, seed) => {
          const values = many(n, () => draw(random));
          const how = { resamples: RESAMPLES, seed, tail: expandedTail(n) };
          return holds(bootstrapMean(values, how), mean);
        },
      },
      {
        name: `Student's t · ${shape} · n = ${n}`,
        trial: (random) => holds(studentInterval(many(n, () => draw(random))), mean),
      },
    ]),
  );
}

/** Texts of unequal length whose tokens share what makes their text hard: a ratio of sums. */
const documentCases = [10, 40, 240].map((n): Case => {
  const trial = (random: RandomU32, seed: number): boolean => {
    const denominators = many(n, () => 20 + below(random, 180));
    const numerators = denominators.map(
      (tokens) => tokens * (3 + 0.5 * normal(random)) + Math.sqrt(tokens) * normal(random),
    );
    const how = { resamples: RESAMPLES, seed, tail: expandedTail(n) };
    return holds(bootstrapRatio({ numerators, denominators, ...how }), 3);
  };
  return { name: `loss per token over documents of unequal length · n = ${n}`, trial };
});

function windowCases(): Case[] {
  return [30, 200].flatMap((n) =>
    [0.3, 0.7].flatMap((rho) =>
      [1, blockLength(n)].map((block): Case => {
        const trial = (random: RandomU32, seed: number): boolean => {
          const tail = expandedTail(Math.ceil(n / block));
          const how = { resamples: RESAMPLES, seed, block, tail };
          return holds(bootstrapMean(series(random, n, rho), how), 0);
        };
        const drawn = block === 1 ? 'one by one' : `in blocks of ${block}`;
        return { name: `correlated windows (ρ = ${rho}), ${drawn} · n = ${n}`, trial };
      }),
    ),
  );
}

function percentileCases(): Case[] {
  const points = { 0.5: 0, 0.95: 1.6448536269514722, 0.99: 2.3263478740408408 };
  return Object.entries(points).flatMap(([q, z]) =>
    [30, 300].map((n): Case => {
      const trial = (random: RandomU32, seed: number): boolean => {
        const values = many(n, () => Math.exp(normal(random)));
        const how = { q: Number(q), resamples: RESAMPLES, seed, tail: expandedTail(n) };
        return holds(bootstrapPercentile(values, how), Math.exp(z));
      };
      return { name: `bootstrap of p${100 * Number(q)}, lognormal · n = ${n}`, trial };
    }),
  );
}

function proportionCases(): Case[] {
  const shares = [0.01, 0.5, 0.99];
  const single = shares.flatMap((share) =>
    [20, 150, 1_000].map((n): Case => {
      const trial = (random: RandomU32): boolean => {
        const hits = many(n, () => Number(uniform(random) < share));
        return holds(
          wilson(
            hits.reduce((a, b) => a + b, 0),
            n,
          ),
          share,
        );
      };
      return { name: `Wilson, proportion ${share} · n = ${n}`, trial };
    }),
  );
  const paired = [0.01, 0.1].flatMap((differing) =>
    [60, 1_000].flatMap((n): Case[] => {
      const count = (random: RandomU32): { n: number; gained: number; lost: number } => {
        const kinds = many(n, () => uniform(random));
        const gained = kinds.filter((u) => u < differing / 2).length;
        return { n, gained, lost: kinds.filter((u) => u < differing).length - gained };
      };
      const name = `accuracy difference 0, ${100 * differing} % of items differ · n = ${n}`;
      return [
        { name: `Tango, ${name}`, trial: (random) => holds(tango(count(random)), 0) },
        {
          name: `bootstrap, ${name} (holds and has a width)`,
          trial: (random, seed) => {
            const { gained, lost } = count(random);
            const values = many(n, () => 0)
              .fill(1, 0, gained)
              .fill(-1, gained, gained + lost);
            const [low, high] = bootstrapMean(values, { resamples: RESAMPLES, seed });
            return high > low && holds([low, high], 0);
          },
        },
      ];
    }),
  );
  return [...single, ...paired];
}

export const INTERVAL_CASES: readonly Case[] = [
  ...meanCases(),
  ...documentCases,
  ...windowCases(),
  ...percentileCases(),
  ...proportionCases(),
];

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
    return compareRuns('compare.latency-ratio/1', runs, { resamples: RESAMPLES, ...params });
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

export const AA_CASES: readonly Case[] = [
  ...[10, 20, 40].map((n) => aaCase(`latency, ${n} rounds`, sameSpeed(n, normal), NONE)),
  aaCase('latency, 10 rounds, heavy tails (t, 2 df)', sameSpeed(10, heavy), NONE),
  aaCase('latency, 10 rounds, skewed', sameSpeed(10, skewed), NONE),
  aaCase('latency, 20 rounds, moods of their own (ρ = 0.5)', sameSpeed(20, normal, { rho: 0.5 }), NONE),
  aaCase('latency, 20 rounds', sameSpeed(20, normal), 0.05),
  aaCase('latency, 20 rounds, processes 1 % apart', sameSpeed(20, normal, { apart: 0.01 }), NONE),
  aaCase('latency, 20 rounds, processes 1 % apart', sameSpeed(20, normal, { apart: 0.01 }), 0.05),
  ...[10, 40].map((n) => aaCase(`perplexity, ${n} documents`, sameText(n), NONE)),
  aaCase('perplexity, 40 documents', sameText(40), 0.01),
  aaCase('accuracy, 60 items, 10 % differ', sameAccuracy(60, 0.1), NONE),
  aaCase('accuracy, 1000 items, 10 % differ', sameAccuracy(1_000, 0.1), NONE),
  aaCase('accuracy, 1000 items, 2 % differ', sameAccuracy(1_000, 0.02), 0.01),
  ...(['exact', 'midP'] as const).flatMap((which) =>
    [60, 1_000].map((n) => mcnemarCase(which, n)),
  ),
  familyCase(12, false),
  familyCase(12, true),
];
