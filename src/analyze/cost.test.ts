import { describe, expect, test } from 'vitest';
import {
  configurationFor,
  demandOf,
  headroom,
  requestsPerMinute,
  TIERS,
  workersFor,
} from './capacity.ts';
import { checkLimit, LIMIT_NAMES } from './constraints.ts';
import { costUsd } from './cost.ts';

describe('cost', () => {
  test('an hour that serves 3,600 requests at 2 USD costs 2 USD for them', () => {
    const of = { perSecond: 1, usdPerHour: 2, utilization: 1 };
    expect(costUsd({ ...of, count: 3_600 })).toBe(2);
    expect(costUsd({ ...of, count: 1_000 })).toBeCloseTo(2 / 3.6, 12);
  });

  test('half the utilization doubles it', () => {
    const of = { perSecond: 25, usdPerHour: 1.89, count: 1_000 };
    const full = costUsd({ ...of, utilization: 1 }) as number;
    expect(costUsd({ ...of, utilization: 0.5 })).toBeCloseTo(2 * full, 12);
  });

  test('no rate has no cost', () => {
    for (const perSecond of [0, -1, Number.NaN]) {
      expect(costUsd({ perSecond, usdPerHour: 1, utilization: 1, count: 1 })).toBeNull();
    }
  });
});

describe('capacity', () => {
  test('is a minute of samples; workers are whole, and what they leave over is said', () => {
    expect(requestsPerMinute(5)).toBe(300);
    const demand = { requestsPerMinute: 1_000, samplesPerSecond: 5 };
    expect(workersFor({ ...demand, utilization: 1 })).toBe(4);
    expect(workersFor({ ...demand, utilization: 0.5 })).toBe(7);
    expect(headroom({ ...demand, workers: 4 })).toBeCloseTo(1 / 6, 12);
    expect(workersFor({ ...demand, samplesPerSecond: 0, utilization: 1 })).toBeNull();
  });

  test('the open tier is planned at its lower end', () => {
    expect(TIERS.map(demandOf)).toEqual([100, 1_000, 1_000]);
  });

  test('one worker of the lowest P95 where that covers the demand, else the most throughput', () => {
    const small = { p95Ms: 20, samplesPerSecond: 2 };
    const large = { p95Ms: 90, samplesPerSecond: 9 };
    const at = (rate: number) => ({ requestsPerMinute: rate, utilization: 1 });
    expect(configurationFor([large, small], at(100))).toBe(small);
    expect(configurationFor([large, small], at(300))).toBe(large);
    expect(configurationFor([small, large], at(10_000))).toBe(large);
    expect(configurationFor([], at(1))).toBeUndefined();
  });
});

describe('a limit', () => {
  test('is met by the whole interval, broken by the value, and else not shown', () => {
    const p95 = (value: number, ci95: [number, number] | null) =>
      checkLimit('p95_ms', 50, { value, ci95 });
    expect(p95(40, [35, 45])).toMatchObject({ state: 'met', excess: null });
    expect(p95(62.5, [60, 65])).toMatchObject({ state: 'violated', excess: 12.5 });
    expect(p95(49, [45, 53])).toMatchObject({ state: 'unproven', excess: null });
    expect(p95(50, [50, 50])).toMatchObject({ state: 'met' });
  });

  test('the 99th percentile of 32 values is their largest in disguise: no bound', () => {
    const reason = 'n = 32: an upper bound of it needs 299';
    const found = checkLimit('p99_ms', 50, { value: 40, ci95: null, reason });
    expect(found).toMatchObject({ state: 'unproven', reason });
  });

  test('a least is broken from below', () => {
    const rate = (value: number) =>
      checkLimit('samples_per_second', 10, { value, ci95: [value, 99] });
    expect(rate(8)).toMatchObject({ state: 'violated', excess: 2 });
    expect(rate(12)).toMatchObject({ state: 'met' });
  });

  test('what was not measured, or is NaN, is unknown and never met', () => {
    for (const limit of LIMIT_NAMES) {
      const reason = 'simulated here';
      expect(checkLimit(limit, 1, { value: null, ci95: null, reason })).toMatchObject({
        state: 'unknown',
        reason,
      });
      expect(checkLimit(limit, 1, { value: Number.NaN, ci95: null }).state).toBe('unknown');
    }
  });
});
