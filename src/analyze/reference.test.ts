import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import type { Manifest, Metric } from '../record/schema.ts';
import { computeMetric } from './formulas.ts';
import {
  describeReference,
  type NumberReference,
  type ResolvableRun,
  reductionOf,
  resolveNumber,
  samplesOf,
} from './reference.ts';

const PARAMS = { seed: 42, resamples: 100 };

function rowsOf(extra: number): SampleRow[] {
  const windows = Array.from({ length: 12 }, (_, document): SampleRow => {
    const logp = [-1 - document / 7 - extra, -2 - extra];
    const token = { logp, hit: '10', topLogp: [-0.5, -0.5], sumSquares: [0.5, 0.5] };
    return { kind: 'window', batch: 0, document, window: 0, scoreFrom: 1, ...token };
  });
  const tensor = { name: 'w', shape: [4, 8], scheme: 'int8-g128', group: 128, reason: null };
  return [{ kind: 'tensor', ...tensor, bytes: 100 - 50 * extra }, ...windows];
}

function runOf(runId: string, extra: number): ResolvableRun & { reads: number } {
  const rows = rowsOf(extra);
  const metric = (formula: string): Metric =>
    computeMetric({ formula, params: PARAMS }, { ...samplesOf(bare) });
  const facts = { config: {}, model: null, reason: null };
  const manifest = { runId, engine: { threads: 4 }, ...facts } as unknown as Manifest;
  const bare: ResolvableRun = { manifest, summary: null, rows: () => rows };
  const metrics = {
    perplexity: { ...metric('eval.perplexity/1'), value: 1e9 },
    storedWeightBytes: metric('run.stored-weights/1'),
  };
  const run = {
    manifest,
    summary: { schema: 'assay.summary/1' as const, runId, metrics },
    reads: 0,
  };
  return {
    ...run,
    rows() {
      this.reads++;
      return rows;
    },
  };
}

const runs = { a: runOf('a', 0), b: runOf('b', 0.5) };
const lookup = (id: string) => runs[id as 'a' | 'b'] as ResolvableRun | undefined;
const resolve = (reference: NumberReference) => resolveNumber(reference, lookup);

describe('resolving a number', () => {
  test('a metric is computed from rows, whatever the summary says', () => {
    const at = { from: 'metric', run: 'a', metric: 'perplexity' } as const;
    const want = computeMetric({ formula: 'eval.perplexity/1', params: PARAMS }, samplesOf(runs.a));
    expect(resolve({ ...at, part: 'value' })).toBe(want.value);
    expect(resolve({ ...at, part: 'n' })).toBe(24);
    expect(resolve({ ...at, part: 'units' })).toBe(12);
    expect(resolve({ ...at, part: 'ci95.0' })).toBe(want.ci95![0]);
    expect(resolve({ ...at, part: 'ci95.1' })).toBe(want.ci95![1]);
  });

  test('rows are read once, however many numbers stand on them', () => {
    const run = runOf('c', 0);
    const only = (reference: NumberReference) => resolveNumber(reference, () => run);
    for (const part of ['value', 'n', 'ci95.0'] as const) {
      only({ from: 'metric', run: 'c', metric: 'perplexity', part });
      only({ from: 'coverage', run: 'c', scheme: 'int8-g128', part: 'tensors' });
    }
    expect(run.reads).toBe(1);
  });

  test('a comparison, a reduction, a coverage, a field of the manifest', () => {
    const params = { ...PARAMS, margin: 0.01 };
    const formula = 'compare.perplexity-ratio/2';
    const compared = { from: 'comparison', formula, run: 'b', baseline: 'a', params } as const;
    expect(resolve({ ...compared, part: 'value' })).toBeCloseTo(Math.exp(0.5), 12);
    expect(resolve({ ...compared, part: 'units' })).toBe(12);
    const metric = 'storedWeightBytes';
    expect(resolve({ from: 'reduction', run: 'b', baseline: 'a', metric })).toBe(0.25);
    expect(resolve({ from: 'ratio', run: 'b', baseline: 'a', metric })).toBe(0.75);
    const coverage = { from: 'coverage', run: 'a', scheme: 'int8-g128' } as const;
    expect(resolve({ ...coverage, part: 'parameterShare' })).toBe(1);
    expect(resolve({ from: 'manifest', run: 'a', path: 'engine.threads' })).toBe(4);
  });

  test('a p, and what is left of it among the other tests of its document', () => {
    const params = { ...PARAMS, margin: 0.01 };
    const id = { formula: 'compare.perplexity-ratio/2', run: 'b', baseline: 'a', params };
    const raw: NumberReference = { from: 'comparison', ...id, part: 'p' };
    // Twelve documents that all lose the same: only all signs together reach as far.
    expect(resolve(raw)).toBe(2 / 2 ** 12);
    const adjusted: NumberReference = { ...raw, part: 'pHolm' };
    const other = { ...id, run: 'a', baseline: 'b' };
    expect(resolveNumber(adjusted, lookup, [id])).toBe(2 / 2 ** 12);
    expect(resolveNumber(adjusted, lookup, [id, other])).toBe(4 / 2 ** 12);
    // Outside a family, and in one that is no longer whole, there is none.
    expect(resolveNumber(adjusted, lookup)).toBeNull();
    expect(resolveNumber(adjusted, lookup, [id, { ...other, run: 'x' }])).toBeNull();
  });

  test('a reduction of what has another unit is none', () => {
    const metric = computeMetric({ formula: 'eval.loss/2', params: PARAMS }, samplesOf(runs.a));
    expect(reductionOf(metric, metric)).toBe(0);
    expect(reductionOf(metric, { ...metric, unit: 'bits' })).toBeNull();
    expect(reductionOf(metric, { ...metric, value: 0 })).toBeNull();
  });

  test('what is not there is null: run, baseline, metric, field', () => {
    const gone: NumberReference[] = [
      { from: 'metric', run: 'x', metric: 'perplexity', part: 'value' },
      { from: 'metric', run: 'a', metric: 'nothing', part: 'value' },
      { from: 'metric', run: 'a', metric: 'storedWeightBytes', part: 'ci95.0' },
      { from: 'manifest', run: 'a', path: 'engine.nothing.deeper' },
      { from: 'manifest', run: 'a', path: 'reason.deeper' },
      { from: 'manifest', run: 'a', path: 'runId' },
      { from: 'reduction', run: 'a', baseline: 'x', metric: 'storedWeightBytes' },
      {
        from: 'comparison',
        formula: 'compare.perplexity-ratio/2',
        run: 'a',
        baseline: 'x',
        params: { ...PARAMS, margin: 0.01 },
        part: 'value',
      },
    ];
    for (const reference of gone) expect(resolve(reference)).toBeNull();
  });
});

test('every kind of origin is told in words that name its runs', () => {
  const params = { ...PARAMS, margin: 0.01 };
  const all: NumberReference[] = [
    { from: 'metric', run: 'a', metric: 'loss', part: 'ci95.0' },
    { from: 'manifest', run: 'a', path: 'engine.threads' },
    { from: 'coverage', run: 'a', scheme: 'bf16', part: 'tensors' },
    { from: 'reduction', run: 'a', baseline: 'b', metric: 'storedWeightBytes' },
    { from: 'comparison', formula: 'f', run: 'a', baseline: 'b', params, part: 'value' },
  ];
  for (const reference of all) expect(describeReference(reference)).toMatch(/run a\b/);
});
