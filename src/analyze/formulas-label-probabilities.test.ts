import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemRow, SampleRow } from '../record/rows.ts';
import { computeMetric } from './formulas.ts';
import { massOf, probabilitiesOf } from './label-probabilities.ts';
import { groupSamples } from './samples.ts';

const LABELS: SampleRow = {
  ...{ kind: 'label-set', part: 0, method: 'likelihood', labels: ['no', 'yes', 'sometimes'] },
};

function item(scores: (number | null)[], changes: Partial<ItemRow> = {}): ItemRow {
  const row = { kind: 'item', batch: 0, item: 0, label: 'yes', correct: true, logp: -1 } as const;
  return { ...row, tokens: 1, predicted: 'yes', scores, ...changes };
}

const PARAMS = { seed: 1, resamples: 100, bins: 10 };
const compute = (formula: string, ...items: ItemRow[]) =>
  computeMetric({ formula: `task.${formula}/1`, params: PARAMS }, groupSamples([LABELS, ...items]));

const logs = (...p: number[]) => p.map(Math.log);

describe('probabilities of candidates', () => {
  test('are those given that the answer is one of them; their mass is of all texts', () => {
    const row = item(logs(0.1, 0.3, 0.1));
    const [no, yes, sometimes] = probabilitiesOf(row)!;
    expect([no, yes, sometimes].map((p) => p!.toFixed(12))).toEqual(
      [0.2, 0.6, 0.2].map((p) => p.toFixed(12)),
    );
    expect(massOf(row)).toBeCloseTo(0.5, 15);
    expect(compute('label-mass', row).value).toBeCloseTo(0.5, 15);
  });

  test('sum to 1 whatever the scores', () => {
    const score = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(score, { minLength: 1 }), (scores) => {
        const total = probabilitiesOf(item(scores))!.reduce((a, b) => a + b, 0);
        expect(Math.abs(total - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  test('are none where a score is not finite', () => {
    expect(probabilitiesOf(item([-1, null, -2]))).toBeNull();
    for (const formula of ['ece', 'brier', 'label-mass', 'accuracy-per-character']) {
      expect(compute(formula, item([-1, null, -2]))).toMatchObject({ value: null });
    }
  });
});

test('Brier score: 0.04 + 0.36 + 0.04 − 2·0.6 + 1 for p = 0.2, 0.6, 0.2', () => {
  expect(compute('brier', item(logs(0.2, 0.6, 0.2))).value).toBeCloseTo(0.24, 12);
});

test('calibration: the gap between how sure and how often right, by bin', () => {
  const sure = item(logs(0.05, 0.9, 0.05));
  const metric = compute('ece', sure, { ...sure, correct: false });
  expect(metric.value).toBeCloseTo(Math.abs(1 - 2 * 0.9) / 2, 12);
  expect(metric.ci95).toBeNull();
});

/** acc and acc_norm of lm-evaluation-harness: argmax of ll, and of ll / len(choice). */
test('a long candidate may win by the log-likelihood of a character', () => {
  const row = item([-2, -4, -4.5], { label: 'sometimes', predicted: 'no', correct: false });
  // −2 / 2, −4 / 3, −4.5 / 9
  expect(compute('accuracy-per-character', row).value).toBe(1);
  const own = { ...row, choices: ['é', '𝄞𝄞'], scores: [-1, -1.5], label: '𝄞𝄞' };
  // Code points, not UTF-16 units or bytes: −1 / 1, −1.5 / 2
  expect(compute('accuracy-per-character', own).value).toBe(1);
});
