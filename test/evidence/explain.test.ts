import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPARISON_TEXTS, COMPARISONS } from '../../src/analyze/compare.ts';
import { explain } from '../../src/evidence/explain.ts';
import { sidecars, verifyLab } from '../../src/evidence/verify.ts';
import { UsageError } from '../../src/record/errors.ts';
import type { Metric } from '../../src/record/schema.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let loss: Metric;

beforeAll(async () => {
  lab = temporaryLab();
  await measureAll(lab);
  const runs = runsOf(lab);
  const dir = join(lab.reportsDir, EXPERIMENT.name);
  writeReport(collectExperiment(EXPERIMENT.name, runs), { dir, version: '0.0.0' });
  const f32 = runs.find((run) => run.manifest.runId.includes('~f32~eval'))!;
  loss = f32.summary!.metrics.loss!;
});
afterAll(() => lab.remove());

const metricsOf = (wanted: string) =>
  explain(lab, wanted).metrics.map(({ run, metric, field }) => [run.split('/')[1], metric, field]);

describe('a number', () => {
  const lossOfF32 = ['made-up~f32~eval', 'loss', 'value'];

  test('fits at any rounding of its value, and at no other', () => {
    for (const digits of [2, 3, 4, 6, 10]) {
      expect(metricsOf(loss.value!.toFixed(digits))).toContainEqual(lossOfF32);
    }
    const off = (loss.value! + 0.001).toFixed(4);
    expect(() => metricsOf(off)).toThrow(UsageError);
  });

  test('fits as a bound of an interval', () => {
    const [low] = loss.ci95!;
    expect(metricsOf(low.toFixed(4))).toContainEqual(['made-up~f32~eval', 'loss', 'ci95[0]']);
  });

  test('shares fit as percentages, bytes as MiB', () => {
    expect(metricsOf('90.00 %')).toContainEqual(['made-up~f32~intents', 'accuracy', 'value']);
    expect(metricsOf('0.9')).toContainEqual(['made-up~f32~intents', 'accuracy', 'value']);
    expect(metricsOf('3.82')).toContainEqual(['made-up~f32~eval', 'storedWeightBytes', 'value']);
    expect(metricsOf('4,004,000')).toContainEqual([
      'made-up~f32~eval',
      'storedWeightBytes',
      'value',
    ]);
  });

  test('that a document derives is told with its origin and its place', () => {
    const { derived } = explain(lab, '73.7 %');
    expect(derived[0]).toMatchObject({ text: '73.7' });
    expect(derived[0]!.origin).toContain('1 − storedWeightBytes of run');
    expect(derived[0]!.printed[0]).toMatch(/^reports\/quickstart\/EXPERIMENT_LOG\.md:\d+:\d+$/);
    expect(explain(lab, '-15.00').derived[0]!.origin).toContain('compare.accuracy-difference/2');
    expect(explain(lab, '1,234,567').derived[0]!.origin).toContain('model.parameters');
  });

  test('of a comparison stands on the rows of both runs and a formula in words', () => {
    const [found, ...rest] = explain(lab, '-15.00').derived;
    expect(rest).toEqual([]);
    expect(found!.printed.length).toBeGreaterThan(1);
    expect(found!.stands.map(({ file }) => file.split('/')[2])).toEqual([
      'made-up~int4-g128~intents',
      'made-up~f32~intents',
    ]);
    for (const { file, rows, by } of found!.stands) {
      expect(file).toMatch(/samples\.jsonl$/);
      expect(rows).toMatchObject({ kind: 'item' });
      expect(rows!.count).toBeGreaterThan(0);
      expect(by).toContain('McNemar');
    }
    expect(Object.keys(COMPARISON_TEXTS).sort()).toEqual(Object.keys(COMPARISONS).sort());
  });

  test('every number that a document prints can be explained', () => {
    const [sidecar] = sidecars(lab);
    const { numbers } = JSON.parse(readFileSync(sidecar!, 'utf8')) as {
      numbers: { text: string }[];
    };
    for (const text of new Set(numbers.map((number) => number.text))) {
      const { metrics, derived } = explain(lab, text);
      expect(metrics.length + derived.length, text).toBeGreaterThan(0);
      for (const { origin, stands } of derived) expect(stands.length, origin).toBeGreaterThan(0);
    }
  });
});

describe('RUN:METRIC', () => {
  test('names formula, file, rows and the places where it is printed', () => {
    const [found] = explain(lab, '20261120T053400Z-000000:perplexity').metrics;
    expect(found).toMatchObject({
      metric: 'perplexity',
      field: 'value',
      file: 'runs/quickstart/made-up~f32~eval/20261120T053400Z-000000/samples.jsonl',
      rows: { kind: 'window', count: 36, lines: '4–39' },
    });
    expect(found!.formula).toContain('exp(loss)');
    expect(found!.printed.every((place) => /^reports\/.*\(.+\)$/.test(place))).toBe(true);
    expect(found!.printed.join()).toContain('(7.3222)');
  });

  test('an unknown metric is answered with those that there are', () => {
    const work = () => explain(lab, '20261120T053400Z-000000:nonsense');
    expect(work).toThrow('has no metric nonsense');
    try {
      work();
    } catch (error) {
      expect((error as UsageError).hint).toContain('perplexity');
    }
  });
});

test.each(['not a number', '1.2.3', '0x10', ''])('%j is refused with an example', (wanted) => {
  expect(() => explain(lab, wanted)).toThrow('is neither a number nor RUN:METRIC');
});

test('the whole lab verifies: no metric, sample or document differs', async () => {
  const found = await verifyLab(lab);
  // Nobody sealed these runs.
  expect(found.discrepancies.filter(({ code }) => code !== 'unsealed-run')).toEqual([]);
  expect(found).toMatchObject({ runs: 8, unfinished: 0 });
  expect(found.numbers).toBeGreaterThan(100);
});
