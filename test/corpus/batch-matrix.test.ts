/** A team's published batch matrix, imported by hand: what it says against what holds. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bestBalance, type FieldEntry } from '../../src/analyze/balance.ts';
import { checkLimit } from '../../src/analyze/constraints.ts';
import { costUsd } from '../../src/analyze/cost.ts';
import { FORMULAS } from '../../src/analyze/formulas.ts';
import { valuesForUpperBound } from '../../src/analyze/intervals.ts';
import { paretoFront } from '../../src/analyze/pareto.ts';
import { groupSamples } from '../../src/analyze/samples.ts';

const RESULTS = join(import.meta.dirname, '../../../shared/corpus/batch-matrix/results');
const there = existsSync(RESULTS);
if (!there) console.log(`skipped: ${RESULTS} is absent, so the published results are not here`);

interface Published {
  batch_size: number;
  total_samples: number;
  throughput: number;
  p95_latency_ms: number;
  p99_latency_ms: number;
}

interface Imported extends FieldEntry {
  readonly variant: string;
}

/** By folder, not by the `quantization` field, which calls three of them `none`. */
function imported(variants: readonly string[]): Imported[] {
  return variants.flatMap((variant) => {
    const path = join(RESULTS, 'local_benchmarks', variant, 'benchmark_results.json');
    const rows = JSON.parse(readFileSync(path, 'utf8')) as Published[];
    return rows.map((row) => ({
      id: `${variant}@${row.batch_size}`,
      variant,
      throughput: row.throughput,
      p95Ms: row.p95_latency_ms,
    }));
  });
}

const FIELD = ['none', 'bitsandbytes', 'none_flash', 'bitsandbytes_flash'];
const at = (id: string): Imported => {
  const found = imported(FIELD).find((each) => each.id === id);
  if (!found) throw new Error(`${id} is not among the results`);
  return found;
};

describe.skipIf(!there)('the published batch matrix', () => {
  test('speedups are relative to a named baseline: three answers for three questions', () => {
    const speedup = (id: string, base: string): string =>
      (at(id).throughput / at(base).throughput).toFixed(3);
    expect(speedup('bitsandbytes@32', 'none@32')).toBe('2.451');
    expect(speedup('bitsandbytes@32', 'none_flash@32')).toBe('0.392');
    expect(speedup('bitsandbytes@1', 'none@1')).toBe('0.243');
    expect((100 * (1 - at('bitsandbytes@1').p95Ms / at('none@1').p95Ms)).toFixed(1)).toBe('-257.0');
  });

  test('the best balance, and that its winner hangs on the field', () => {
    const field = imported(FIELD);
    const found = bestBalance(field);
    const score = (id: string) =>
      found?.scores[field.findIndex((each) => each.id === id)]?.toFixed(4);
    expect(field[found?.winner ?? -1]?.id).toBe('none_flash@16');
    expect(score('none_flash@16')).toBe('0.9359');
    expect(score('none_flash@8')).toBe('0.9344');
    expect(score('none_flash@32')).toBe('0.9329');
    const few = imported(['none', 'bitsandbytes']);
    const other = bestBalance(few);
    expect(few[other?.winner ?? -1]?.id).toBe('bitsandbytes@32');
    expect(other?.scores[other.winner]?.toFixed(4)).toBe('0.8081');
    // One candidate is enough: it is the slowest of all that stretches the scale of P95.
    expect(found?.flips).toEqual([{ without: 'none@32', winner: 'none_flash@8' }]);
  });

  test('an exact copy of a variant moves no score', () => {
    const score = (variants: readonly string[]) => {
      const field = imported(variants);
      return bestBalance(field)?.scores.slice(0, imported(FIELD).length);
    };
    expect(score([...FIELD, 'none_flash_backup'])).toEqual(score(FIELD));
    expect(readdirSync(join(RESULTS, 'local_benchmarks'))).toContain('none_flash_backup');
  });

  test('costs of 1,000 samples at 1.89 USD an hour, fully used', () => {
    const cost = (id: string) => {
      const perSecond = at(id).throughput;
      return costUsd({ perSecond, usdPerHour: 1.89, utilization: 1, count: 1_000 })?.toFixed(6);
    };
    expect(cost('none_flash@32')).toBe('0.001917');
    expect(cost('bitsandbytes@32')).toBe('0.004897');
    expect(cost('none@32')).toBe('0.012003');
    expect(cost('bitsandbytes@1')).toBe('0.055911');
  });

  test('the front over latency and throughput is that of one variant', () => {
    const points = imported(FIELD).map(({ id, throughput, p95Ms }) => {
      return { id, values: { throughput, p95Ms } };
    });
    const { front } = paretoFront(points, [
      { name: 'p95Ms', better: 'lower' },
      { name: 'throughput', better: 'higher' },
    ]);
    expect(front).toEqual(['none_flash@1', 'none_flash@8', 'none_flash@16', 'none_flash@32']);
  });
});

test('p99 of the 32 batches that 1,000 samples make is no bound', () => {
  const iterations = Array.from({ length: 32 }, (_, i) => ({
    ...({ kind: 'iteration', round: i % 10, iteration: i, warmup: false } as const),
    ...{ promptTokens: 32, newTokens: 32, ttftMs: 1, prefillMs: 1, stepMs: [1] },
    ...{ e2eMs: 100 + i, cpuMs: 1 },
  }));
  const params = { q: 0.99, seed: 1, resamples: 100 };
  const p99 = FORMULAS['bench.latency-quantile/1']?.compute(groupSamples(iterations), params);
  expect(p99).toMatchObject({ n: 32, ci95: null });
  expect(valuesForUpperBound(0.99)).toBe(299);
  const { value = null, ci95 = null, reason = '' } = p99 ?? {};
  const check = checkLimit('p99_ms', 1_000, { value, ci95, reason });
  expect(check.state).toBe('unproven');
  expect(check.reason).toContain('needs 299');
});
