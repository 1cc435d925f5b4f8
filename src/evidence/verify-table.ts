/** `summary.csv`, cell by cell: each number is computed again from the rows of the run it names. */
import {
  type MetricPart,
  type NumberReference,
  type ResolvableRun,
  type RunLookup,
  resolveNumber,
} from '../analyze/reference.ts';
import { type CsvCell, csvRows } from '../logs/csv.ts';
import type { Discrepancy, Place } from './discrepancy.ts';
import type { MendedFile } from './mended-file.ts';

const PARTS: Readonly<Record<string, MetricPart>> = {
  value: 'value',
  n: 'n',
  units: 'units',
  ci95_low: 'ci95.0',
  ci95_high: 'ci95.1',
};

type Says = (run: ResolvableRun, metric: string) => string | null;

const OF_METRIC: Readonly<Record<string, Says>> = {
  unit: ({ summary }, metric) => summary?.metrics[metric]?.unit ?? null,
  unit_of: ({ summary }, metric) => summary?.metrics[metric]?.unitOf ?? null,
  formula: ({ summary }, metric) => summary?.metrics[metric]?.formula ?? null,
};

/** What the other columns say of a run and its metric. */
const TEXTS: Readonly<Record<string, Says>> = {
  experiment: ({ manifest }) => manifest.experiment,
  model: ({ manifest }) => manifest.variant.model,
  scheme: ({ manifest }) => manifest.variant.scheme,
  status: ({ manifest }) => manifest.status,
  ...OF_METRIC,
};

/** Before what a spreadsheet would take for a formula, the writer puts an apostrophe. */
const ESCAPED = /^'(?=[=+@\t\r-])/;

interface Table {
  /** Relative to the lab. */
  readonly file: string;
  readonly text: string;
  /** Where one digit is not as the table was written. */
  readonly mended: MendedFile | null;
}

/** How many numbers were computed again, and which cells say something else. */
export function verifyTable(
  { file, text, mended }: Table,
  lookup: RunLookup,
): { numbers: number; discrepancies: Discrepancy[] } {
  const standing = checkCells({ file, text }, lookup);
  if (!mended) return standing;
  // A digit of a name makes every number of its row that of another: the digit is what is wrong.
  const { discrepancy } = mended;
  const told = standing.discrepancies.find(
    (d) => d.expected !== undefined && covers(d.place, discrepancy.place),
  );
  const others = checkCells({ file, text: mended.text }, lookup);
  return { ...others, discrepancies: [told ?? discrepancy, ...others.discrepancies] };
}

/** undefined: its run asks for a formula that there is not. */
function numberOf(reference: NumberReference, lookup: RunLookup): number | null | undefined {
  try {
    return resolveNumber(reference, lookup);
  } catch {
    return undefined;
  }
}

function covers(outer: Place | undefined, inner: Place | undefined): boolean {
  if (!outer || !inner || outer.line !== inner.line) return false;
  return outer.column <= inner.column && inner.column < outer.column + outer.width;
}

function checkCells(
  { file, text }: Pick<Table, 'file' | 'text'>,
  lookup: RunLookup,
): { numbers: number; discrepancies: Discrepancy[] } {
  const [head = [], ...rows] = csvRows(text, ',');
  const lines = text.split('\n');
  const column = new Map(head.map((cell, index) => [cell.text, index]));
  const at = ({ place }: CsvCell): { place: Place } => ({
    place: { file, ...place, text: lines[place.line - 1] ?? '' },
  });
  const discrepancies: Discrepancy[] = [];
  const told = new Set<string>();
  let numbers = 0;
  for (const row of rows) {
    const cell = (name: string): CsvCell | undefined => row[column.get(name) ?? -1];
    const [runCell, metricCell] = [cell('run'), cell('metric')];
    if (!runCell || !metricCell || metricCell.text === '') continue;
    const [id, metric] = [runCell.text, metricCell.text];
    const run = lookup(id);
    if (!run?.summary?.metrics[metric]) {
      const [standing, message] = run
        ? [metricCell, `run ${id} has no metric ${metric}`]
        : [runCell, `there is no run ${id} that could be computed again`];
      const found = standing.text;
      if (!told.has(message)) {
        discrepancies.push({ code: 'number-without-evidence', message, ...at(standing), found });
      }
      told.add(message);
      continue;
    }
    const compare = (standing: CsvCell | undefined, expected: string, what: string): void => {
      if (!standing || standing.text.replace(ESCAPED, '') === expected) return;
      const message = `${what} of run ${id}`;
      const values = { expected: expected || 'nothing', found: standing.text || 'nothing' };
      discrepancies.push({ code: 'number-differs', message, run: id, ...at(standing), ...values });
    };
    for (const [name, part] of Object.entries(PARTS)) {
      const value = numberOf({ from: 'metric', run: id, metric, part }, lookup);
      const expected = value === undefined ? 'no such formula' : String(value ?? '');
      compare(cell(name), expected, `${metric}.${part}`);
      numbers++;
    }
    for (const [name, says] of Object.entries(TEXTS)) {
      const expected = says(run, metric) ?? '';
      // What the manifest says is the same in every row of its run.
      const what = name in OF_METRIC ? `${name} of ${metric}` : name;
      const key = `${name} ${id} ${cell(name)?.text}`;
      if (name in OF_METRIC || !told.has(key)) compare(cell(name), expected, what);
      told.add(key);
    }
  }
  return { numbers, discrepancies };
}
