/** src/analyze against SciPy, statsmodels and NumPy: values by scripts/reference-values.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/analyze/compare.ts';
import type { Comparison } from '../../src/analyze/comparison.ts';
import { quantile, sum } from '../../src/analyze/describe.ts';
import { computeMetric } from '../../src/analyze/formulas.ts';
import { bootstrapRatio, wilson } from '../../src/analyze/intervals.ts';
import { below, sfc32 } from '../../src/analyze/random.ts';
import { groupSamples, type Samples } from '../../src/analyze/samples.ts';
import type { SampleRow } from '../../src/record/rows.ts';

type Pair = [number, number];
interface Estimate {
  value: number;
  ci95: Pair;
}
interface Tested extends Estimate {
  p: number;
}
interface Scored {
  logp: number[];
  hit: string;
  topLogp: number[];
  sumSquares: number[];
}
interface Reference {
  wilson: { successes: number; n: number; ci95: Pair }[];
  quantile: { values: number[]; at: number[]; expected: number[] }[];
  sum: { values: number[]; sum: number }[];
  sfc32: { seed: number; words: number[]; indicesBelow12: number[] };
  resamples: number;
  corpus: { documents: Scored[]; worseLogp: number[][]; bins: number } & Record<
    'loss' | 'lossExpanded' | 'perplexity' | 'tokenAccuracy' | 'brier',
    Estimate
  > & { perplexityRatio: Tested } & { ece: number; lossWith4To7Tokens: number };
  items: { labels: string[]; correct: boolean[]; variantCorrect: boolean[]; logp: number[] } & {
    macroAccuracy: number;
  } & Record<'accuracy' | 'labelLoss', Estimate> & { accuracyDifference: Tested };
}

const reference: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, 'analyze.json'), 'utf8'),
);
/** Two ways to add the same doubles differ by a few ulp; a wrong formula by percents. */
const TOLERANCE = 1e-9;
let largest = 0;

function agree(got: number | null, want: number): void {
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
    agree(got.ci95?.[i] ?? null, end);
  });
}

afterAll(() => {
  console.log(`largest difference from the reference values: ${largest.toExponential(1)}`);
});

describe('numbers', () => {
  test('Wilson intervals are those of statsmodels', () => {
    for (const { successes, n, ci95 } of reference.wilson) {
      wilson(successes, n).forEach((end, i) => {
        agree(end, ci95[i]!);
      });
    }
  });

  test('quantiles are those of numpy and of scipy’s mquantiles(1, 1)', () => {
    for (const { values, at, expected } of reference.quantile) {
      at.forEach((q, i) => {
        agree(quantile(values, q), expected[i]!);
      });
    }
  });

  test('sums are those of math.fsum', () => {
    for (const { values, sum: want } of reference.sum) agree(sum(values), want);
  });

  test('sfc32 and the indices drawn from it are those of a second implementation', () => {
    const { seed, words, indicesBelow12 } = reference.sfc32;
    const random = sfc32(seed);
    expect(words.map(() => random())).toEqual(words);
    const again = sfc32(seed);
    expect(indicesBelow12.map(() => below(again, 12))).toEqual(indicesBelow12);
  });
});

const PARAMS = { seed: 42, resamples: reference.resamples };

function windows(logps?: number[][]): Samples {
  const rows = reference.corpus.documents.map((document, index): SampleRow => {
    const logp = logps?.[index] ?? document.logp;
    return {
      kind: 'window',
      batch: 0,
      document: index,
      window: 0,
      scoreFrom: 1,
      ...document,
      logp,
    };
  });
  return groupSamples(rows);
}

describe('a corpus of 12 documents, scored by random softmaxes over 40 tokens', () => {
  const names = ['loss', 'perplexity', 'tokenAccuracy', 'brier'] as const;
  test.each(names)('%s and its bootstrap interval', (name) => {
    const formula = `eval.${name === 'tokenAccuracy' ? 'token-accuracy' : name}/1`;
    agreeOn(computeMetric({ formula, params: PARAMS }, windows()), reference.corpus[name]);
  });

  test('the tails that few documents need', () => {
    const metric = computeMetric({ formula: 'eval.loss/2', params: PARAMS }, windows());
    agreeOn(metric, reference.corpus.lossExpanded);
  });

  test('calibration error', () => {
    const params = { bins: reference.corpus.bins };
    const { value } = computeMetric({ formula: 'eval.ece/1', params }, windows());
    agree(value, reference.corpus.ece);
  });

  test('loss of the tokens that saw 4 to 7 tokens', () => {
    const params = { ...PARAMS, from: 4, to: 8 };
    const { value } = computeMetric({ formula: 'eval.loss-at-context/1', params }, windows());
    agree(value, reference.corpus.lossWith4To7Tokens);
  });

  test('paired perplexity ratio', () => {
    const pair = { variant: windows(reference.corpus.worseLogp), baseline: windows() };
    const compared = compareRuns('compare.perplexity-ratio/2', pair, { ...PARAMS, margin: 0.01 });
    agreeOn(compared, reference.corpus.perplexityRatio);
    agree(compared.p, reference.corpus.perplexityRatio.p);
  });

  test('the interval is that of the same resamples in numpy', () => {
    const { documents, loss } = reference.corpus;
    const numerators = documents.map(({ logp }) => -logp.reduce((a, b) => a + b, 0));
    const denominators = documents.map(({ logp }) => logp.length);
    bootstrapRatio({ numerators, denominators, ...PARAMS }).forEach((end, i) => {
      agree(end, loss.ci95[i]!);
    });
  });
});

function labelled(correct: boolean[]): Samples {
  const { labels, logp } = reference.items;
  const rows = labels.map((label, item): SampleRow => {
    const outcome = { correct: correct[item]!, logp: logp[item]!, tokens: 1 };
    return { kind: 'item', batch: 0, item, label, ...outcome };
  });
  return groupSamples(rows);
}

describe('60 labelled items', () => {
  const { correct, variantCorrect } = reference.items;

  test('accuracy, mean over labels, loss of the label', () => {
    const of = (formula: string) => computeMetric({ formula, params: PARAMS }, labelled(correct));
    agreeOn(of('task.accuracy/1'), reference.items.accuracy);
    agree(of('task.macro-accuracy/1').value, reference.items.macroAccuracy);
    agreeOn(of('task.label-loss/1'), reference.items.labelLoss);
  });

  test('paired accuracy difference', () => {
    const pair = { variant: labelled(variantCorrect), baseline: labelled(correct) };
    const params = { ...PARAMS, margin: 0.01 };
    const compared: Comparison = compareRuns('compare.accuracy-difference/2', pair, params);
    agreeOn(compared, reference.items.accuracyDifference);
    agree(compared.p, reference.items.accuracyDifference.p);
  });
});
