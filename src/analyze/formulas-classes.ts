/** Formulas over the labels of a set: each by itself, and which was taken for which. */
import { type ClassCounts, classCounts, classesOf, confusionOf } from './confusion.ts';
import { mean } from './describe.ts';
import { type Derived, exact, type Formula, type FormulaParams, missing } from './formula.ts';
import { wilson } from './intervals.ts';
import type { Samples } from './samples.ts';

const UNKNOWN = 'not every item has an answer to one and the same set of labels';

function textParam(params: FormulaParams, name: string): string {
  const value = params[name];
  if (typeof value !== 'string') throw new TypeError(`formula parameter ${name} must be a text`);
  return value;
}

/** null where no item has this label, or answers are not known. */
function countsOf({ items }: Samples, params: FormulaParams): ClassCounts | null {
  const counts = classCounts(items).get(textParam(params, 'label'));
  return counts && counts.support > 0 ? counts : null;
}

function share(right: number, of: number): Derived {
  const ci95 = wilson(right, of);
  return { value: right / of, unit: 'fraction', n: of, units: of, unitOf: 'items', ci95 };
}

const recall: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe: 'share of the items with this label that were given it; Wilson score interval',
  compute(samples, params) {
    const counts = countsOf(samples, params);
    return counts ? share(counts.right, counts.support) : missing('fraction', UNKNOWN);
  },
};

const precision: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe:
    'share of the items that were given this label whose right one it is; Wilson score interval ' +
    'given how often it was answered',
  compute(samples, params) {
    const counts = countsOf(samples, params);
    if (!counts) return missing('fraction', UNKNOWN);
    if (counts.predicted === 0) return missing('fraction', 'this label was never the answer');
    return share(counts.right, counts.predicted);
  },
};

/** 2·TP / (2·TP + FP + FN): of a label that some item has, never 0 / 0. */
function f1Of({ right, support, predicted }: ClassCounts): number {
  return (2 * right) / (support + predicted);
}

const f1: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe: 'harmonic mean of precision and recall of this label: 2·TP / (2·TP + FP + FN)',
  compute(samples, params) {
    const counts = countsOf(samples, params);
    if (!counts) return missing('fraction', UNKNOWN);
    const n = counts.support + counts.predicted - counts.right;
    const reason = 'no proportion of independent items: see precision and recall';
    const base = { unit: 'fraction', n, units: n, unitOf: 'items', ci95: null, reason };
    return { ...base, value: f1Of(counts) };
  },
};

const macroF1: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe: 'mean of the F1 of all labels that an item has',
  compute({ items }) {
    const classes = classesOf(items);
    if (classes.length === 0) return missing('fraction', UNKNOWN);
    const counts = classCounts(items);
    const value = mean(classes.map((label) => f1Of(counts.get(label) as ClassCounts)));
    const reason = 'labels are not a sample: no interval over them';
    const base = { unit: 'fraction', n: items.length, units: classes.length, unitOf: 'labels' };
    return { ...base, value, ci95: null, reason };
  },
};

/** Without `predicted`: those whose answer was none of the labels. */
const confusion: Formula = {
  unit: 'items',
  reads: 'item',
  describe: 'number of items with the label `label` whose answer was `predicted`',
  compute({ items }, params) {
    const label = textParam(params, 'label');
    const predicted = params.predicted === undefined ? null : textParam(params, 'predicted');
    const row = confusionOf(items).filter((cell) => cell.label === label);
    const found = row.find((cell) => cell.predicted === predicted)?.items ?? 0;
    const support = row.reduce((total, cell) => total + cell.items, 0);
    return exact('items', found, support, 'items');
  },
};

export const classFormulas: Record<string, Formula> = {
  'task.recall/1': recall,
  'task.precision/1': precision,
  'task.f1/1': f1,
  'task.macro-f1/1': macroF1,
  'task.confusion/1': confusion,
};
