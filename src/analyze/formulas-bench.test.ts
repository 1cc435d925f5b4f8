import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import { benchRequests } from './bench-requests.ts';
import { quantile } from './describe.ts';
import { computeMetric, FORMULAS } from './formulas.ts';
import { bootstrapQuantile, valuesForUpperBound } from './intervals.ts';
import { below, sfc32 } from './random.ts';
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

describe('rates and means', () => {
  test('count measured iterations only: warm-up is recorded, and in nothing', () => {
    const warm = timed(0, { warmup: true, e2eMs: 9_000, promptTokens: 999, cpuMs: 0 });
    const rows = [
      warm,
      timed(0),
      timed(1, { e2eMs: 30, prefillMs: 15, stepMs: [5], newTokens: 4 }),
    ];
    expect(compute('latency-mean', rows)).toMatchObject({ value: 20, n: 2, units: 2 });
    expect(compute('prefill-rate', rows)).toMatchObject({ value: 2_000, n: 40 });
    // (6 − 2) + (4 − 2) tokens in 5 + 5 ms: the first token of each row came with the prefill.
    expect(compute('decode-rate', rows)).toMatchObject({ value: 600, n: 6 });
    expect(compute('sample-rate', rows)).toMatchObject({ value: 100, n: 4, unit: 'samples/s' });
    expect(compute('cpu-utilization', rows)).toMatchObject({ value: 0.75, unit: 'cores' });
    expect(compute('iterations', rows).value).toBe(2);
  });

  test('have an interval from ten rounds on, however many iterations fewer rounds hold', () => {
    expect(compute('latency-mean', rounds(9, 50))).toMatchObject({
      ci95: null,
      reason: '9 rounds: an interval needs 10',
    });
    const { ci95, value, unitOf } = compute('latency-mean', rounds(10, 6));
    expect(unitOf).toBe('rounds');
    expect(ci95![0]).toBeLessThan(value!);
    expect(ci95![1]).toBeGreaterThan(value!);
  });

  test('a run of failures has no latency, and says why', () => {
    const failed: SampleRow[] = [
      { kind: 'failure', round: 0, iteration: 0, message: 'out of memory' },
      { kind: 'failure', round: 0, iteration: 1, message: 'out of memory' },
    ];
    expect(compute('latency-mean', failed)).toMatchObject({
      value: null,
      reason: 'all 2 iterations failed',
    });
    expect(compute('failures', [...failed, timed(0)])).toMatchObject({ value: 2, n: 3 });
    expect(compute('latency-quantile', [], { q: 0.5 }).reason).toBe('no iteration was measured');
  });

  test('one new token leaves nothing to decode', () => {
    const rows = [timed(0, { stepMs: [], newTokens: 2 })];
    expect(compute('decode-rate', rows).reason).toBe('every iteration ended with its first token');
    expect(compute('step-quantile', rows, { q: 0.5 }).reason).toBe('no iteration has one');
  });
});

describe('percentiles', () => {
  test('have no interval while n cannot bound them from above', () => {
    expect([0.5, 0.95, 0.99].map(valuesForUpperBound)).toEqual([5, 59, 299]);
    const p95 = (rows: SampleRow[]) => compute('latency-quantile', rows, { q: 0.95 });
    expect(p95(rounds(10, 5))).toMatchObject({
      n: 50,
      ci95: null,
      reason: 'n = 50: an upper bound of it needs 59',
    });
    expect(p95(rounds(10, 6)).ci95).not.toBeNull();
    const p99 = compute('latency-quantile', rounds(10, 29), { q: 0.99 });
    expect(p99).toMatchObject({ n: 290, ci95: null });
    expect(p99.value).not.toBeNull();
    expect(compute('latency-quantile', rounds(10, 30), { q: 0.99 }).ci95).not.toBeNull();
  });

  test('the walk over sorted values gives the bits of sorting every resample', () => {
    const block = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), {
      minLength: 1,
      maxLength: 6,
    });
    const blocks = fc.array(block, { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(blocks, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (all, q, seed) => {
        const ordered = all
          .flatMap((values, of) => values.map((value) => ({ value, of })))
          .toSorted((a, b) => a.value - b.value);
        const walked = bootstrapQuantile({
          sorted: ordered.map(({ value }) => value),
          blockOf: ordered.map(({ of }) => of),
          ...{ blocks: all.length, q, resamples: 20, seed, tail: 0.1 },
        });
        const random = sfc32(seed);
        const statistics = Array.from({ length: 20 }, () => {
          const drawn = all.map(() => all[below(random, all.length)]!);
          return quantile(Float64Array.from(drawn.flat()).sort(), q);
        });
        const sorted = Float64Array.from(statistics).sort();
        expect(walked).toEqual([quantile(sorted, 0.1), quantile(sorted, 0.9)]);
      }),
    );
  });
});

test('every metric of a benchmark has a formula; those of GPUs only where one was read', () => {
  const options = { batchSize: 8, cores: 2, seed: 1, resamples: 100 };
  const without = benchRequests(options, groupSamples([timed(0)]));
  const gpu: SampleRow = {
    ...{ kind: 'gpu', atMs: 0, gpu: 0, utilization: 1, memoryBytes: 1, powerW: 1 },
  };
  const all = benchRequests(options, groupSamples([gpu]));
  for (const { formula } of all) expect(FORMULAS[formula], formula).toBeDefined();
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(all.length - without.length).toBe(3);
  for (const request of all) computeMetric(request, groupSamples([timed(0)]));
});

function normal(random: () => number): number {
  const uniform = (): number => (random() + 0.5) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

test('the 95 % interval of a mean holds the truth about as often as few rounds allow', () => {
  const random = sfc32(20261120);
  const experiments = 400;
  const truth = 100;
  const held = (count: number): number => {
    let holds = 0;
    for (let i = 0; i < experiments; i++) {
      const rows = Array.from({ length: count }, (_, round) => {
        const mood = truth + 5 * normal(random);
        return Array.from({ length: 6 }, () => timed(round, { e2eMs: mood + 3 * normal(random) }));
      });
      const [low, high] = compute('latency-mean', rows.flat(), { resamples: 2_000 }).ci95!;
      if (low <= truth && truth <= high) holds++;
    }
    return holds / experiments;
  };
  const [ten, thirty] = [held(10), held(30)];
  console.log(
    `95 % interval of a mean latency holds the truth in ${(100 * ten).toFixed(1)} % of ` +
      `${experiments} experiments with 10 rounds, ${(100 * thirty).toFixed(1)} % with 30`,
  );
  // Three standard errors of 400 experiments are 3.3 points.
  for (const share of [ten, thirty]) {
    expect(share).toBeGreaterThan(0.89);
    expect(share).toBeLessThan(0.985);
  }
});
