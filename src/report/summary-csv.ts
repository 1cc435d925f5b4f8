/** summary.csv: one row a metric of a run, unrounded, for a spreadsheet or a notebook. */
import type { ExperimentReport } from './collect.ts';
import { batchSizeOf } from './collect-speed.ts';

const COLUMNS = [
  'experiment',
  'model',
  'scheme',
  'measure',
  'batch_size',
  'status',
  'run',
  'metric',
  'value',
  'unit',
  'n',
  'units',
  'unit_of',
  'ci95_low',
  'ci95_high',
  'formula',
  'simulated',
] as const;

/** RFC 4180. A formula-like start is quoted with an apostrophe, so that no spreadsheet runs it. */
function csvCell(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+@\t\r-]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function summaryCsv(report: ExperimentReport): string {
  const rows = report.cells.flatMap((cell) => {
    const head = [
      report.name,
      cell.model,
      cell.scheme,
      cell.measure,
      batchSizeOf(cell),
      cell.status,
    ];
    const metrics = Object.entries(cell.run?.summary?.metrics ?? {});
    if (metrics.length === 0) return [[...head, cell.run?.manifest.runId ?? '']];
    return metrics.map(([name, m]) => [
      ...head,
      cell.run?.manifest.runId,
      name,
      m.value,
      m.unit,
      m.n,
      m.units,
      m.unitOf,
      m.ci95?.[0],
      m.ci95?.[1],
      m.formula,
      m.simulated,
    ]);
  });
  return csvText(COLUMNS, rows);
}

type CsvValue = string | number | null | undefined;

/** A header and its rows, each as long as the header. */
export function csvText(
  columns: readonly string[],
  rows: readonly (readonly CsvValue[])[],
): string {
  const padded = rows.map((row) => columns.map((_, i) => csvCell(row[i])));
  return [columns, ...padded].map((row) => `${row.join(',')}\n`).join('');
}
