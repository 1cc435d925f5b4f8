/** Formulas of a benchmark that are not about its iterations: memory, GPU, cold start, text. */
import { mean, sum } from './describe.ts';
import { type Derived, exact, type Formula, missing, ratioOfUnits } from './formula.ts';
import { MIN_UNITS, tooFew } from './intervals.ts';
import type { GeneratedRow, GpuRow, Samples } from './samples.ts';
import { studentInterval } from './student.ts';

const NGRAM = 4;

type ColdStart = Samples['coldStarts'][number];

function coldStart(describe: string, ms: (row: ColdStart) => number): Formula {
  return {
    unit: 's',
    reads: 'cold-start',
    describe: `mean over fresh processes of ${describe}; Student t from 10 processes on`,
    compute(samples) {
      const seconds = samples.coldStarts.map((row) => ms(row) / 1_000);
      const n = seconds.length;
      if (n === 0) return missing('s', 'no cold start was measured');
      const base = { value: mean(seconds), unit: 's', n, units: n, unitOf: 'processes' };
      if (n >= MIN_UNITS) return { ...base, ci95: studentInterval(seconds) };
      return { ...base, ci95: null, reason: tooFew(n, 'processes') };
    },
  };
}

function largest(of: 'kvCacheBytes' | 'kvComputedBytes', describe: string): Formula {
  return {
    unit: 'bytes',
    reads: 'memory',
    describe,
    compute(samples) {
      const known = samples.memory.flatMap((row) => row[of] ?? []);
      if (known.length === 0) return missing('bytes', 'the engine reported no KV cache');
      return exact('bytes', Math.max(...known), known.length, 'processes');
    },
  };
}

/** Welleck et al. 2020, seq-rep-4, over all texts: repeats need no second text to be seen. */
const repetition: Formula = {
  unit: 'fraction',
  reads: 'generated',
  describe:
    'share of 4-grams of the generated tokens that occurred before in the same text; bootstrap ' +
    'over prompts',
  compute(samples, params) {
    const units = samples.generated.map(repeatsOf).filter((unit) => unit.tokens > 0);
    if (units.length === 0) return missing('fraction', 'no generated text has four tokens');
    return ratioOfUnits({ unit: 'fraction', unitOf: 'prompts', units, params, expanded: true });
  },
};

function repeatsOf(row: GeneratedRow): { id: number; total: number; tokens: number } {
  const tokens = Math.max(0, row.ids.length - NGRAM + 1);
  const grams = Array.from({ length: tokens }, (_, i) => row.ids.slice(i, i + NGRAM).join(' '));
  return { id: row.prompt, total: tokens - new Set(grams).size, tokens };
}

const generatedTokens: Formula = {
  unit: 'tokens',
  reads: 'generated',
  describe: 'tokens of the recorded texts, one text a prompt',
  compute(samples) {
    if (samples.generated.length === 0) return missing('tokens', 'no text was recorded');
    const tokens = sum(samples.generated.map((row) => row.ids.length));
    return exact('tokens', tokens, samples.generated.length, 'prompts');
  },
};

interface Gauge {
  readonly unit: string;
  readonly describe: string;
  readonly read: (row: GpuRow) => number | null;
  /** What the cards of one reading make together, and the readings of a run. */
  readonly across: (values: readonly number[]) => number;
  readonly over: (values: readonly number[]) => number;
}

function gauge({ unit, describe, read, across, over }: Gauge): Formula {
  return {
    unit,
    reads: 'gpu',
    describe,
    compute(samples): Derived {
      const readings = new Map<number, number[]>();
      for (const row of samples.gpu) {
        const value = read(row);
        if (value !== null) readings.set(row.atMs, [...(readings.get(row.atMs) ?? []), value]);
      }
      if (readings.size === 0) return missing(unit, 'no GPU was read');
      const values = [...readings.values()].map(across);
      return exact(unit, over(values), values.length, 'readings');
    },
  };
}

const highest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

export const machineFormulas: Record<string, Formula> = {
  'bench.cold-start/1': coldStart(
    'the time from process start to the first token',
    (row) => row.firstTokenMs,
  ),
  'bench.cold-load/1': coldStart('the time to load the model', (row) => row.loadMs),
  'bench.kv-cache/1': largest('kvCacheBytes', 'largest KV cache that the engine allocated'),
  'bench.kv-computed/1': largest(
    'kvComputedBytes',
    'rows · capacity · bytes a token of the KV cache, from the shape of the model',
  ),
  'bench.repetition/1': repetition,
  'bench.generated-tokens/1': generatedTokens,
  'bench.gpu-utilization/1': gauge({
    unit: 'fraction',
    describe: 'mean over readings (and over cards) of the utilization that nvidia-smi tells',
    read: (row) => row.utilization,
    across: mean,
    over: mean,
  }),
  'bench.gpu-peak-memory/1': gauge({
    unit: 'bytes',
    describe: 'largest reading of memory in use, summed over cards; other programs are in it',
    read: (row) => row.memoryBytes,
    across: sum,
    over: highest,
  }),
  'bench.gpu-power/1': gauge({
    unit: 'W',
    describe: 'mean over readings of the power drawn, summed over cards',
    read: (row) => row.powerW,
    across: sum,
    over: mean,
  }),
};
