import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { assayHere } from '../support/in-process.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';
import { smallLogs } from '../support/small-logs.ts';

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

const metricsOf = async (wanted: string) =>
  (await explain(lab, wanted)).metrics.map(({ run, metric, field }) => [
    run.split('/')[1],
    metric,
    field,
  ]);

describe('a number', () => {
  const lossOfF32 = ['made-up~f32~eval', 'loss', 'value'];

  test('fits at any rounding of its value, and at no other', async () => {
    for (const digits of [2, 3, 4, 6, 10]) {
      expect(await metricsOf(loss.value!.toFixed(digits))).toContainEqual(lossOfF32);
    }
    const off = (loss.value! + 0.001).toFixed(4);
    await expect(metricsOf(off)).rejects.toThrow(UsageError);
  });

  test('fits as a bound of an interval', async () => {
    const [low] = loss.ci95!;
    expect(await metricsOf(low.toFixed(4))).toContainEqual(['made-up~f32~eval', 'loss', 'ci95[0]']);
  });

  test('shares fit as percentages, bytes as MiB', async () => {
    expect(await metricsOf('90.00 %')).toContainEqual(['made-up~f32~intents', 'accuracy', 'value']);
    expect(await metricsOf('0.9')).toContainEqual(['made-up~f32~intents', 'accuracy', 'value']);
    expect(await metricsOf('3.82')).toContainEqual([
      'made-up~f32~eval',
      'storedWeightBytes',
      'value',
    ]);
    expect(await metricsOf('4,004,000')).toContainEqual([
      'made-up~f32~eval',
      'storedWeightBytes',
      'value',
    ]);
  });

  test('that a document derives is told with its origin and its place', async () => {
    const { derived } = await explain(lab, '73.7 %');
    expect(derived[0]).toMatchObject({ text: '73.7' });
    expect(derived[0]!.origin).toContain('1 − storedWeightBytes of run');
    expect(derived[0]!.printed[0]!.place).toMatch(
      /^reports\/quickstart\/EXPERIMENT_LOG\.md:\d+:\d+$/,
    );
    expect((await explain(lab, '-15.00')).derived[0]!.origin).toContain(
      'compare.accuracy-difference/2',
    );
    expect((await explain(lab, '1,234,567')).derived[0]!.origin).toContain('model.parameters');
  });

  test('of a comparison stands on the rows of both runs and a formula in words', async () => {
    const [found, ...rest] = (await explain(lab, '-15.00')).derived;
    expect(rest).toEqual([]);
    expect(found!.printed.length).toBeGreaterThan(1);
    expect(found!.footings.map(({ file }) => file.split('/')[2])).toEqual([
      'made-up~int4-g128~intents',
      'made-up~f32~intents',
    ]);
    for (const { file, rows, by } of found!.footings) {
      expect(file).toMatch(/samples\.jsonl$/);
      expect(rows).toMatchObject({ kind: 'item' });
      expect(rows!.count).toBeGreaterThan(0);
      expect(by).toContain('McNemar');
    }
    expect(Object.keys(COMPARISON_TEXTS).sort()).toEqual(Object.keys(COMPARISONS).sort());
  });

  test('every number that a document prints can be explained', async () => {
    const [sidecar] = sidecars(lab);
    const { numbers } = JSON.parse(readFileSync(sidecar!, 'utf8')) as {
      numbers: { text: string }[];
    };
    for (const text of new Set(numbers.map((number) => number.text))) {
      const { metrics, derived } = await explain(lab, text);
      expect(metrics.length + derived.length, text).toBeGreaterThan(0);
      for (const { origin, footings, stands } of derived) {
        expect(footings.length, origin).toBeGreaterThan(0);
        expect(stands, origin).toBe(true);
      }
      for (const { metric, stands, printed } of metrics) {
        expect(stands, metric).toBe(true);
        expect(
          printed.every((each) => each.stands),
          metric,
        ).toBe(true);
      }
    }
  });
});

describe('RUN:METRIC', () => {
  test('names formula, file, rows and the places where it is printed', async () => {
    const [found] = (await explain(lab, '20261120T053400Z-000000:perplexity')).metrics;
    expect(found).toMatchObject({
      metric: 'perplexity',
      field: 'value',
      file: 'runs/quickstart/made-up~f32~eval/20261120T053400Z-000000/samples.jsonl',
      rows: { kind: 'window', count: 36, lines: '4–39' },
    });
    expect(found!.formula).toContain('exp(loss)');
    expect(found!.printed.every(({ place }) => place.startsWith('reports/'))).toBe(true);
    expect(found!.printed.map(({ text }) => text)).toContain('7.3222');
  });

  test('an unknown metric is answered with those that there are', async () => {
    const work = explain(lab, '20261120T053400Z-000000:nonsense');
    await expect(work).rejects.toMatchObject({
      message: expect.stringContaining('has no metric nonsense'),
      hint: expect.stringContaining('perplexity'),
    });
  });
});

test.each(['not a number', '1.2.3', '0x10', ''])(
  '%j is refused with an example',
  async (wanted) => {
    await expect(explain(lab, wanted)).rejects.toThrow('is neither a number nor RUN:METRIC');
  },
);

test('the whole lab verifies: no metric, sample or document differs', async () => {
  const found = await verifyLab(lab);
  // Nobody sealed these runs.
  expect(found.discrepancies.filter(({ code }) => code !== 'unsealed-run')).toEqual([]);
  expect(found).toMatchObject({ runs: 8, unfinished: 0 });
  expect(found.numbers).toBeGreaterThan(100);
});

describe('as readers type it', () => {
  const loss = ['made-up~f32~eval', 'perplexity', 'value'];
  const bytes = ['made-up~f32~eval', 'storedWeightBytes', 'value'];

  test.each([
    ['7.3222', loss],
    ['+7.3222', loss],
    ['× 7.3222', loss],
    ['7.3222×', loss],
    ['7.32e0', loss],
    ['4 004 000 bytes', bytes],
    ['4,004,000', bytes],
    ['3.82 MiB', bytes],
    ['4.00 MB', bytes],
  ])('%s is found', async (wanted, expected) => {
    expect(await metricsOf(wanted)).toContainEqual(expected);
  });

  test.each(['3.82 GiB', '3.82 %', '7.3222 MiB'])('%s is of another unit', async (wanted) => {
    await expect(metricsOf(wanted)).rejects.toThrow('no metric of this lab rounds to');
  });

  test.each([
    ['7,32', 'a comma groups thousands', 'assay explain 7.32'],
    ['9,321', 'no metric of this lab rounds to', 'assay explain 9.321'],
  ])('%s: the hint has the point', async (wanted, message, hint) => {
    await expect(explain(lab, wanted)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test('a minus is a minus, whichever it is', async () => {
    const [plain, typographic] = [await explain(lab, '-15.00'), await explain(lab, '−15.00 %')];
    expect(typographic).toEqual(plain);
  });

  test('all roundings of one number are told together', async () => {
    const { printed } = (await explain(lab, '7.3222')).metrics[0]!;
    const all = (await explain(lab, '7.32')).metrics.find(({ metric }) => metric === 'perplexity');
    expect(all!.printed).toEqual(printed);
  });
});

describe('a number that was changed', () => {
  const log = () => join(lab.reportsDir, EXPERIMENT.name, 'EXPERIMENT_LOG.md');

  test('in the document does not stand there, and elsewhere it does', async () => {
    const before = readFileSync(log(), 'utf8');
    writeFileSync(log(), before.replace('7.3222', '7.3223'));
    const { metrics } = await explain(lab, '7.3222');
    writeFileSync(log(), before);
    const [found] = metrics.filter(({ metric }) => metric === 'perplexity');
    expect(found!.printed.filter(({ stands }) => !stands)).toHaveLength(1);
    expect(found!.printed.some(({ stands }) => stands)).toBe(true);
    expect(found!.stands).toBe(true);
  });

  test('in its rows is no longer given by them', async () => {
    const rows = join(lab.runsDir, (await explain(lab, '7.3222')).metrics[0]!.run, 'samples.jsonl');
    const before = readFileSync(rows, 'utf8');
    const lines = before.split('\n');
    writeFileSync(rows, lines.filter((line) => !line.includes('"document":0,')).join('\n'));
    const { metrics } = await explain(lab, '7.3222');
    writeFileSync(rows, before);
    const [found] = metrics.filter(({ metric }) => metric === 'perplexity');
    expect(found!.stands).toBe(false);
    expect(found!.printed.every(({ stands }) => !stands)).toBe(true);
  });
});

test('a number of LOGS.md is told with its log and its field', async () => {
  const logs = smallLogs();
  const root = join(lab.root, 'reports/logs');
  const out = await assayHere(['logs', 'index', logs.dir, '--out', root], lab.root);
  expect(out.code).toBe(0);
  const { numbers } = JSON.parse(readFileSync(join(root, 'LOGS.evidence.json'), 'utf8'));
  const { text, reference } = numbers[0] as { text: string; reference: { log: string } };
  const { derived } = await explain(lab, text);
  logs.remove();
  rmSync(root, { recursive: true });
  const found = derived.find(({ footings }) => footings[0]?.file === reference.log);
  expect(found).toMatchObject({ stands: true, origin: expect.stringContaining(reference.log) });
});
