/** Formulas over labelled items: how many are right, and how likely the right label was. */
import { mean } from './describe.ts';
import { exact, type Formula, missing, ratioOfUnits } from './formula.ts';
import { wilson } from './intervals.ts';
import { candidatesOf, firstLargest } from './label-probabilities.ts';

const accuracy: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe:
    'share of items whose label is what greedy decoding produces (every label token is the ' +
    'argmax); Wilson score interval over items',
  compute(samples) {
    const n = samples.items.length;
    if (n === 0) return missing('fraction', 'no items');
    const correct = samples.items.filter((item) => item.correct).length;
    const ci95 = wilson(correct, n);
    return { value: correct / n, unit: 'fraction', n, units: n, unitOf: 'items', ci95 };
  },
};

/** Mean of the per-class recalls: classes count alike, however many items they have. */
const macroAccuracy: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe: 'mean over labels of the share of that label’s items that are correct',
  compute(samples) {
    const classes = new Map<string, { correct: number; n: number }>();
    for (const item of samples.items) {
      const entry = classes.get(item.label) ?? { correct: 0, n: 0 };
      entry.n++;
      if (item.correct) entry.correct++;
      classes.set(item.label, entry);
    }
    if (classes.size === 0) return missing('fraction', 'no items');
    const recalls = [...classes.values()].map((c) => c.correct / c.n);
    return {
      value: mean(recalls),
      unit: 'fraction',
      n: samples.items.length,
      units: classes.size,
      unitOf: 'labels',
      ci95: null,
      reason: 'labels are not a sample: no interval over them',
    };
  },
};

const labelLoss: Formula = {
  unit: 'nats',
  reads: 'item',
  describe: 'mean over items of −ln p(label | prompt); bootstrap over items',
  compute(samples, params) {
    const bad = samples.items.filter((item) => item.logp === null).length;
    if (bad > 0) return missing('nats', `${bad} items are NaN or Inf`);
    const units = samples.items
      .map((item) => ({ id: item.item, total: -(item.logp as number), tokens: 1 }))
      .sort((a, b) => a.id - b.id);
    return ratioOfUnits({ unit: 'nats', unitOf: 'items', units, params });
  },
};

const items: Formula = {
  unit: 'items',
  reads: 'item',
  describe: 'number of scored items',
  compute: (samples) => exact('items', samples.items.length, samples.items.length, 'items'),
};

/** An item whose probabilities are not finite has no answer, so the share of answers has none. */
function whereAnswered(formula: Formula, describe: string): Formula {
  return {
    ...formula,
    describe,
    compute(samples, params) {
      const bad = samples.items.filter((item) => item.logp === null).length;
      if (bad > 0) return missing('fraction', `${bad} items are NaN or Inf`);
      return formula.compute(samples, params);
    },
  };
}

const accuracyByMethod = whereAnswered(
  accuracy,
  'share of items whose answer, by the method of the run (generation, likelihood or head), is ' +
    'the right one; Wilson score interval over items',
);

const macroAccuracyByMethod = whereAnswered(
  macroAccuracy,
  'mean over labels of the share of that label’s items that are answered right',
);

/** lm-evaluation-harness calls it acc_norm: len() of a choice in Python counts code points. */
const accuracyPerCharacter: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe:
    'share of items whose right candidate has the largest Σ ln p / characters (Unicode code ' +
    'points of the candidate alone; the first of a tie); Wilson score interval over items',
  compute(samples) {
    const n = samples.items.length;
    if (n === 0) return missing('fraction', 'no items');
    let right = 0;
    for (const item of samples.items) {
      const candidates = candidatesOf(item, samples);
      if (!item.scores || candidates.length !== item.scores.length) {
        return missing('fraction', 'an item has no scores of its candidates');
      }
      if (item.scores.includes(null)) return missing('fraction', 'a score is NaN or Inf');
      const normal = (item.scores as number[]).map((score, i) => score / lengthOf(candidates[i]!));
      if (candidates[firstLargest(normal)] === item.label) right++;
    }
    const ci95 = wilson(right, n);
    return { value: right / n, unit: 'fraction', n, units: n, unitOf: 'items', ci95 };
  },
};

function lengthOf(candidate: string): number {
  return [...candidate].length;
}

const ANSWERED =
  'share of items whose generated answer is one of the labels; Wilson score interval over items';

const answered: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe: ANSWERED,
  compute({ items }) {
    const n = items.length;
    if (n === 0) return missing('fraction', 'no items');
    const given = items.filter((item) => item.predicted != null).length;
    const ci95 = wilson(given, n);
    return { value: given / n, unit: 'fraction', n, units: n, unitOf: 'items', ci95 };
  },
};

export const taskFormulas: Record<string, Formula> = {
  'task.accuracy/1': accuracy,
  'task.accuracy/2': accuracyByMethod,
  'task.accuracy-per-character/1': accuracyPerCharacter,
  'task.answered/1': whereAnswered(answered, ANSWERED),
  'task.macro-accuracy/1': macroAccuracy,
  'task.macro-accuracy/2': macroAccuracyByMethod,
  'task.label-loss/1': labelLoss,
  'task.items/1': items,
};
