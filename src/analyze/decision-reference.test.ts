import { describe, expect, test } from 'vitest';
import { type DecisionReference, describeDecision, resolveDecision } from './decision-reference.ts';

const METRICS: Record<string, Record<string, number>> = {
  a: {
    samplesPerSecond: 10,
    latencyP95: 50,
    gpuPeakMemoryBytes: 2 ** 32,
    peakMemoryBytes: 2 ** 31,
  },
  b: { samplesPerSecond: 20, latencyP95: 100 },
};
const numbers = {
  metric: (run: string, name: string) => METRICS[run]?.[name] ?? null,
  gpuMemoryBytes: (run: string) => (run === 'a' ? 2 ** 34 : null),
  resolve: (of: unknown) => {
    const { run, metric } = of as { run: string; metric: string };
    return METRICS[run]?.[metric] ?? null;
  },
};
const value = (reference: DecisionReference) => resolveDecision(reference, numbers);
const of = (metric: string) => ({ from: 'metric', run: 'a', metric, part: 'value' }) as const;

describe('numbers of a decision', () => {
  test('cost, capacity, workers, headroom, share of a GPU', () => {
    const price = { usdPerHour: 3.6, utilization: 0.5, count: 1_000 };
    expect(value({ from: 'cost', run: 'a', rate: 'samplesPerSecond', ...price })).toBeCloseTo(0.2);
    expect(value({ from: 'capacity', run: 'a' })).toBe(600);
    const demand = { run: 'a', requestsPerMinute: 1_000, utilization: 0.8 };
    expect(value({ from: 'workers', ...demand })).toBe(3);
    expect(value({ from: 'headroom', ...demand })).toBeCloseTo(1 - 1_000 / 1_800, 12);
    expect(value({ from: 'gpu-share', run: 'a' })).toBe(0.25);
    expect(value({ from: 'gpu-share', run: 'b' })).toBeNull();
  });

  test('balance is a score in a field, and none outside it', () => {
    expect(value({ from: 'balance', run: 'a', field: ['a', 'b'] })).toBe(0.5);
    expect(value({ from: 'balance', run: 'a', field: ['b'] })).toBeNull();
    expect(value({ from: 'balance', run: 'a', field: ['a', 'gone'] })).toBeNull();
  });

  test('excess is in the unit of the limit, or a share of it', () => {
    const p95 = { from: 'excess', run: 'a', of: of('latencyP95'), limit: 'p95_ms' } as const;
    expect(value({ ...p95, bound: 40 })).toBe(10);
    expect(value({ ...p95, bound: 40, relative: true })).toBe(0.25);
    const memory = { ...p95, of: of('peakMemoryBytes'), limit: 'memory_gib' } as const;
    expect(value({ ...memory, bound: 1.5 })).toBe(0.5);
    expect(value({ ...p95, of: of('nothing'), bound: 1 })).toBeNull();
  });

  test('what a run does not have has no number', () => {
    expect(value({ from: 'capacity', run: 'gone' })).toBeNull();
    const price = { rate: 'samplesPerSecond', usdPerHour: 1, utilization: 1, count: 1 };
    expect(value({ from: 'cost', run: 'gone', ...price })).toBeNull();
  });
});

test('each is told with its formula and all inputs', () => {
  const price = { rate: 'samplesPerSecond', usdPerHour: 1.89, utilization: 0.5, count: 1_000 };
  const said = describeDecision({ from: 'cost', run: 'a', ...price }, () => '');
  for (const part of ['samplesPerSecond of run a', '1.89', '0.5', '1000', '/ 3600']) {
    expect(said).toContain(part);
  }
});
