import { describe, expect, test } from 'vitest';
import type { BatchRow, SampleRow } from '../record/rows.ts';
import { coverageOf } from './coverage.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200 };

const compute = (formula: string, rows: SampleRow[]) =>
  computeMetric({ formula, params: PARAMS }, groupSamples(rows));

function batchRow(batch: number, changes: Partial<BatchRow> = {}): BatchRow {
  const row: BatchRow = {
    kind: 'batch',
    batch,
    rows: 1,
    tokens: 100,
    scored: 99,
    ms: 50,
    warmup: false,
  };
  return { ...row, ...changes };
}

describe('tokens per second', () => {
  test('leaves out the first batch of each process', () => {
    const rows = [
      batchRow(0, { warmup: true, ms: 9_000 }),
      batchRow(1),
      batchRow(2, { warmup: true, ms: 9_000 }),
      batchRow(3, { tokens: 300 }),
    ];
    expect(compute('run.tokens-per-second/1', rows)).toMatchObject({
      value: 4_000,
      unit: 'tokens/s',
      n: 400,
      units: 2,
      unitOf: 'batches',
      ci95: null,
      reason: '2 batches: an interval needs 10',
    });
  });

  test('counts the warm-up when there is nothing else', () => {
    const metric = compute('run.tokens-per-second/1', [batchRow(0, { warmup: true })]);
    expect(metric).toMatchObject({ value: 2_000, units: 1, ci95: null });
  });

  test('has an interval from ten timed batches on', () => {
    const rows = Array.from({ length: 11 }, (_, batch) =>
      batchRow(batch, { warmup: batch === 0, ms: 40 + 2 * batch }),
    );
    const { value, ci95, units } = compute('run.tokens-per-second/1', rows);
    expect(units).toBe(10);
    expect(ci95![0]).toBeLessThan(value!);
    expect(ci95![1]).toBeGreaterThan(value!);
  });
});

test('load time and resident weights are those of the last process, the peak is the largest', () => {
  const rows: SampleRow[] = [
    { kind: 'load', part: 0, loadMs: 900 },
    { kind: 'memory', part: 0, peakRssBytes: 700, weightBytes: 300 },
    { kind: 'load', part: 1, loadMs: 400 },
    { kind: 'memory', part: 1, peakRssBytes: 600, weightBytes: 310 },
  ];
  expect(compute('run.load-seconds/1', rows).value).toBe(0.4);
  expect(compute('run.peak-memory/1', rows)).toMatchObject({ value: 700, n: 2 });
  expect(compute('run.resident-weights/1', rows).value).toBe(310);
});

const tensor = (name: string, scheme: string, shape: number[], bytes: number): SampleRow => ({
  kind: 'tensor',
  name,
  shape,
  scheme,
  group: null,
  bytes,
  reason: null,
});

test('stored bytes are summed over tensors; coverage counts parameters, not tensors', () => {
  const rows = [tensor('a', 'int8-g128', [10, 30], 310), tensor('b', 'bf16', [100], 200)];
  expect(compute('run.stored-weights/1', rows)).toMatchObject({ value: 510, n: 2 });
  expect(coverageOf(groupSamples(rows), 'int8-g128')).toEqual({
    tensors: 1,
    parameterShare: 0.75,
  });
  expect(coverageOf(groupSamples([]), 'bf16')).toEqual({ tensors: 0, parameterShare: 0 });
});

test('repeated batches: how many gave the same bits', () => {
  const rows = [true, true, false].map(
    (bitEqual, batch): SampleRow => ({ kind: 'repeat', batch, bitEqual }),
  );
  expect(compute('run.bit-equal-repeats/1', rows)).toMatchObject({ value: 2, n: 3, ci95: null });
});

test('what was not recorded has no value, and the reason says what to do or what happened', () => {
  const reasons = {
    'run.tokens-per-second/1': 'nothing was scored',
    'run.load-seconds/1': 'the engine was never ready',
    'run.peak-memory/1': 'the worker ended before it reported memory',
    'run.resident-weights/1': 'the worker ended before it reported memory',
    'run.stored-weights/1': 'the model was never loaded',
    'run.bit-equal-repeats/1': 'run with --check-repeat to measure this',
  };
  for (const [formula, reason] of Object.entries(reasons)) {
    expect(compute(formula, [])).toMatchObject({ value: null, ci95: null, reason });
  }
});
