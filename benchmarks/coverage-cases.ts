/**
 * Named cases in which the truth is known: does the 95 % interval hold it? Each trial draws one
 * data set from `random` and answers with yes or no.
 */
import {
  blockLength,
  bootstrapMean,
  bootstrapPercentile,
  bootstrapRatio,
  type Interval,
  wilson,
} from '../src/analyze/intervals.ts';
import { tango } from '../src/analyze/paired-proportions.ts';
import { below, type RandomU32 } from '../src/analyze/random.ts';
import { expandedTail, studentInterval } from '../src/analyze/student.ts';

export interface Case {
  readonly name: string;
  trial(random: RandomU32, seed: number): boolean;
}

/** Fewer than the 2,000 of a report: this costs a few tenths of a point of coverage. */
export const RESAMPLES = 1_000;

export const uniform = (random: RandomU32): number => (random() + 0.5) / 2 ** 32;

export function normal(random: RandomU32): number {
  return Math.sqrt(-2 * Math.log(uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
}

export type Draw = (random: RandomU32) => number;

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
export function series(random: RandomU32, n: number, rho: number): number[] {
  let state = normal(random);
  return Array.from({ length: n }, () => {
    const now = state;
    state = rho * state + Math.sqrt(1 - rho * rho) * normal(random);
    return now;
  });
}

export const many = (n: number, draw: () => number): number[] => Array.from({ length: n }, draw);
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
