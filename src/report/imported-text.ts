/** Imported numbers as a table for the terminal, a section of a log, and JSON. */
import type { NumberFormat } from '../record/numerals.ts';
import { citeMetric } from './cite.ts';
import type { Cited, DocumentBuilder, Piece } from './document.ts';
import {
  conditionWords,
  type ImportedComparison,
  type ImportedReport,
  variantOf,
} from './imported.ts';
import { plainText } from './plain.ts';
import { textTable } from './table.ts';

const HEADER = ['Model', 'Variant', 'Under', 'Metric', 'Value', 'Baseline', 'Ratio', 'Verdict'];
const AS_STANDS: NumberFormat = { style: 'plain' };
const RATIO: NumberFormat = { style: 'significant', digits: 4 };

export const IMPORTED_NOTE =
  'Imported numbers are what other tools wrote; a ratio of them is not evidenced: ' +
  'no samples decide it, and it is not ranked.';

function rowOf(comparison: ImportedComparison): Piece[] {
  const { run, baseline, metric, unit, verdict } = comparison;
  return [
    run.manifest.variant.model,
    variantOf(run),
    conditionWords(run) || '—',
    unit === '' ? metric : `${metric} (${unit})`,
    { ...citeMetric(run, metric), format: AS_STANDS },
    { ...citeMetric(baseline, metric), format: AS_STANDS },
    ratioOf(comparison),
    verdict,
  ];
}

function ratioOf({ run, baseline, metric, ratio }: ImportedComparison): Cited {
  const ids = { run: run.manifest.runId, baseline: baseline.manifest.runId };
  return { value: ratio, format: RATIO, reference: { from: 'ratio', ...ids, metric } };
}

function baselines({ comparisons }: ImportedReport): string {
  const names = new Set(comparisons.map(({ baseline }) => variantOf(baseline)));
  return [...names].map((each) => `“${each}”`).join(', ');
}

/** Why, once for all rows that it is said of. */
function reasons({ comparisons }: ImportedReport): string[] {
  return [...new Set(comparisons.map(({ reason }) => reason))];
}

export function importedText(report: ImportedReport): string[] {
  const { comparisons, apart } = report;
  const parts: string[] = [];
  if (comparisons.length > 0) {
    const columns = HEADER.map((title) => ({
      title,
      align: ['Value', 'Baseline', 'Ratio'].includes(title)
        ? ('right' as const)
        : ('left' as const),
    }));
    const rows = comparisons.map((each) => rowOf(each).map(plainText));
    parts.push(`Baseline: ${baselines(report)}, as imported`);
    const why = `not-evidenced: ${reasons(report).join(' · ')}.`;
    parts.push(`Imported\n${textTable(columns, rows)}`, `${why} ${IMPORTED_NOTE}`);
  }
  if (apart.length > 0) parts.push(apart.map((each) => `Not compared: ${each}.`).join('\n'));
  return parts;
}

/** Nothing where nothing was imported. */
export function importedSection(doc: DocumentBuilder, report: ImportedReport): void {
  const { runs, comparisons, apart } = report;
  if (runs.length === 0) return;
  doc.heading(2, 'Imported Results');
  doc.line`${IMPORTED_NOTE}`;
  doc.table(
    ['Model', 'Variant', 'Under', 'Status', 'Run'],
    runs.map((run) => [
      run.manifest.variant.model,
      variantOf(run),
      conditionWords(run) || '—',
      run.manifest.status === 'succeeded' ? 'imported' : (run.manifest.reason ?? 'failed'),
      `\`runs/${run.manifest.runId}\``,
    ]),
  );
  if (comparisons.length > 0) {
    doc.line`Baseline: ${baselines(report)}, as imported.`;
    doc.table(HEADER, comparisons.map(rowOf));
    doc.line`Why \`not-evidenced\`: ${reasons(report).join(' · ')}.`;
  }
  for (const each of apart) doc.add(`- Not compared: ${each}.`);
}

export function importedJson({ runs, comparisons, apart }: ImportedReport) {
  return {
    runs: runs.map(({ manifest }) => manifest.runId),
    comparisons: comparisons.map(({ run, baseline, ...rest }) => ({
      model: run.manifest.variant.model,
      variant: variantOf(run),
      ...{ run: run.manifest.runId, baseline: baseline.manifest.runId },
      ...rest,
    })),
    notCompared: apart,
  };
}
