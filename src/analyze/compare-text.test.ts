import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRuns } from './compare.ts';
import type { Comparison } from './comparison.ts';
import { groupSamples, type Samples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200, margin: 0.01 };

const texts = (all: readonly (readonly number[])[]): Samples =>
  groupSamples(
    all.map((ids, prompt) => ({ kind: 'generated', prompt, ids: [...ids], finish: 'length' })),
  );

const agreement = (a: readonly number[][], b: readonly number[][]): Comparison =>
  compareRuns('compare.agreement/1', { variant: texts(a), baseline: texts(b) }, PARAMS);
const identical = (a: readonly number[][], b: readonly number[][]): Comparison =>
  compareRuns('compare.identical-texts/1', { variant: texts(a), baseline: texts(b) }, PARAMS);

describe('agreement', () => {
  test('counts up to the first difference, and nothing behind it', () => {
    // Three the same and one other; the same again later counts for nothing.
    expect(agreement([[1, 2, 3, 9, 5, 6]], [[1, 2, 3, 4, 5, 6]])).toMatchObject({
      value: 3 / 4,
      n: 4,
      units: 1,
      unitOf: 'prompts',
    });
  });

  test('an end where the other goes on is a difference, an end of both is none', () => {
    expect(agreement([[1, 2]], [[1, 2, 3]])).toMatchObject({ value: 2 / 3, n: 3 });
    expect(agreement([[1, 2, 3]], [[1, 2]])).toMatchObject({ value: 2 / 3, n: 3 });
    expect(agreement([[1, 2]], [[1, 2]])).toMatchObject({ value: 1, n: 2 });
  });

  test('of texts that are all the same has no interval: it would have no width', () => {
    const same = Array.from({ length: 30 }, (_, i) => [i, i + 1]);
    expect(agreement(same, same)).toMatchObject({
      value: 1,
      ci95: null,
      reason: 'no text differs: resampling cannot tell how rare a difference is',
    });
    expect(identical(same, same).ci95![0]).toBeLessThan(0.9);
  });

  test('is the same from both sides, between 0 and 1, and 1 only for the same texts', () => {
    const text = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 });
    const pairs = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(pairs, (all) => {
        const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
        const there = agreement(a, b);
        expect(there).toEqual(agreement(b, a));
        expect(there.value).toBeGreaterThanOrEqual(0);
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(there.value === 1).toBe(same);
        const share = all.filter(([x, y]) => JSON.stringify(x) === JSON.stringify(y)).length;
        expect(identical(a, b).value).toBe(share / all.length);
      }),
    );
  });
});

describe('refused', () => {
  test('other prompts, and no text at all', () => {
    expect(agreement([[1], [2]], [[1]])).toMatchObject({
      verdict: 'refused',
      value: null,
      reason: 'the two runs did not continue the same prompts',
    });
    expect(agreement([], [[1]]).reason).toBe('a run recorded no text');
    expect(agreement([[]], [[]]).reason).toBe('no token was generated');
  });
});
