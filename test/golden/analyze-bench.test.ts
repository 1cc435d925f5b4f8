/** Benchmark formulas against SciPy and NumPy: values by scripts/reference-values.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/analyze/compare.ts';
import { computeMetric } from '../../src/analyze/formulas.ts';
import { groupSamples, type Samples } from '../../src/analyze/samples.ts';
import { studentInterval, studentPoint, welchInterval } from '../../src/analyze/student.ts';
import type { SampleRow } from '../../src/record/rows.ts';
import { benchManifests } from '../support/bench-manifests.ts';

interface Estimate {
  value: number;
  ci95: [number, number];
}
interface Timed {
  promptTokens: number;
  newTokens: number;
  ttftMs: number;
  prefillMs: number;
  stepMs: number[];
  e2eMs: number;
  cpuMs: number;
}
type Estimates<K extends string> = Record<K, Estimate>;
interface Reference {
  resamples: number;
  student: {
    points: { confidence: number; df: number; t: number }[];
    values: number[];
    ci95: [number, number];
    welch: { a: number[]; b: number[]; ci95: [number, number] };
  };
  benchmark: {
    batchSize: number;
    rounds: Timed[][];
    fasterRounds: Timed[][];
    outliers: number;
    drift: number;
  } & Estimates<
    | 'latencyMean'
    | 'latencyP50'
    | 'latencyP95'
    | 'ttftP50'
    | 'stepP95'
    | 'stepP99'
    | 'prefillRate'
    | 'decodeRate'
    | 'sampleRate'
    | 'cpuUtilization'
  > & { latencyRatio: Estimate & { p: number } };
  texts: { base: number[][]; variant: number[][] } & Estimates<
    'agreement' | 'identical' | 'repetition'
  >;
}

const reference: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, 'analyze.json'), 'utf8'),
);
const TOLERANCE = 1e-9;
let largest = 0;

function agree(got: number | null | undefined, want: number): void {
  const off = Math.abs((got ?? Number.NaN) - want) / Math.max(1, Math.abs(want));
  largest = Math.max(largest, off);
  expect(off, `${got} instead of ${want}`).toBeLessThanOrEqual(TOLERANCE);
}

function agreeOn(
  got: { value: number | null; ci95: readonly number[] | null },
  want: Estimate,
): void {
  agree(got.value, want.value);
  want.ci95.forEach((end, i) => {
    agree(got.ci95?.[i], end);
  });
}

afterAll(() => {
  console.log(`largest difference from the reference values: ${largest.toExponential(1)}`);
});

describe('Student’s t', () => {
  test('points are those of SciPy', () => {
    for (const { confidence, df, t } of reference.student.points) {
      agree(studentPoint(confidence, df), t);
    }
  });

  test('and so is the interval of a mean', () => {
    studentInterval(reference.student.values).forEach((end, i) => {
      agree(end, reference.student.ci95[i]!);
    });
  });
});

test('Welch’s interval is that of SciPy with whole degrees of freedom', () => {
  const { a, b, ci95 } = reference.student.welch;
  welchInterval(a, b).forEach((end, i) => {
    agree(end, ci95[i]!);
  });
});

function timed(rounds: readonly Timed[][]): Samples {
  let iteration = 0;
  const rows = rounds.flatMap((batch, round) =>
    batch.map((times): SampleRow => {
      return { kind: 'iteration', round, iteration: iteration++, warmup: false, ...times };
    }),
  );
  return groupSamples(rows);
}

const DRAWN = { seed: 42, resamples: reference.resamples };

describe('twelve rounds of timed batches', () => {
  const { benchmark } = reference;
  const samples = timed(benchmark.rounds);
  const of = (formula: string, params: Record<string, number> = {}) =>
    computeMetric({ formula: `bench.${formula}/1`, params: { ...DRAWN, ...params } }, samples);
  const { batchSize } = benchmark;

  test('means and rates, whole rounds resampled', () => {
    agreeOn(of('latency-mean'), benchmark.latencyMean);
    agreeOn(of('prefill-rate'), benchmark.prefillRate);
    agreeOn(of('decode-rate', { batchSize }), benchmark.decodeRate);
    agreeOn(of('sample-rate', { batchSize }), benchmark.sampleRate);
    agreeOn(of('cpu-utilization'), benchmark.cpuUtilization);
  });

  test('quantiles, whole rounds resampled: the walk gives what sorting every resample gives', () => {
    agreeOn(of('latency-quantile', { q: 0.5 }), benchmark.latencyP50);
    agreeOn(of('latency-quantile', { q: 0.95 }), benchmark.latencyP95);
    agreeOn(of('ttft-quantile', { q: 0.5 }), benchmark.ttftP50);
    agreeOn(of('step-quantile', { q: 0.95 }), benchmark.stepP95);
    agreeOn(of('step-quantile', { q: 0.99 }), benchmark.stepP99);
  });

  test('outliers by scaled MAD, drift by thirds', () => {
    expect(of('outliers').value).toBe(benchmark.outliers);
    agree(of('drift').value, benchmark.drift);
  });

  test('the latency ratio, paired by round', () => {
    const pair = { variant: timed(benchmark.fasterRounds), baseline: samples };
    const manifests = benchManifests();
    const params = { ...DRAWN, margin: 0.01 };
    const compared = compareRuns('compare.latency-ratio/2', { ...pair, manifests }, params);
    agreeOn(compared, benchmark.latencyRatio);
    agree(compared.p, benchmark.latencyRatio.p);
    expect(compared).toMatchObject({ units: 12, verdict: 'better' });
  });
});

describe('generated texts', () => {
  const { base, variant, ...want } = reference.texts;
  const texts = (all: readonly number[][]): Samples =>
    groupSamples(
      all.map((ids, prompt): SampleRow => ({ kind: 'generated', prompt, ids, finish: 'length' })),
    );
  const pair = { variant: texts(variant), baseline: texts(base) };
  const params = { ...DRAWN, margin: 0.01 };

  test('agreement up to the first difference, and texts that are the same', () => {
    agreeOn(compareRuns('compare.agreement/1', pair, params), want.agreement);
    agreeOn(compareRuns('compare.identical-texts/1', pair, params), want.identical);
  });

  test('repetition of 4-grams', () => {
    const metric = { formula: 'bench.repetition/1', params: DRAWN };
    agreeOn(computeMetric(metric, texts(base)), want.repetition);
  });
});
