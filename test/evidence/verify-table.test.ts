/** Every column of summary.csv: a changed digit is one finding, at the cell that was changed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ResolvableRun } from '../../src/analyze/reference.ts';
import { verifyDocument } from '../../src/evidence/verify-document.ts';
import { csvRows } from '../../src/logs/csv.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let csv: string;
let original: string;
let runs: Map<string, ResolvableRun>;

beforeAll(async () => {
  lab = temporaryLab();
  await measureAll(lab);
  runs = new Map(runsOf(lab).map((run) => [run.manifest.runId, run]));
  const report = collectExperiment(EXPERIMENT.name, [...runs.values()]);
  csv = writeReport(report, { dir: join(lab.reportsDir, 'quickstart'), version: '0' }).csvPath;
  original = readFileSync(csv, 'utf8');
});
afterAll(() => lab.remove());
beforeEach(() => writeFileSync(csv, original));

const verify = (text = original) => {
  writeFileSync(csv, text);
  const sidecar = csv.replace('.csv', '.evidence.json');
  return verifyDocument(sidecar, { root: lab.root, lookup: (id) => runs.get(id) }).discrepancies;
};

/** First and last digit of first, middle and last cell of every column that has digits. */
function digits(): { name: string; line: number; at: number }[] {
  const [head = [], ...rows] = csvRows(original, ',');
  return head.flatMap(({ text: name, place }, column) => {
    const cells = rows.flatMap((row) => (/\d/.test(row[column]?.text ?? '') ? [row[column]!] : []));
    const some = [cells[0], cells[cells.length >> 1], cells.at(-1)].filter((cell) => !!cell);
    const inHead = /\d/.test(name) ? [{ text: name, place }] : [];
    return [...inHead, ...some].flatMap((cell) =>
      [/\d/, /\d(?!.*\d)/].map((pattern) => ({
        ...{ name, line: cell.place.line },
        at: cell.place.column - 1 + cell.text.search(pattern),
      })),
    );
  });
}

describe('a changed digit of summary.csv', () => {
  it('is one finding at its place in every column', () => {
    const tried = digits();
    expect(new Set(tried.map(({ name }) => name)).size).toBeGreaterThanOrEqual(9);
    const lines = original.split('\n');
    for (const { name, line, at } of tried) {
      const was = lines[line - 1]!;
      const digit = (Number(was[at]) + 7) % 10;
      const changed = was.slice(0, at) + digit + was.slice(at + 1);
      const found = verify(lines.with(line - 1, changed).join('\n'));
      const what = `${name}:${line}:${at + 1} ${JSON.stringify(found)}`;
      expect(found, what).toHaveLength(1);
      const { place, expected, found: standing } = found[0]!;
      expect(place, what).toMatchObject({ line, text: changed });
      expect(place!.column - 1, what).toBeLessThanOrEqual(at);
      expect(place!.column - 1 + place!.width, what).toBeGreaterThan(at);
      const within = at - (place!.column - 1);
      expect([expected![within], standing![within]], what).toEqual([was[at], `${digit}`]);
    }
  });
});

describe('more than a digit', () => {
  const cases: [string, string, string][] = [
    ['experiment', 'quickstart', 'quickest'],
    ['model', 'builtin:made-up', 'builtin:other'],
    ['scheme', 'int4-g128', 'f32'],
    ['unit', 'nats', 'bits'],
    ['unit_of', 'documents', 'tokens'],
    ['formula', 'eval.loss/2', 'eval.perplexity/2'],
  ];
  it.each(cases)('in column %s is found in its cell', (name, was, is) => {
    const [head = [], ...rows] = csvRows(original, ',');
    const column = head.findIndex(({ text }) => text === name);
    const row = rows.find((each) => each[column]?.text === was)!;
    const { line, column: at } = row[column]!.place;
    const lines = original.split('\n');
    const before = lines[line - 1]!;
    const after = before.slice(0, at - 1) + is + before.slice(at - 1 + was.length);
    const found = verify(lines.with(line - 1, after).join('\n'));
    const place = { line, column: at, width: is.length };
    expect(found).toMatchObject([{ place, expected: was, found: is }]);
  });

  it('names a run that is not there once, at its cell', () => {
    const id = [...runs.keys()].find((each) => each.includes('~f32~eval'))!;
    const found = verify(
      original.replaceAll(id, 'quickstart/none~f32~eval/20261120T100000Z-zzzzzz'),
    );
    expect(found).toMatchObject([{ code: 'number-without-evidence', place: { line: 2 } }]);
  });
});
