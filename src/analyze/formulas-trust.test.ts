import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples, type IterationRow } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200, batchSize: 2, cores: 4 };

const compute = (formula: string, rows: readonly SampleRow[], params: object = {}) =>
  computeMetric(
    { formula: `bench.${formula}/1`, params: { ...PARAMS, ...params } },
    groupSamples(rows),
  );

function timed(round: number, changes: Partial<IterationRow> = {}): IterationRow {
  return {
    ...{ kind: 'iteration', round, iteration: round, warmup: false },
    ...{ promptTokens: 20, newTokens: 6, ttftMs: 4, prefillMs: 5, stepMs: [2, 3], e2eMs: 10 },
    ...{ cpuMs: 15, ...changes },
  };
}

const rounds = (count: number, each: number): IterationRow[] =>
  Array.from({ length: count * each }, (_, i) =>
    timed(Math.floor(i / each), { iteration: i, e2eMs: 10 + (i % 7) + Math.floor(i / each) / 10 }),
  );

describe('how far it can be trusted', () => {
  test('outliers are counted, and stay in the mean', () => {
    const rows = [...rounds(10, 5), timed(9, { e2eMs: 500 })];
    expect(compute('outliers', rows)).toMatchObject({ value: 1, n: 51 });
    expect(compute('latency-mean', rows).value).toBeGreaterThan(20);
    expect(compute('outliers', [timed(0), timed(1)]).value).toBe(0);
  });

  test('drift is the last third over the first', () => {
    const rising = Array.from({ length: 10 }, (_, round) => timed(round, { e2eMs: 10 + round }));
    // Rounds 7, 8, 9 against 0, 1, 2.
    expect(compute('drift', rising)).toMatchObject({ value: 18 / 11, units: 6, ci95: null });
    expect(compute('drift', rising.slice(0, 2)).reason).toBe('2 rounds: drift needs 3');
  });

  test('CPU time of others is a share of what all cores could give', () => {
    const round = { kind: 'round', rows: 1, startedMs: 0, wallMs: 100, loadAverage: 1 } as const;
    const rows: SampleRow[] = [
      { ...round, round: 0, stealMs: 20, othersMs: 60 },
      { ...round, round: 1, stealMs: null, othersMs: 40 },
      { ...round, round: 2, stealMs: null, othersMs: null },
    ];
    expect(compute('stolen-share', rows)).toMatchObject({ value: 120 / 800, n: 2 });
    expect(compute('stolen-share', rows.slice(2)).value).toBeNull();
  });
});

describe('the machine', () => {
  test('cold starts are averaged; ten of them have an interval', () => {
    const starts = (n: number): SampleRow[] =>
      Array.from({ length: n }, (_, index) => {
        return { kind: 'cold-start', index, loadMs: 500, firstTokenMs: 1_000 + 10 * index };
      });
    expect(compute('cold-start', starts(3))).toMatchObject({
      value: 1.01,
      n: 3,
      ci95: null,
      reason: '3 processes: an interval needs 10',
    });
    expect(compute('cold-load', starts(3)).value).toBe(0.5);
    const [low, high] = compute('cold-start', starts(10)).ci95!;
    expect(low).toBeLessThan(1.045);
    expect(high).toBeGreaterThan(1.045);
  });

  test('the KV cache is the largest of any process; an engine that tells none has none', () => {
    const memory = { kind: 'memory', part: 0, peakRssBytes: 9, weightBytes: 5 } as const;
    const rows = [
      { ...memory, kvCacheBytes: 100, kvComputedBytes: 90 },
      { ...memory, part: 1, kvCacheBytes: 300, kvComputedBytes: 90 },
    ];
    expect(compute('kv-cache', rows).value).toBe(300);
    expect(compute('kv-computed', rows).value).toBe(90);
    expect(compute('kv-cache', [memory]).reason).toBe('the engine reported no KV cache');
  });

  test('cards of one reading are summed in memory and power, averaged in utilization', () => {
    const gpu = (atMs: number, of: number, values: [number | null, number, number]): SampleRow => {
      const [utilization, memoryBytes, powerW] = values;
      return { kind: 'gpu', atMs, gpu: of, utilization, memoryBytes, powerW };
    };
    const rows = [
      ...[gpu(0, 0, [0.2, 100, 50]), gpu(0, 1, [0.4, 200, 70])],
      ...[gpu(500, 0, [0.6, 900, 90]), gpu(500, 1, [null, 50, 110])],
    ];
    expect(compute('gpu-utilization', rows)).toMatchObject({ n: 2, samples: 'gpu.jsonl' });
    expect(compute('gpu-utilization', rows).value).toBeCloseTo(0.45, 12);
    expect(compute('gpu-peak-memory', rows).value).toBe(950);
    expect(compute('gpu-power', rows).value).toBe(160);
    expect(compute('gpu-power', []).reason).toBe('no GPU was read');
  });
});

test('a text that says the same thing again and again is all repetition but for its first round', () => {
  const text = (ids: number[]): SampleRow => {
    return { kind: 'generated', prompt: 0, ids, finish: 'length' };
  };
  const circle = Array.from({ length: 40 }, (_, i) => i % 4);
  expect(compute('repetition', [text(circle)])).toMatchObject({ value: 33 / 37, n: 37 });
  expect(compute('repetition', [text([1, 2, 3])]).value).toBeNull();
  expect(compute('generated-tokens', [text([1, 2, 3]), text([4])])).toMatchObject({ value: 4 });
});
