/** Tests and intervals against SciPy and statsmodels: values by scripts/reference-values.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { holm } from '../../src/analyze/family.ts';
import { bootstrapMean, bootstrapPercentile, bootstrapRatio } from '../../src/analyze/intervals.ts';
import { mcnemar, tango } from '../../src/analyze/paired-proportions.ts';
import { permuteGroups, signFlip } from '../../src/analyze/permutation.ts';
import { expandedTail } from '../../src/analyze/student.ts';

type Pair = [number, number];
interface Counts {
  gained: number;
  lost: number;
}
interface Groups {
  a: number[];
  b: number[];
  p: number;
}
interface Reference {
  resamples: number;
  inference: {
    mcnemar: (Counts & { exact: number; midP: number })[];
    tango: (Counts & { n: number; ci95: Pair })[];
    permutation: {
      permutations: number;
      paired: { differences: number[]; p: number }[];
      drawn: { differences: number[]; p: number };
      groups: Groups;
      drawnGroups: Groups;
    };
    holm: { p: number[]; adjusted: number[] }[];
    intervals: Record<'mean' | 'median' | 'p90', Pair> & {
      values: number[];
      blocks: { block: number; numerators: number[]; denominators: number[]; ci95: Pair };
    };
  };
}

const { inference, resamples }: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, 'analyze.json'), 'utf8'),
);
const SEED = 42;
const TOLERANCE = 1e-9;
let largest = 0;

/** Relative, also of a p far below 1. */
function agree(got: number | null | undefined, want: number): void {
  const off = Math.abs((got ?? Number.NaN) - want) / Math.abs(want || 1);
  largest = Math.max(largest, off);
  expect(off, `${got} instead of ${want}`).toBeLessThanOrEqual(TOLERANCE);
}

function agreeOn(got: readonly number[], want: readonly number[]): void {
  expect(got).toHaveLength(want.length);
  for (const [i, end] of want.entries()) agree(got[i], end);
}

afterAll(() => {
  console.log(`largest relative difference from the reference: ${largest.toExponential(1)}`);
});

test('McNemar: the exact p is that of statsmodels, the mid-p that of SciPy’s binomial', () => {
  for (const { gained, lost, exact, midP } of inference.mcnemar) {
    const got = mcnemar({ gained, lost });
    agree(got.exact, exact);
    agree(got.midP, midP);
  }
});

test('Tango’s interval is where the numerically maximised likelihood has its scores', () => {
  for (const { ci95, ...counts } of inference.tango) agreeOn(tango(counts), ci95);
});

describe('permutation', () => {
  const { permutations, paired, drawn, groups, drawnGroups } = inference.permutation;
  const draws = { permutations, seed: SEED };

  test('all signs, and all splits into two groups, as SciPy counts them', () => {
    for (const { differences, p } of paired) {
      const got = signFlip(differences, draws);
      agree(got.p, p);
      expect(got.exact).toBe(true);
    }
    const split = permuteGroups(groups.a, groups.b, draws);
    agree(split.p, groups.p);
    expect(split.exact).toBe(true);
  });

  test('drawn arrangements are those of a second implementation', () => {
    expect(signFlip(drawn.differences, draws)).toEqual({ p: drawn.p, exact: false });
    const { a, b, p } = drawnGroups;
    expect(permuteGroups(a, b, draws)).toEqual({ p, exact: false });
  });
});

test('Holm’s adjusted p are those of statsmodels', () => {
  for (const { p, adjusted } of inference.holm) agreeOn(holm(p) as number[], adjusted);
});

describe('bootstrap of the same resamples', () => {
  const { values, mean, median, p90, blocks } = inference.intervals;
  const drawn = { resamples, seed: SEED, tail: 0.025 };

  test('means, medians, percentiles of independent values', () => {
    agreeOn(bootstrapMean(values, drawn), mean);
    agreeOn(bootstrapPercentile(values, { ...drawn, q: 0.5 }), median);
    agreeOn(bootstrapPercentile(values, { ...drawn, q: 0.9 }), p90);
  });

  test('a ratio of sums by circular blocks', () => {
    const { block, numerators, denominators, ci95 } = blocks;
    const tail = expandedTail(Math.ceil(numerators.length / block));
    agreeOn(bootstrapRatio({ ...drawn, numerators, denominators, block, tail }), ci95);
  });
});
