/** Formulas over the probabilities of candidates, where all of them were scored. */

import type { FormulaParams } from './formula.ts';
import { type Derived, type Formula, missing, numberParam, ratioOfUnits } from './formula.ts';
import { candidatesOf, massOf, probabilitiesOf } from './label-probabilities.ts';
import type { Samples } from './samples.ts';

const NO_SCORES = 'an item has no finite scores of its candidates';

type PerItem = (item: Samples['items'][number]) => number | null;

function meanOverItems(
  samples: Samples,
  { params, unit }: { params: FormulaParams; unit: string },
  perItem: PerItem,
): Derived {
  const units: { id: number; total: number; tokens: number }[] = [];
  for (const item of samples.items) {
    const total = perItem(item);
    if (total === null) return missing(unit, NO_SCORES);
    units.push({ id: item.item, total, tokens: 1 });
  }
  units.sort((a, b) => a.id - b.id);
  return ratioOfUnits({ unit, unitOf: 'items', units, params });
}

const labelMass: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe:
    'mean over items of Σ p over the candidates: how much of what the model may write here is ' +
    'one of them; bootstrap over items',
  compute: (samples, params) => meanOverItems(samples, { params, unit: 'fraction' }, massOf),
};

const brier: Formula = {
  unit: 'score',
  reads: 'item',
  describe:
    'mean over items of Σp² − 2·p(right) + 1, p: softmax over the candidates (0 best, 2 worst); ' +
    'bootstrap over items',
  compute: (samples, params) =>
    meanOverItems(samples, { params, unit: 'score' }, (item) => {
      const p = probabilitiesOf(item);
      const right = candidatesOf(item, samples).indexOf(item.label);
      if (!p || right < 0) return null;
      return p.reduce((total, each) => total + each * each, 0) - 2 * (p[right] as number) + 1;
    }),
};

/** Guo et al. 2017, as for tokens: equal-width bins on the probability of the answer. */
const calibrationError: Formula = {
  unit: 'fraction',
  reads: 'item',
  describe:
    'Σ over bins of (items in bin / items) · |accuracy − mean confidence|; confidence: the ' +
    'largest probability of the softmax over the candidates',
  compute({ items }, params) {
    const bins = numberParam(params, 'bins');
    const gaps = new Float64Array(bins);
    for (const item of items) {
      const p = probabilitiesOf(item);
      if (!p) return missing('fraction', NO_SCORES);
      const confidence = p.reduce((a, b) => Math.max(a, b));
      const bin = Math.min(bins - 1, Math.floor(confidence * bins));
      gaps[bin]! += (item.correct ? 1 : 0) - confidence;
    }
    const n = items.length;
    if (n === 0) return missing('fraction', 'no items');
    const value = gaps.reduce((total, gap) => total + Math.abs(gap) / n, 0);
    const reason = 'ECE is biased upwards and not smooth: a bootstrap interval would mislead';
    return { value, unit: 'fraction', n, units: bins, unitOf: 'bins', ci95: null, reason };
  },
};

export const labelProbabilityFormulas: Record<string, Formula> = {
  'task.label-mass/1': labelMass,
  'task.brier/1': brier,
  'task.ece/1': calibrationError,
};
