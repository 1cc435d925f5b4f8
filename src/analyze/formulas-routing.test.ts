import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples } from './samples.ts';

const row = (request: number, layer: number, counts: number[]): SampleRow => {
  return { kind: 'routing', batch: 0, request, layer, topK: 2, counts };
};
const seed = 1;

describe('routing of a layer', () => {
  const even = Array.from({ length: 12 }, (_, request) => row(request, 3, [2, 2, 2, 2]));
  const uneven = Array.from({ length: 12 }, (_, request) => row(request, 5, [4, 4, 0, 0]));
  const samples = groupSamples([...even, ...uneven]);
  const of = (formula: string, layer: number, more = samples) =>
    computeMetric({ formula, params: { layer, seed } }, more);

  test('entropy in bits', () => {
    expect(of('routing.entropy/1', 3)).toMatchObject({ unit: 'bits', n: 48, units: 12 });
    expect(of('routing.entropy/1', 3).value).toBeCloseTo(2, 12);
    expect(of('routing.entropy/1', 5).value).toBeCloseTo(1, 12);
    expect(of('routing.entropy/1', 5).ci95![0]).toBeCloseTo(1, 12);
  });

  test('busiest expert and unused ones', () => {
    expect(of('routing.max-over-mean/1', 3).value).toBe(1);
    expect(of('routing.max-over-mean/1', 5).value).toBe(2);
    expect(of('routing.unused/1', 5).value).toBe(2);
  });

  test('a layer that was not traced, and too few requests, say so', () => {
    expect(of('routing.entropy/1', 4)).toMatchObject({
      value: null,
      reason: expect.stringMatching(/not traced/),
    });
    const few = groupSamples(even.slice(0, 3));
    const found = of('routing.entropy/1', 3, few);
    expect(found).toMatchObject({
      value: 2,
      ci95: null,
      reason: expect.stringMatching(/3 requests/),
    });
  });
});

describe('what tracing costs', () => {
  const pairs = Array.from({ length: 20 }, (_, pair): SampleRow => {
    const plain = { e2eMs: 110, decodeMs: 100, decodedTokens: 50, cpuMs: 200 };
    const decodeMs = pair % 2 === 0 ? 104 : 102;
    const traced = { e2eMs: 121, decodeMs, decodedTokens: 50, cpuMs: 204 };
    return { kind: 'trace-pair', pair, tracedFirst: true, traced, plain, sameTokens: pair > 0 };
  });
  const samples = groupSamples(pairs);
  const params = { seed, resamples: 200 };

  test('is a share of the untraced time', () => {
    const decode = computeMetric({ formula: 'routing.decode-overhead/1', params }, samples);
    expect(decode).toMatchObject({ unit: 'fraction', n: 20, units: 20 });
    expect(decode.value).toBeCloseTo(0.03, 12);
    expect(decode.ci95![0]).toBeGreaterThan(0.02);
    expect(decode.ci95![1]).toBeLessThan(0.04);
    const wall = computeMetric({ formula: 'routing.wall-overhead/1', params }, samples);
    expect(wall.value).toBeCloseTo(0.1, 12);
    const cpu = computeMetric({ formula: 'routing.cpu-overhead/1', params }, samples);
    expect(cpu.value).toBeCloseTo(0.02, 12);
    const rate = computeMetric({ formula: 'routing.decode-rate-untraced/1', params }, samples);
    expect(rate.value).toBeCloseTo(500, 9);
  });

  test('counts the pairs whose tokens are the same', () => {
    const same = computeMetric({ formula: 'routing.same-tokens/1', params: {} }, samples);
    expect(same).toMatchObject({ value: 19, n: 20 });
  });
});
