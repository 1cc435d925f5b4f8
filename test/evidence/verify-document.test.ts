import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ResolvableRun } from '../../src/analyze/reference.ts';
import { verifyDocument } from '../../src/evidence/verify-document.ts';
import { sha256Hex } from '../../src/record/canonical.ts';
import { findNumerals } from '../../src/record/find-numerals.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { type DocumentEvidence, sidecarJson } from '../../src/report/document.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let log: string;
let sidecar: string;
let original: string;
let evidence: DocumentEvidence;
let runs: Map<string, ResolvableRun>;

beforeAll(async () => {
  lab = temporaryLab();
  await measureAll(lab);
  runs = new Map(runsOf(lab).map((run) => [run.manifest.runId, run]));
  const report = collectExperiment(EXPERIMENT.name, [...runs.values()]);
  const dir = join(lab.reportsDir, EXPERIMENT.name);
  writeReport(report, { dir, version: '0.0.0' });
  writeFileSync(join(dir, 'notes.md'), '');
  ({ logPath: log, evidencePath: sidecar } = writeReport(report, { dir, version: '0.0.0' }));
  original = readFileSync(log, 'utf8');
  evidence = JSON.parse(readFileSync(sidecar, 'utf8'));
});
afterAll(() => lab.remove());
beforeEach(() => writeFileSync(log, original));

const verify = () =>
  verifyDocument(sidecar, { root: lab.root, lookup: (runId) => runs.get(runId) });

/** What is found after `was`, at its first place, became `is`. */
function edited(was: string, is: string) {
  expect(original).toContain(was);
  writeFileSync(
    log,
    original.replace(was, () => is),
  );
  return verify().discrepancies;
}

const codes = (was: string, is: string) => [...new Set(edited(was, is).map(({ code }) => code))];

test('a document as it was written stands, every number of it rendered again', () => {
  const document = 'reports/quickstart/EXPERIMENT_LOG.md';
  expect(verify()).toEqual({ document, numbers: evidence.numbers.length, discrepancies: [] });
});

describe('a changed number', () => {
  test('is shown with its place, its origin, what is expected and what stands there', () => {
    const [found, ...rest] = edited('| Perplexity | 7.3222 |', '| Perplexity | 7.2322 |');
    expect(rest).toEqual([]);
    expect(found).toMatchObject({
      code: 'number-differs',
      expected: '7.3222',
      found: '7.2322',
      run: expect.stringContaining('made-up~f32~eval'),
      message: expect.stringContaining('perplexity.value of run quickstart/made-up~f32~eval'),
      place: { text: expect.stringContaining('7.2322'), width: 6 },
    });
    const line = original.split('\n')[found!.place!.line - 1]!;
    expect(line.slice(found!.place!.column - 1)).toMatch(/^7\.3222 /);
  });

  test('every single cited number is watched', () => {
    const lines = original.split('\n');
    for (const { line, column, text } of evidence.numbers) {
      const last = column - 1 + text.length - 1;
      const was = lines[line - 1]!;
      const digit = (Number(was[last]) + 1) % 10;
      const changed = was.slice(0, last) + digit + was.slice(last + 1);
      writeFileSync(log, lines.with(line - 1, changed).join('\n'));
      const found = verify().discrepancies;
      expect(
        found.map(({ code }) => code),
        changed,
      ).toEqual(['number-differs']);
      expect(found[0]!.expected).toBe(text);
    }
  });

  test.each([
    ['a digit more', '7.3222 |', '7.32221 |', ['number-differs']],
    ['another rounding', '| 7.3222 |', '| 7.322 |', ['number-differs']],
    ['a sign', ' 7.3222 |', ' -7.3222 |', ['number-differs']],
    ['a sign in place of a space', '| 7.3222 |', '|-7.3222 |', ['number-added']],
    ['an exponent', '| 7.3222 |', '| 7.3222e3 |', ['number-differs']],
  ])('%s is one finding, though all behind it moved', (_, was, is, want) => {
    expect(edited(was, is).map(({ code }) => code)).toEqual(want);
  });

  test('a word instead of it', () => {
    expect(codes('| 7.3222 |', '| low |')).toContain('number-differs');
  });
});

describe('other numbers', () => {
  test('a constant of the text', () => {
    const [found] = edited('Intervals are 95 %', 'Intervals are 99 %');
    expect(found).toMatchObject({ code: 'constant-differs', expected: '95', found: '99' });
  });

  test('one that the report did not write', () => {
    const [added, ...rest] = edited('concurrent users: not', 'concurrent users, 12 of them: not');
    expect(rest).toEqual([]);
    expect(added).toMatchObject({ code: 'number-added', found: '12', place: { width: 2 } });
  });

  test('a constant that was removed, or a whole line with cited ones', () => {
    expect(codes('Intervals are 95 %', 'Intervals are wide')).toEqual(['number-removed']);
    const row = original.split('\n').find((line) => line.startsWith('| Perplexity |'))!;
    expect(codes(`${row}\n`, '')).toContain('number-differs');
  });

  test('the words around the numbers', () => {
    expect(codes('is **worse** than', 'is **better** than')).toEqual(['document-edited']);
  });
});

describe('what is gone', () => {
  test('the document', () => {
    rmSync(log);
    expect(verify().discrepancies).toEqual([
      {
        code: 'document-missing',
        message: 'reports/quickstart/EXPERIMENT_LOG.md was deleted',
      },
    ]);
  });

  test('a run: each of its numbers is named', () => {
    const gone = [...runs.keys()].find((id) => id.includes('int4-g128~eval'))!;
    const lookup = (id: string) => (id === gone ? undefined : runs.get(id));
    const found = verifyDocument(sidecar, { root: lab.root, lookup }).discrepancies;
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['number-without-evidence']));
    const citing = evidence.numbers.filter(({ reference }) => {
      const parts = [reference.run, 'baseline' in reference && reference.baseline];
      // An adjusted p stands on every run that was compared.
      const adjusted = reference.from === 'comparison' && reference.part === 'pHolm';
      return adjusted || parts.includes(gone);
    });
    expect(found).toHaveLength(citing.length);
  });

  test('a sidecar that cannot be read vouches for nothing', () => {
    const text = readFileSync(sidecar, 'utf8');
    for (const broken of ['', '{', '{"schema":"assay.document-evidence/2"}', text.slice(0, -20)]) {
      writeFileSync(sidecar, broken);
      expect(verify()).toMatchObject({
        numbers: 0,
        discrepancies: [{ code: 'evidence-unreadable' }],
      });
    }
    writeFileSync(sidecar, text);
    expect(verify().discrepancies).toEqual([]);
  });
});

test('a number of summary.csv is computed again, also where its evidence was forged', () => {
  const csv = join(lab.reportsDir, EXPERIMENT.name, 'summary.csv');
  const beside = csv.replace('.csv', '.evidence.json');
  const [text, said] = [readFileSync(csv, 'utf8'), readFileSync(beside, 'utf8')];
  const verified = () =>
    verifyDocument(beside, { root: lab.root, lookup: (runId) => runs.get(runId) });
  expect(verified().discrepancies).toEqual([]);
  expect(verified().numbers).toBeGreaterThan(100);

  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes(',perplexity,'));
  const forged = lines.with(at, lines[at]!.replace(/(,perplexity,\d+\.)\d/, '$19')).join('\n');
  expect(forged).not.toBe(text);
  writeFileSync(csv, forged);
  const { digest: _, ...evidenceOf } = JSON.parse(said);
  const again = { ...evidenceOf, sha256: sha256Hex(forged), constants: findNumerals(forged) };
  writeFileSync(beside, sidecarJson(again));
  const [found, ...rest] = verified().discrepancies;
  expect(rest).toEqual([]);
  expect(found).toMatchObject({
    code: 'number-differs',
    message: expect.stringMatching(/^perplexity\.value of run quickstart/),
    place: { line: at + 1, text: forged.split('\n')[at] },
  });
  writeFileSync(csv, text);
  writeFileSync(beside, said);
});
