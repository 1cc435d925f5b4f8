/** What is no file any more, what lost its companions, and what an editor or git rewrote. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyLab } from '../../src/evidence/verify.ts';
import { labAt } from '../../src/record/lab.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { writeCharts } from '../../src/report/charts/write-charts.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { assayHere } from '../support/in-process.ts';
import { EXPERIMENT, measure, runsOf } from '../support/measured-lab.ts';

let whole: ReturnType<typeof temporaryLab>;
let copy: ReturnType<typeof temporaryLab>;
let runId: string;

beforeAll(async () => {
  whole = temporaryLab();
  runId = await measure(whole, { scheme: 'f32', measure: 'eval', loses: 0 }, 0);
  await measure(whole, { scheme: 'int4-g128', measure: 'eval', loses: 0.1 }, 1);
  writeSeal(whole);
  const report = collectExperiment(EXPERIMENT.name, runsOf(whole));
  const dir = join(whole.reportsDir, EXPERIMENT.name);
  const charts = await writeCharts(report, dir);
  writeReport(report, { dir, version: '0.0.0', charts });
  copy = temporaryLab();
});
afterAll(() => {
  whole.remove();
  copy.remove();
});
beforeEach(() => {
  rmSync(copy.root, { recursive: true, force: true });
  cpSync(whole.root, copy.root, { recursive: true });
});

const report = (name: string) => join(copy.reportsDir, EXPERIMENT.name, name);
const inRun = (name: string) => join(copy.runsDir, runId, name);
const found = async () => (await verifyLab(labAt(copy.root))).discrepancies;
const messages = async () => (await found()).map(({ message }) => message);

/** In place of the file: what blocks a reader for ever, or is no file. */
function replace(path: string, by: 'fifo' | 'directory'): void {
  rmSync(path);
  if (by === 'fifo') execFileSync('mkfifo', [path]);
  else mkdirSync(path);
}

it('everything stands before anything is changed', async () => {
  expect(await found()).toEqual([]);
});

describe('what was written together', () => {
  it('is missed: the folder of the charts with all its evidence', async () => {
    const charts = readdirSync(report('charts')).filter((name) => name.endsWith('.vl.json'));
    expect(charts.length).toBeGreaterThan(0);
    rmSync(report('charts'), { recursive: true });
    const expected = charts.map((name) => `reports/quickstart/charts/${name} was deleted`);
    expect((await messages()).sort()).toEqual(expected.sort());
  });

  it('is missed: one chart with all its files', async () => {
    const names = readdirSync(report('charts'));
    for (const name of names) if (name.startsWith('memory.')) rmSync(report(`charts/${name}`));
    expect(await messages()).toEqual(['reports/quickstart/charts/memory.vl.json was deleted']);
  });

  it.each([
    ['summary.csv', 'summary.evidence.json'],
    ['EXPERIMENT_LOG.md', 'EXPERIMENT_LOG.evidence.json'],
  ])('is missed: %s with its evidence', async (name, evidence) => {
    rmSync(report(name));
    rmSync(report(evidence));
    expect(await messages()).toEqual([`reports/quickstart/${name} was deleted`]);
  });

  it('is told once where its own evidence still stands', async () => {
    rmSync(report('charts/memory.vl.json'));
    expect(await messages()).toEqual(['reports/quickstart/charts/memory.vl.json was deleted']);
  });
});

describe('an editor or git', () => {
  const marks: [string, (text: string) => string, string][] = [
    ['line ends', (text) => text.replaceAll('\n', '\r\n'), 'its line ends (CR LF in place of LF)'],
    ['a byte order mark', (text) => `\ufeff${text}`, 'a byte order mark at its start'],
  ];
  it.each(marks)('that changed %s is told from one that changed more', async (_, edit, what) => {
    for (const path of [
      report('EXPERIMENT_LOG.md'),
      report('summary.csv'),
      inRun('samples.jsonl'),
    ]) {
      const before = readFileSync(path, 'utf8');
      writeFileSync(path, edit(before));
      const told = await messages();
      expect(told, path).toHaveLength(1);
      expect(told[0]).toContain(`is as it was written but for ${what}`);
      writeFileSync(
        path,
        edit(before).replace('quickstart', 'quickest').replace('"kind"', '"kink"'),
      );
      expect((await messages()).join()).not.toContain('but for');
      writeFileSync(path, before);
    }
  });

  it('that rewrote every sample differently is told in some lines', async () => {
    const path = inRun('samples.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.length).toBeGreaterThan(20);
    writeFileSync(path, lines.map((line) => line.replace('"kind"', '"Kind"')).join('\n'));
    const edited = (await found()).filter(({ code }) => code === 'sample-edited');
    expect(edited).toHaveLength(5);
    expect(edited.at(-1)!.message).toMatch(/as in \d+ more lines/);
  });
});

describe.each(['fifo', 'directory'] as const)('a %s', (what) => {
  const name = what === 'fifo' ? 'a FIFO' : 'a directory';

  it.each(['samples.jsonl', 'results_summary.json'])('in place of %s', async (file) => {
    replace(inRun(file), what);
    expect((await messages()).join('\n')).toContain(`${file} is ${name}, not the file`);
  });

  it.each(['EXPERIMENT_LOG.md', 'summary.csv', 'charts/memory.svg'])(
    'in place of %s',
    async (file) => {
      replace(report(file), what);
      const told = await found();
      expect(told).toMatchObject([{ code: 'document-unreadable' }]);
      expect(told[0]!.message).toContain(`it is ${name}, not a file`);
    },
  );

  it('in place of a manifest makes the run unreadable, and no listing wait', async () => {
    replace(inRun('manifest.json'), what);
    const listed = await assayHere(['runs', 'ls'], copy.root);
    expect(listed).toMatchObject({ code: 0 });
    expect((await messages()).join('\n')).toContain(`it is ${name}, not a file`);
  });
});

it('a link to a folder above shows no document twice', async () => {
  symlinkSync(copy.reportsDir, join(copy.reportsDir, 'again'));
  const { documents, discrepancies } = await verifyLab(labAt(copy.root));
  expect(discrepancies).toEqual([]);
  expect(documents).toBe((await verifyLab(labAt(whole.root))).documents);
});

it('numbers that the report did not write are told once a document on the terminal', async () => {
  const path = report('EXPERIMENT_LOG.evidence.json');
  const evidence = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...evidence, numbers: [] }));
  const { stdout, code } = await assayHere(['verify'], copy.root);
  expect(code).toBe(6);
  expect(stdout.match(/a number that the report did not write/g)).toHaveLength(1);
  expect(stdout).toMatch(/and \d+ more of reports\/quickstart\/EXPERIMENT_LOG.md like it/);
});

describe('what no writer wrote is found, and ends nothing', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const inject = (path: string, member: string): void => {
    writeFileSync(path, readFileSync(path, 'utf8').replace('{', `{${member},`));
  };

  it.each([
    ['a nesting that no stack holds', `"x": ${deep}`],
    ['a number that no double holds', '"x": 1e999'],
  ])('%s', async (_, member) => {
    for (const path of [
      ...[inRun('manifest.json'), inRun('results_summary.json')],
      ...[report('EXPERIMENT_LOG.evidence.json'), report('charts/memory.vl.json')],
    ]) {
      const before = readFileSync(path, 'utf8');
      inject(path, member);
      const { code, stderr } = await assayHere(['verify'], copy.root);
      expect({ code, stderr }, path).toEqual({ code: 6, stderr: '' });
      expect((await assayHere(['runs', 'ls'], copy.root)).code).toBe(0);
      writeFileSync(path, before);
    }
  });

  it.each(['__proto__', 'toString', 'none/1'])('a formula called %s', async (formula) => {
    const path = inRun('results_summary.json');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replaceAll(/"formula": "[^"]*"/g, `"formula": "${formula}"`));
    const { code, stdout } = await assayHere(['verify'], copy.root);
    expect(code).toBe(6);
    expect(stdout).toContain('results_summary.json');
  });

  it('references and formats of no kind in a sidecar', async () => {
    const path = report('EXPERIMENT_LOG.evidence.json');
    const evidence = JSON.parse(readFileSync(path, 'utf8'));
    evidence.numbers[0].reference = { from: 'nonsense', run: 'x' };
    evidence.numbers[1].format = { style: 'fixed', digits: 1e9 };
    evidence.numbers[2].line = -5;
    writeFileSync(path, JSON.stringify(evidence));
    const { code, stdout } = await assayHere(['verify'], copy.root);
    expect(code).toBe(6);
    expect(stdout).toContain('a number from "nonsense"');
  });
});
