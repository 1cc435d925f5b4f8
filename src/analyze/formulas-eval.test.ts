import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WindowRow } from '../record/rows.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples, type Samples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200 };

function windowRow(changes: Partial<WindowRow> = {}): WindowRow {
  const row: WindowRow = {
    kind: 'window',
    batch: 0,
    document: 0,
    window: 0,
    scoreFrom: 1,
    logp: [-1, -2, -3],
    hit: '100',
    topLogp: [-1, -0.5, -0.25],
    sumSquares: [0.2, 0.4, 0.6],
  };
  return { ...row, ...changes };
}

function corpus(documents: number, changes: Partial<WindowRow> = {}): Samples {
  const rows = Array.from({ length: documents }, (_, document) =>
    windowRow({ document, logp: [-1 - document / 10, -2, -3], ...changes }),
  );
  return groupSamples(rows);
}

const compute = (formula: string, samples: Samples, params = {}) =>
  computeMetric({ formula, params: { ...PARAMS, ...params } }, samples);

const PER_TOKEN = ['eval.loss/1', 'eval.perplexity/1', 'eval.token-accuracy/1', 'eval.brier/1'];

describe('units', () => {
  test('ten documents are resampled as documents', () => {
    const loss = compute('eval.loss/1', corpus(10));
    expect(loss).toMatchObject({ n: 30, units: 10, unitOf: 'documents', unit: 'nats' });
    expect(loss.ci95).not.toBeNull();
    expect(loss.reason).toBeUndefined();
  });

  test('nine documents of one window each give no interval, and say why', () => {
    const loss = compute('eval.loss/1', corpus(9));
    expect(loss).toMatchObject({ units: 9, unitOf: 'windows', ci95: null });
    expect(loss.reason).toBe('9 windows: an interval needs 10');
    expect(loss.value).toBeGreaterThan(0);
  });

  test('one long document is resampled by its windows', () => {
    const rows = Array.from({ length: 12 }, (_, window) => windowRow({ window, logp: [-1, -2] }));
    expect(compute('eval.loss/1', groupSamples(rows))).toMatchObject({
      value: 1.5,
      units: 12,
      unitOf: 'windows',
      ci95: [1.5, 1.5],
    });
  });

  test('windows of different documents are different units', () => {
    const rows = [0, 1].flatMap((document) =>
      [0, 1, 2, 3, 4].map((window) => windowRow({ document, window })),
    );
    expect(compute('eval.loss/1', groupSamples(rows))).toMatchObject({ units: 10, n: 30 });
  });

  test('the order of rows does not matter: a resumed run gives the same bits', () => {
    const rows = Array.from({ length: 15 }, (_, document) =>
      windowRow({ document, logp: [-Math.sqrt(document + 1), -Math.PI] }),
    );
    const want = compute('eval.perplexity/1', groupSamples(rows));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 15 }), (shuffled) => {
        expect(compute('eval.perplexity/1', groupSamples(shuffled))).toEqual(want);
      }),
    );
  });
});

describe('what cannot be computed', () => {
  test.each(PER_TOKEN)('%s: one NaN token leaves no value, and the reason counts it', (formula) => {
    const samples = groupSamples([
      ...corpus(10).windows,
      windowRow({ document: 10, logp: [-1, null, null], sumSquares: [0.5, null, null] }),
    ]);
    expect(compute(formula, samples)).toMatchObject({
      value: null,
      ci95: null,
      n: 0,
      reason: '2 scored tokens are NaN or Inf',
    });
  });

  test('calibration: a token without a finite probability leaves no value', () => {
    const samples = corpus(10, { topLogp: [null, -1, -1] });
    expect(compute('eval.ece/1', samples, { bins: 10 }).value).toBeNull();
  });

  test.each([...PER_TOKEN, 'eval.ece/1'])('%s of nothing has a reason', (formula) => {
    const empty = compute(formula, groupSamples([]), { bins: 10 });
    expect(empty).toMatchObject({ value: null, reason: 'nothing was scored' });
  });

  test('a perplexity beyond all doubles is no number, and says what the loss was', () => {
    const loss = compute('eval.perplexity/1', corpus(10, { logp: [-800, -800, -800] }));
    expect(loss.value).toBeNull();
    expect(loss.ci95).toBeNull();
    expect(loss.reason).toBe('a loss of 800.0 nats: its exponential overflows');
  });

  test('an unknown formula and a missing parameter are refused', () => {
    expect(() => compute('eval.nonsense/1', corpus(1))).toThrow(RangeError);
    expect(() => computeMetric({ formula: 'eval.ece/1', params: {} }, corpus(1))).toThrow(
      'formula parameter bins must be a number',
    );
  });
});

describe('calibration error', () => {
  test('is 0 for confidence that keeps its word and 1 for certainty that is always wrong', () => {
    const right = { hit: '1', logp: [0], topLogp: [0], sumSquares: [1] };
    const wrong = { ...right, hit: '0', logp: [-20] };
    expect(compute('eval.ece/1', corpus(10, right), { bins: 20 }).value).toBe(0);
    expect(compute('eval.ece/1', corpus(10, wrong), { bins: 20 }).value).toBe(1);
  });

  test('a probability of 1 falls into the last bin, rounded above 1 too', () => {
    const certain = { hit: '1', logp: [0], topLogp: [1e-7], sumSquares: [1] };
    const metric = compute('eval.ece/1', corpus(3, certain), { bins: 20 });
    expect(metric).toMatchObject({ value: 0, n: 3, units: 20, unitOf: 'bins' });
    expect(metric.reason).toContain('biased');
  });
});

test('Brier: 0 for a certain hit, 2 for a certain miss', () => {
  const hit = { hit: '1', logp: [0], topLogp: [0], sumSquares: [1] };
  expect(compute('eval.brier/1', corpus(10, hit)).value).toBe(0);
  const miss = compute('eval.brier/1', corpus(10, { ...hit, hit: '0', logp: [-1000] }));
  expect(miss.value).toBe(2);
});

describe('loss by context', () => {
  const samples = groupSamples([
    windowRow({ window: 0, scoreFrom: 1, logp: [-1, -2, -3, -4] }),
    windowRow({ window: 1, scoreFrom: 3, logp: [-5, -6, -7] }),
  ]);

  test('buckets part the tokens by how much they saw', () => {
    const at = (from: number, to: number) =>
      compute('eval.loss-at-context/1', samples, { from, to });
    // Contexts: 1, 2, 3, 4 in the first window, 3, 4, 5 in the second.
    expect(at(1, 3)).toMatchObject({ value: 1.5, n: 2 });
    expect(at(3, 5)).toMatchObject({ value: (3 + 4 + 5 + 6) / 4, n: 4 });
    expect(at(5, 100)).toMatchObject({ value: 7, n: 1 });
    expect(at(6, 100)).toMatchObject({ value: null, reason: 'no token had this much context' });
  });

  test('buckets that cover everything sum to the loss', () => {
    const parts = [1, 2, 3, 4, 5].map((from) =>
      compute('eval.loss-at-context/1', samples, { from, to: from + 1 }),
    );
    const total = parts.reduce((sum, part) => sum + part.value! * part.n, 0);
    expect(total).toBeCloseTo(28, 12);
    expect(compute('eval.scored-tokens/1', samples).value).toBe(7);
  });
});
