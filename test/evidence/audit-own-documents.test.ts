/** Seeded single-number edits of our own report: its evidence finds every one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResolvableRun } from '../../src/analyze/reference.ts';
import { auditFiles } from '../../src/evidence/audit/audit-files.ts';
import { verifyDocument } from '../../src/evidence/verify-document.ts';
import { findNumerals } from '../../src/record/find-numerals.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { mulberry } from '../support/foreign-documents.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let log: string;
let sidecar: string;
let original: string;
let runs: Map<string, ResolvableRun>;

beforeAll(async () => {
  lab = temporaryLab();
  await measureAll(lab);
  runs = new Map(runsOf(lab).map((run) => [run.manifest.runId, run]));
  const report = collectExperiment(EXPERIMENT.name, [...runs.values()]);
  const dir = join(lab.reportsDir, EXPERIMENT.name);
  ({ logPath: log, evidencePath: sidecar } = writeReport(report, { dir, version: '0.0.0' }));
  original = readFileSync(log, 'utf8');
});
afterAll(() => lab.remove());

/** One digit of one numeral becomes another. */
function edit(seed: number): { text: string; line: number; from: string; to: string } {
  const random = mulberry(seed);
  const numerals = findNumerals(original);
  const numeral = numerals[Math.floor(random() * numerals.length)]!;
  const digits = [...numeral.text].flatMap((c, i) => (/\d/.test(c) ? [i] : []));
  const at = digits[Math.floor(random() * digits.length)]!;
  const digit = (Number(numeral.text[at]) + 1 + Math.floor(random() * 9)) % 10;
  const to = numeral.text.slice(0, at) + digit + numeral.text.slice(at + 1);
  const lines = original.split('\n');
  const line = lines[numeral.line - 1]!;
  const start = numeral.column - 1;
  lines[numeral.line - 1] = line.slice(0, start) + to + line.slice(start + numeral.text.length);
  return { text: lines.join('\n'), line: numeral.line, from: numeral.text, to };
}

it('1,000 edits of one number each: all are found, on their line', { timeout: 300_000 }, () => {
  const missed: string[] = [];
  for (let seed = 0; seed < 1000; seed++) {
    const { text, line, from, to } = edit(seed);
    writeFileSync(log, text);
    const { discrepancies } = verifyDocument(sidecar, {
      root: lab.root,
      lookup: (runId) => runs.get(runId),
    });
    if (!discrepancies.some((d) => d.place?.line === line)) missed.push(`${line}: ${from} → ${to}`);
  }
  writeFileSync(log, original);
  console.log(`missed: ${missed.length} of 1000`);
  expect(missed).toEqual([]);
});

it('the audit takes a document with evidence by its evidence', async () => {
  const [clean] = (await auditFiles([log], { cwd: '/', logs: null })).files;
  expect(clean?.findings).toEqual([]);
  expect(clean?.held).toBeGreaterThan(20);
  const { text, line } = edit(3);
  writeFileSync(log, text);
  const [spoilt] = (await auditFiles([log], { cwd: '/', logs: null })).files;
  writeFileSync(log, original);
  expect(spoilt?.findings).toHaveLength(1);
  expect(spoilt?.findings[0]).toMatchObject({ severity: 'refuted', place: { line } });
});
