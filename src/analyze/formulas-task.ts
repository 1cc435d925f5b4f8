/** Formulas over labelled items. */
import { mean } from './describe.ts';
import { exact, type Formula, missing, ratioOfUnits } from './formula.ts';
import { wilson } from './intervals.ts';

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

export const taskFormulas: Record<string, Formula> = {
  'task.accuracy/1': accuracy,
  'task.macro-accuracy/1': macroAccuracy,
  'task.label-loss/1': labelLoss,
  'task.items/1': items,
};
