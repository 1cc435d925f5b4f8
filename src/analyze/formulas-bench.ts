/**
 * Formulas over timed generations. Warm-up is recorded and in no figure. Iterations of one round
 * share the state that the machine was in, so whole rounds are the units of resampling; they are
 * few, so the percentiles of the bootstrap are expanded (`expandedTail`).
 */
import { quantile, sum } from './describe.ts';
import {
  type Derived,
  type Formula,
  type FormulaParams,
  missing,
  numberParam,
  ratioOfUnits,
} from './formula.ts';
import { bootstrapQuantile, MIN_UNITS, tooFew, valuesForUpperBound } from './intervals.ts';
import type { IterationRow, Samples } from './samples.ts';
import { expandedTail } from './student.ts';

/** Iterations that count, by round, rounds ascending. */
export function measuredRounds(samples: Samples): Map<number, IterationRow[]> {
  const rounds = new Map<number, IterationRow[]>();
  const measured = samples.iterations.filter((row) => !row.warmup);
  for (const row of measured.toSorted((a, b) => a.round - b.round)) {
    const rows = rounds.get(row.round);
    if (rows) rows.push(row);
    else rounds.set(row.round, [row]);
  }
  return rounds;
}

export function nothingMeasured(samples: Samples, unit: string): Derived {
  const failed = samples.failures.length;
  const why = failed > 0 ? `all ${failed} iterations failed` : 'no iteration was measured';
  return missing(unit, why);
}

interface Rate {
  readonly unit: string;
  readonly top: (row: IterationRow) => number;
  readonly bottom: (row: IterationRow) => number;
  /** What one iteration adds to `n`. */
  readonly counts: (row: IterationRow) => number;
}

/** Σ top / Σ bottom over measured iterations, whole rounds resampled. */
function rate(samples: Samples, params: FormulaParams, of: Rate): Derived {
  const rounds = [...measuredRounds(samples)];
  if (rounds.length === 0) return nothingMeasured(samples, of.unit);
  const units = rounds.map(([id, rows]) => {
    return { id, total: sum(rows.map(of.top)), tokens: sum(rows.map(of.bottom)) };
  });
  const n = sum(rounds.flatMap(([, rows]) => rows.map(of.counts)));
  return ratioOfUnits({ unit: of.unit, unitOf: 'rounds', units, params, n, expanded: true });
}

const one = (): number => 1;

const latencyMean: Formula = {
  unit: 'ms',
  reads: 'iteration',
  describe: 'mean end-to-end time of the measured iterations; bootstrap over whole rounds',
  compute: (samples, params) =>
    rate(samples, params, { unit: 'ms', top: (row) => row.e2eMs, bottom: one, counts: one }),
};

function percentile(of: string, values: (row: IterationRow) => readonly number[]): Formula {
  return {
    unit: 'ms',
    reads: 'iteration',
    describe:
      `type 7 quantile \`q\` of ${of} of the measured iterations; bootstrap over whole rounds, ` +
      'no interval where n is too small to bound the quantile from above (59 for p95, 299 for p99)',
    compute(samples, params) {
      const rounds = [...measuredRounds(samples).values()];
      const all = rounds.flatMap((rows, block) =>
        rows.flatMap((row) => values(row).map((value) => ({ value, block }))),
      );
      if (rounds.length === 0) return nothingMeasured(samples, 'ms');
      if (all.length === 0) return missing('ms', 'no iteration has one');
      const { q, ...drawn } = { q: numberParam(params, 'q'), ...seedOf(params) };
      const ordered = all.toSorted((a, b) => a.value - b.value);
      const sorted = ordered.map(({ value }) => value);
      const n = sorted.length;
      const units = rounds.length;
      const base = { value: quantile(sorted, q), unit: 'ms', n, units, unitOf: 'rounds' };
      const needed = valuesForUpperBound(q);
      if (n < needed) {
        return { ...base, ci95: null, reason: `n = ${n}: an upper bound of it needs ${needed}` };
      }
      if (units < MIN_UNITS) {
        return { ...base, ci95: null, reason: tooFew(units, 'rounds') };
      }
      const blockOf = ordered.map(({ block }) => block);
      const resampled = { sorted, blockOf, blocks: units, q, ...drawn, tail: expandedTail(units) };
      return { ...base, ci95: bootstrapQuantile(resampled) };
    },
  };
}

function seedOf(params: FormulaParams): { seed: number; resamples: number } {
  return { seed: numberParam(params, 'seed'), resamples: numberParam(params, 'resamples') };
}

const prefillRate: Formula = {
  unit: 'tokens/s',
  reads: 'iteration',
  describe: 'Σ prompt tokens (padding not counted) / Σ seconds until every row had its first token',
  compute: (samples, params) =>
    rate(samples, params, {
      unit: 'tokens/s',
      top: (row) => row.promptTokens,
      bottom: (row) => row.prefillMs / 1_000,
      counts: (row) => row.promptTokens,
    }),
};

const decodeRate: Formula = {
  unit: 'tokens/s',
  reads: 'iteration',
  describe:
    'Σ tokens given in decode steps / Σ seconds of those steps; the first token of each of the ' +
    '`batchSize` rows comes from the prefill and is not counted',
  compute(samples, params) {
    const batchSize = numberParam(params, 'batchSize');
    const rounds = measuredRounds(samples);
    if (rounds.size === 0) return nothingMeasured(samples, 'tokens/s');
    const steps = [...rounds.values()].flat().some((row) => row.stepMs.length > 0);
    if (!steps) return missing('tokens/s', 'every iteration ended with its first token');
    const decoded = (row: IterationRow): number => Math.max(0, row.newTokens - batchSize);
    return rate(samples, params, {
      unit: 'tokens/s',
      top: decoded,
      bottom: (row) => sum(row.stepMs) / 1_000,
      counts: decoded,
    });
  },
};

const sampleRate: Formula = {
  unit: 'samples/s',
  reads: 'iteration',
  describe: '`batchSize` · iterations / Σ end-to-end seconds; bootstrap over whole rounds',
  compute(samples, params) {
    const batchSize = numberParam(params, 'batchSize');
    return rate(samples, params, {
      unit: 'samples/s',
      top: () => batchSize,
      bottom: (row) => row.e2eMs / 1_000,
      counts: () => batchSize,
    });
  },
};

const cpuUtilization: Formula = {
  unit: 'cores',
  reads: 'iteration',
  describe: 'Σ CPU time of the worker / Σ end-to-end time: how many cores were busy',
  compute: (samples, params) =>
    rate(samples, params, {
      unit: 'cores',
      top: (row) => row.cpuMs,
      bottom: (row) => row.e2eMs,
      counts: one,
    }),
};

export const benchFormulas: Record<string, Formula> = {
  'bench.latency-mean/1': latencyMean,
  'bench.latency-quantile/1': percentile('the end-to-end time', (row) => [row.e2eMs]),
  'bench.ttft-quantile/1': percentile('the time to the first token', (row) => [row.ttftMs]),
  'bench.step-quantile/1': percentile('the time of a decode step', (row) => row.stepMs),
  'bench.prefill-rate/1': prefillRate,
  'bench.decode-rate/1': decodeRate,
  'bench.sample-rate/1': sampleRate,
  'bench.cpu-utilization/1': cpuUtilization,
};
