import { expect, test } from 'vitest';
import type { ItemRow } from '../record/rows.ts';
import { computeMetric } from './formulas.ts';
import { wilson } from './intervals.ts';
import { groupSamples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200 };

function itemRow(item: number, changes: Partial<ItemRow> = {}): ItemRow {
  const row = { kind: 'item', batch: 0, item, label: 'yes', correct: true, logp: -1, tokens: 1 };
  return { ...(row as ItemRow), ...changes };
}

const compute = (formula: string, items: ItemRow[]) =>
  computeMetric({ formula, params: PARAMS }, groupSamples(items));

test('accuracy is the share of correct items with Wilson’s interval, however few they are', () => {
  const items = [0, 1, 2, 3].map((item) => itemRow(item, { correct: item > 0 }));
  expect(compute('task.accuracy/1', items)).toMatchObject({
    value: 0.75,
    ci95: wilson(3, 4),
    n: 4,
    units: 4,
    unitOf: 'items',
  });
});

test('mean over labels: a rare label counts as much as a frequent one', () => {
  const frequent = [0, 1, 2, 3, 4, 5, 6, 7].map((item) => itemRow(item));
  const rare = itemRow(8, { label: 'no', correct: false });
  const metric = compute('task.macro-accuracy/1', [...frequent, rare]);
  expect(metric).toMatchObject({ value: 0.5, n: 9, units: 2, unitOf: 'labels', ci95: null });
  expect(metric.reason).toContain('not a sample');
});

test('loss of the label: from ten items on there is an interval', () => {
  const items = Array.from({ length: 10 }, (_, item) => itemRow(item, { logp: -item }));
  const metric = compute('task.label-loss/1', items);
  expect(metric).toMatchObject({ value: 4.5, n: 10, units: 10 });
  expect(metric.ci95![0]).toBeLessThan(4.5);
  expect(metric.ci95![1]).toBeGreaterThan(4.5);
  expect(compute('task.label-loss/1', items.slice(1))).toMatchObject({
    value: 5,
    ci95: null,
    reason: '9 items: an interval needs 10',
  });
});

test('an item without a finite probability is not correct, and spoils the mean loss', () => {
  const items = [itemRow(0), itemRow(1, { logp: null, correct: false })];
  expect(compute('task.accuracy/1', items).value).toBe(0.5);
  expect(compute('task.label-loss/1', items)).toMatchObject({
    value: null,
    reason: '1 items are NaN or Inf',
  });
});

test('no items: no value, and a reason', () => {
  for (const formula of ['task.accuracy/1', 'task.macro-accuracy/1']) {
    expect(compute(formula, [])).toMatchObject({ value: null, reason: 'no items' });
  }
  expect(compute('task.items/1', []).value).toBe(0);
});
