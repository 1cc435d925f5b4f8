import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Manifest, Metric } from '../record/schema.ts';
import type { CellReport, ExperimentReport } from './collect.ts';
import { summaryCsv } from './summary-csv.ts';

/** RFC 4180, with \n as line end: an independent reader. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (quoted && c === '"' && text[at + 1] === '"') {
      cell += '"';
      at++;
    } else if (c === '"') {
      quoted = !quoted;
    } else if (!quoted && (c === ',' || c === '\n')) {
      rows.at(-1)!.push(cell);
      cell = '';
      if (c === '\n') rows.push([]);
    } else {
      cell += c;
    }
  }
  return rows.slice(0, -1);
}

const metric = (value: number | null, changes: Partial<Metric> = {}): Metric => ({
  value,
  unit: 'nats',
  n: 10,
  units: 10,
  unitOf: 'documents',
  ci95: null,
  formula: 'eval.loss/1',
  params: {},
  samples: 'samples.jsonl',
  ...changes,
});

function report(model: string, metrics: Record<string, Metric> | null): ExperimentReport {
  const manifest = { runId: 'e/c/a', config: {} } as Manifest;
  const summary = metrics && { schema: 'assay.summary/1' as const, runId: 'e/c/a', metrics };
  const run = { manifest, summary, rows: () => [] };
  const cell: CellReport = {
    model,
    scheme: 'f32',
    measure: 'eval',
    run,
    status: metrics ? 'succeeded' : 'failed',
    attempts: 1,
  };
  return {
    name: 'e',
    cells: [cell],
    comparisons: [],
    measures: ['eval'],
  } as unknown as ExperimentReport;
}

test('one row a metric, all digits, under a header', () => {
  const loss = metric(1 / 3, { ci95: [0.1 + 0.2, 0.5], simulated: 'simulated: why, exactly' });
  const [header, row, ...rest] = parseCsv(summaryCsv(report('m', { loss })));
  expect(rest).toEqual([]);
  expect(Object.fromEntries(header!.map((name, i) => [name, row![i]]))).toEqual({
    experiment: 'e',
    model: 'm',
    scheme: 'f32',
    measure: 'eval',
    batch_size: '',
    status: 'succeeded',
    run: 'e/c/a',
    metric: 'loss',
    value: '0.3333333333333333',
    unit: 'nats',
    n: '10',
    units: '10',
    unit_of: 'documents',
    ci95_low: '0.30000000000000004',
    ci95_high: '0.5',
    formula: 'eval.loss/1',
    simulated: 'simulated: why, exactly',
  });
});

test('numbers survive the way through the file bit for bit, null is an empty cell', () => {
  const values = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(values, (value) => {
      const [, row] = parseCsv(summaryCsv(report('m', { loss: metric(value) })));
      // −0 is written 0.
      const want = value === null ? '' : String(value);
      expect(row![8]).toBe(want);
      if (value !== null) expect(Number(row![8])).toBe(value + 0);
    }),
  );
});

test('any text comes back, but that nothing starts like a formula', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'a=+-@,"\n\r\t ') }), (model) => {
      const rows = parseCsv(summaryCsv(report(model, { loss: metric(1) })));
      expect(rows).toHaveLength(2);
      const cell = rows[1]![1]!;
      expect(cell).not.toMatch(/^[=+@\t\r-]/);
      expect(cell.replace(/^'/, '')).toBe(model);
    }),
  );
});

test('a cell without a result has a row that says so, as wide as the header', () => {
  const [header, row] = parseCsv(summaryCsv(report('m', null)));
  expect(row!.slice(0, 7)).toEqual(['e', 'm', 'f32', 'eval', '', 'failed', 'e/c/a']);
  expect(row).toHaveLength(header!.length);
  expect(row!.slice(7).every((cell) => cell === '')).toBe(true);
});
