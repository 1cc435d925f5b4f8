/** `summary.csv`, cell by cell: each number is computed again from the rows of the run it names. */
import { type MetricPart, type RunLookup, resolveNumber } from '../analyze/reference.ts';
import { type CsvCell, csvRows } from '../logs/csv.ts';
import type { Discrepancy } from './discrepancy.ts';

const PARTS: Readonly<Record<string, MetricPart>> = {
  value: 'value',
  n: 'n',
  units: 'units',
  ci95_low: 'ci95.0',
  ci95_high: 'ci95.1',
};

/** How many numbers were computed again, and which cells say something else. */
export function verifyTable(
  of: { readonly file: string; readonly text: string },
  lookup: RunLookup,
): { numbers: number; discrepancies: Discrepancy[] } {
  const { file, text } = of;
  const [head = [], ...rows] = csvRows(text, ',');
  const lines = text.split('\n');
  const discrepancies: Discrepancy[] = [];
  let numbers = 0;
  for (const row of rows) {
    const cell = (name: string): CsvCell | undefined =>
      row[head.findIndex((each) => each.text === name)];
    const [run = '', metric = ''] = [cell('run')?.text, cell('metric')?.text];
    if (metric === '') continue;
    for (const [column, part] of Object.entries(PARTS)) {
      const standing = cell(column);
      const value = resolveNumber({ from: 'metric', run, metric, part }, lookup);
      const expected = value === null ? '' : String(value);
      numbers++;
      if (!standing || standing.text === expected) continue;
      const { line } = standing.place;
      discrepancies.push({
        code: 'number-differs',
        message: `${metric}.${part} of run ${run}`,
        run,
        place: { file, ...standing.place, text: lines[line - 1] ?? '' },
        expected: expected || 'nothing',
        found: standing.text,
      });
    }
  }
  return { numbers, discrepancies };
}
