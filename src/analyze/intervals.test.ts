import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quantile } from './describe.ts';
import {
  blockLength,
  bootstrapMean,
  bootstrapPercentile,
  bootstrapRatio,
  tooFew,
  wilson,
} from './intervals.ts';
import { below, sfc32 } from './random.ts';

describe('Wilson', () => {
  test('stays inside [0, 1], holds the proportion, mirrors', () => {
    const counts = fc
      .integer({ min: 1, max: 100_000 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([successes, n]) => {
        const [low, high] = wilson(successes, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(successes / n);
        expect(high).toBeGreaterThanOrEqual(successes / n);
        const [mirrored] = wilson(n - successes, n);
        expect(mirrored).toBeCloseTo(1 - high, 12);
      }),
    );
  });

  test('does not collapse where all or none succeeded', () => {
    expect(wilson(0, 10)[1]).toBeGreaterThan(0.25);
    expect(wilson(10, 10)[0]).toBeLessThan(0.75);
  });
});

describe('bootstrap', () => {
  const units = { numerators: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], resamples: 500 };
  const denominators = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2];

  test('one seed gives one interval, bit for bit; another seed another', () => {
    const draw = (seed: number) => bootstrapRatio({ ...units, denominators, seed });
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
  });

  test('units that all agree leave no width', () => {
    const numerators = denominators.map((n) => 2 * n);
    const [low, high] = bootstrapRatio({ numerators, denominators, resamples: 99, seed: 1 });
    expect([low, high]).toEqual([2, 2]);
  });

  test('scales and shifts with the numerators', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.nat(), (shift, seed) => {
        const base = bootstrapRatio({ ...units, denominators, seed });
        const moved = units.numerators.map((x, i) => x + shift * denominators[i]!);
        const other = bootstrapRatio({ ...units, numerators: moved, denominators, seed });
        expect(other[0]).toBeCloseTo(base[0] + shift, 9);
        expect(other[1]).toBeCloseTo(base[1] + shift, 9);
      }),
    );
  });
});

describe('fast paths', () => {
  const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
    minLength: 1,
    maxLength: 30,
  });

  /** One draw after another, as the statistic is written on paper. */
  function plain(all: readonly number[], { seed, block = 1 }: { seed: number; block?: number }) {
    const random = sfc32(seed);
    const means = Array.from({ length: 50 }, () => {
      const starts = Array.from({ length: Math.ceil(all.length / block) }, () =>
        below(random, all.length),
      );
      const drawn = starts.flatMap((start) => Array.from({ length: block }, (_, i) => start + i));
      return drawn.slice(0, all.length).reduce((a, i) => a + all[i % all.length]!, 0) / all.length;
    }).sort((a, b) => a - b);
    return [quantile(means, 0.025), quantile(means, 0.975)];
  }

  test('a mean has the bits of a ratio of sums to ones, and of drawing one by one', () => {
    fc.assert(
      fc.property(values, fc.nat(), (all, seed) => {
        const denominators = all.map(() => 1);
        const mean = bootstrapMean(all, { resamples: 50, seed });
        expect(mean).toEqual(
          bootstrapRatio({ numerators: all, denominators, resamples: 50, seed }),
        );
        expect(mean).toEqual(plain(all, { seed }));
      }),
    );
  });

  test('blocks are runs of neighbours, the last followed by the first', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.integer({ min: 1, max: 5 }), (all, seed, block) => {
        const got = bootstrapMean(all, { resamples: 50, seed, block });
        expect(got).toEqual(plain(all, { seed, block }));
      }),
    );
  });

  test('a percentile of independent values is that of sorted resamples', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (all, seed, q) => {
        const sorted = all.toSorted((a, b) => a - b);
        const random = sfc32(seed);
        const want = Array.from({ length: 50 }, () => {
          const drawn = sorted.map(() => sorted[below(random, sorted.length)]!);
          return quantile(
            drawn.sort((a, b) => a - b),
            q,
          );
        }).sort((a, b) => a - b);
        const got = bootstrapPercentile(all, { q, resamples: 50, seed, tail: 0.025 });
        expect(got[0]).toBeCloseTo(quantile(want, 0.025), 6);
        expect(got[1]).toBeCloseTo(quantile(want, 0.975), 6);
      }),
    );
  });
});

test('one of a kind is counted as one', () => {
  const words = ['documents', 'processes', 'batches'].map((unitOf) => tooFew(1, unitOf));
  const counted = ['1 document', '1 process', '1 batch'];
  expect(words).toEqual(counted.map((count) => `${count}: an interval needs 10`));
  expect(tooFew(9, 'rounds')).toBe('9 rounds: an interval needs 10');
});

test('blocks grow with the cube root of the units', () => {
  expect([10, 27, 30, 1_000].map(blockLength)).toEqual([3, 3, 4, 10]);
});

test('indices reach both ends and nothing beyond, about equally often', () => {
  const random = sfc32(7);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    counts[below(random, 10)]!++;
  }
  // An index that is no whole number, or outside, would be a key of its own.
  expect(Object.keys(counts)).toHaveLength(10);
  // Binomial with p = 0.1: the standard deviation is 95.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

/** A normal variate by Box and Muller. */
function normal(random: () => number): number {
  const uniform = (): number => (random() + 0.5) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const TRUE_LOSS = 3;

/** Documents of unequal length whose tokens share what makes their document hard. */
function simulatedCorpus(random: () => number): { losses: number[][] } {
  const losses = Array.from({ length: 40 }, () => {
    const hardness = TRUE_LOSS + 0.5 * normal(random);
    return Array.from({ length: 20 + below(random, 60) }, () => hardness + normal(random));
  });
  return { losses };
}

test('the 95 % interval over documents holds the truth about as often as it says', () => {
  const corpora = 400;
  const random = sfc32(20261120);
  const held = { documents: 0, tokens: 0 };
  const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const holds = ([low, high]: [number, number]): number =>
    Number(low <= TRUE_LOSS && TRUE_LOSS <= high);
  for (let seed = 0; seed < corpora; seed++) {
    const { losses } = simulatedCorpus(random);
    const drawn = { resamples: 200, seed };
    const numerators = losses.map(total);
    const denominators = losses.map((tokens) => tokens.length);
    held.documents += holds(bootstrapRatio({ numerators, denominators, ...drawn }));
    const tokens = losses.flat();
    const ones = tokens.map(() => 1);
    // What tokens as units would claim; a tenth of the corpora is enough to see it.
    if (seed % 10 === 0) {
      const naive = { numerators: tokens, denominators: ones, resamples: 100, seed };
      held.tokens += holds(bootstrapRatio(naive));
    }
  }
  const [documents, tokens] = [held.documents / corpora, held.tokens / (corpora / 10)];
  console.log(
    `95 % interval holds the truth: ${(100 * documents).toFixed(1)} % of ${corpora} corpora with ` +
      `documents as units, ${(100 * tokens).toFixed(0)} % of ${corpora / 10} with tokens as units`,
  );
  // A percentile bootstrap over 40 units is known to be a little narrow; three standard errors of
  // 400 trials are 3.3 points.
  expect(documents).toBeGreaterThan(0.89);
  expect(documents).toBeLessThan(0.985);
  expect(tokens).toBeLessThan(documents);
});
