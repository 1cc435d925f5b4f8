import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemRow } from '../record/rows.ts';
import { classesOf, confusionOf, topConfusions } from './confusion.ts';
import { computeMetric } from './formulas.ts';
import { wilson } from './intervals.ts';
import { groupSamples } from './samples.ts';

const item = (index: number, label: string, predicted: string | null): ItemRow => ({
  ...{ kind: 'item', batch: 0, item: index, label, predicted },
  ...{ correct: label === predicted, logp: -1, tokens: 1 },
});

const itemsOf = (pairs: readonly (readonly [string, string | null])[]): ItemRow[] =>
  pairs.map(([label, predicted], index) => item(index, label, predicted));

const compute = (items: ItemRow[], formula: string, params: Record<string, string> = {}) =>
  computeMetric({ formula: `task.${formula}/1`, params }, groupSamples(items));

/** cat: 2 of 3 found, 2 of 3 answers right; dog: 1 of 2 and 1 of 2; bird: 0 of 1, never said. */
const ANIMALS = itemsOf([
  ...[['cat', 'cat'] as const, ['cat', 'cat'] as const, ['cat', 'dog'] as const],
  ...[['dog', 'dog'] as const, ['dog', 'cat'] as const],
  ...[['bird', null] as const],
]);

describe('of one label', () => {
  test('recall, precision and F1, with Wilson where items are independent', () => {
    expect(compute(ANIMALS, 'recall', { label: 'cat' })).toMatchObject({
      ...{ value: 2 / 3, n: 3, ci95: wilson(2, 3), unitOf: 'items' },
    });
    expect(compute(ANIMALS, 'precision', { label: 'cat' })).toMatchObject({ value: 2 / 3, n: 3 });
    expect(compute(ANIMALS, 'precision', { label: 'dog' })).toMatchObject({ value: 1 / 2, n: 2 });
    expect(compute(ANIMALS, 'f1', { label: 'dog' })).toMatchObject({ value: 0.5, ci95: null });
  });

  test('a label that was never answered has no precision, and an F1 of 0', () => {
    const precision = compute(ANIMALS, 'precision', { label: 'bird' });
    expect(precision).toMatchObject({ value: null, reason: 'this label was never the answer' });
    expect(compute(ANIMALS, 'f1', { label: 'bird' }).value).toBe(0);
    expect(compute(ANIMALS, 'recall', { label: 'bird' }).value).toBe(0);
  });

  test('the mean of F1 counts the labels that items have', () => {
    const wrong = [...ANIMALS, item(6, 'cat', 'fish')];
    const cat = (2 * 2) / (4 + 3);
    expect(compute(wrong, 'macro-f1').value).toBeCloseTo((cat + 0.5 + 0) / 3, 15);
    expect(compute(wrong, 'macro-f1')).toMatchObject({ n: 7, units: 3, unitOf: 'labels' });
  });
});

describe('confusions', () => {
  test('every pair that occurs, and the wrong ones by how often', () => {
    expect(confusionOf(ANIMALS)).toEqual([
      { label: 'bird', predicted: null, items: 1 },
      { label: 'cat', predicted: 'cat', items: 2 },
      { label: 'cat', predicted: 'dog', items: 1 },
      { label: 'dog', predicted: 'cat', items: 1 },
      { label: 'dog', predicted: 'dog', items: 1 },
    ]);
    const often = itemsOf([
      ['a', 'b'],
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'c'],
    ]);
    expect(topConfusions(often, 1)).toEqual([{ label: 'a', predicted: 'b', items: 2 }]);
  });

  test('one cell as a metric: of how many items it is', () => {
    const cell = compute(ANIMALS, 'confusion', { label: 'cat', predicted: 'dog' });
    expect(cell).toMatchObject({ value: 1, n: 3, unit: 'items' });
    expect(compute(ANIMALS, 'confusion', { label: 'bird' })).toMatchObject({ value: 1, n: 1 });
  });

  test('cells of a label sum to its items, whatever was answered', () => {
    const label = fc.constantFrom('a', 'b', 'c', '__proto__');
    const pairs = fc.array(fc.tuple(label, fc.option(label)), { minLength: 1 });
    fc.assert(
      fc.property(pairs, (drawn) => {
        const items = itemsOf(drawn);
        const cells = confusionOf(items);
        expect(cells.reduce((n, cell) => n + cell.items, 0)).toBe(items.length);
        for (const each of classesOf(items)) {
          const support = items.filter((row) => row.label === each).length;
          const own = cells.filter((cell) => cell.label === each);
          expect(own.reduce((n, cell) => n + cell.items, 0)).toBe(support);
          expect(compute(items, 'recall', { label: each }).n).toBe(support);
        }
      }),
    );
  });

  test('rows that do not say what was answered have none, and items with choices neither', () => {
    const old = ANIMALS.map(({ predicted: _, ...row }) => row);
    expect(confusionOf(old)).toEqual([]);
    expect(compute(old, 'macro-f1')).toMatchObject({ value: null });
    expect(compute(old, 'recall', { label: 'cat' })).toMatchObject({ value: null });
    expect(confusionOf([{ ...ANIMALS[0]!, choices: ['cat', 'dog'] }])).toEqual([]);
  });
});
