/** The answer first: the table of all variants, their speeds, and each against the baseline. */
import { citeAdjusted, citeComparison } from './cite.ts';
import type { ExperimentReport } from './collect.ts';
import type { DocumentBuilder } from './document.ts';
import { marginOf } from './findings.ts';
import { modelWords, SIMULATED_MARK } from './marks.ts';
import { overviewTable } from './overview.ts';
import { type SpeedTable, speedTables } from './speed-table.ts';

export function results(doc: DocumentBuilder, report: ExperimentReport): void {
  const { header, rows, simulated, dummy, scored } = overviewTable(report);
  const speeds = speedTables(report);
  doc.heading(2, 'Results');
  doc.table(header, rows);
  if (scored) {
    doc.line`Intervals are 95 %: bootstrap over documents for perplexity, Wilson over items for`;
    doc.line`accuracy. Comparisons are paired over the same documents or items.`;
  }
  for (const table of speeds) speedResults(doc, table, speeds.length > 1);
  if (speeds.length > 0) {
    doc.line`Speeds are compared paired by round, with Student’s t over rounds; \`tok/s\` counts`;
    doc.line`generated tokens. The tables of each scheme have n, intervals, memory and cold start.`;
  }
  if (simulated) {
    doc.blank();
    doc.line`${SIMULATED_MARK} Simulated: the stored values are exact, the arithmetic is f32,`;
    doc.line`because this processor has none for this format. Quality and stored size hold;`;
    doc.line`speed and memory are not those of real support and are not ranked.`;
  }
  if (dummy) {
    doc.blank();
    doc.line`**Dummy weights**: the weights are random. Quality figures mean nothing.`;
    if (speeds.some((table) => table.dummy)) {
      doc.line`Speed and memory are those of a model of this shape; its texts are noise.`;
    }
  }
}

function speedResults(doc: DocumentBuilder, table: SpeedTable, many: boolean): void {
  const of = many || table.dummy ? `: ${table.model}` : '';
  doc.heading(3, `Speed by batch size${of}`);
  doc.table(table.header, table.rows);
  if (table.unranked) doc.add(`Not ranked: ${table.unranked}.`);
}

export function comparison(doc: DocumentBuilder, report: ExperimentReport): void {
  const { baseline } = report.config;
  const many = new Set(report.cells.map((cell) => cell.model)).size > 1;
  // Speeds stand with their scheme: a benchmark alone leaves nothing to say here.
  if (report.comparisons.length === 0 && report.speed.length > 0) return;
  doc.heading(2, `Comparison to ${baseline}`);
  if (report.comparisons.length === 0) {
    doc.line`Not measured: there is no other scheme with a complete result.`;
    return;
  }
  const header = [
    'Scheme',
    'Measure',
    'Quantity',
    'Change [95 %]',
    'p (Holm)',
    'Margin',
    'Verdict',
  ];
  doc.table(
    [...(many ? ['Model'] : []), ...header, 'Baseline run'],
    report.comparisons.map((c) => [
      ...(many ? [modelWords(c.model, report.cells)] : []),
      c.scheme,
      c.measure,
      c.result.unit === 'ratio' ? 'perplexity ratio' : 'accuracy difference',
      c.result.verdict === 'refused' ? (c.result.reason ?? '') : citeComparison(c),
      citeAdjusted(c, c.result),
      marginOf(c),
      c.result.verdict,
      `\`${c.baseline}\``,
    ]),
  );
}
