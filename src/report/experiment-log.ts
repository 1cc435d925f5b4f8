/** EXPERIMENT_LOG.md: the shape of a team's hand-written log, every number of it recomputable. */
import { citeComparison } from './cite.ts';
import type { ExperimentReport } from './collect.ts';
import { DocumentBuilder, type DocumentEvidence } from './document.ts';
import { conclusion, marginOf, verdictSentence } from './findings.ts';
import { hardware, overview as heading, software } from './log-header.ts';
import { variantSection } from './log-variant.ts';
import { overviewTable, SIMULATED_MARK, variantsOf } from './overview.ts';

export interface NoteFile {
  /** Relative to the report's folder. */
  readonly file: string;
  readonly content: string;
}

export const LOG_FILE_NAME = 'EXPERIMENT_LOG.md';
export const EVIDENCE_FILE_NAME = 'EXPERIMENT_LOG.evidence.json';

export function experimentLog(
  report: ExperimentReport,
  options: { version: string; notes: readonly NoteFile[] },
): { text: string; evidence: DocumentEvidence } {
  const doc = new DocumentBuilder();
  doc.line`# Experiment Log: ${report.config.title ?? report.name}`;
  doc.blank();
  doc.line`> Written by \`assay report\` (version ${options.version}) from the run directories.`;
  doc.line`> Do not edit: \`assay verify\` finds every changed digit, \`assay explain NUMBER\``;
  doc.line`> says where a number comes from. Your own words belong in \`notes/*.md\` beside`;
  doc.line`> this file; they are included below.`;
  heading(doc, report);
  hardware(doc, report);
  software(doc, report);
  matrix(doc, report);
  results(doc, report);
  for (const [index, variant] of variantsOf(report).entries()) {
    variantSection(doc, report, { ...variant, index });
  }
  comparison(doc, report);
  findings(doc, report);
  gaps(doc);
  files(doc, report);
  notes(doc, options.notes);
  return doc.build({ document: LOG_FILE_NAME, experiment: report.name });
}

const MARKS: Readonly<Record<string, string>> = {
  succeeded: '✅ Complete',
  failed: '❌ Failed',
  cancelled: '⏹ Cancelled',
  invalid: '⚠ Invalid',
  unfinished: '🔄 Unfinished',
  pending: '⏳ Pending',
};

function matrix(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Experiment Matrix');
  doc.table(
    ['Model', 'Scheme', 'Measure', 'Status', 'Run'],
    report.cells.map((cell) => [
      cell.model,
      cell.scheme,
      cell.measure,
      MARKS[cell.status] ?? cell.status,
      cell.run ? `\`runs/${cell.run.manifest.runId}\`` : '—',
    ]),
  );
  doc.line`**Status Legend:** ${Object.values(MARKS).join(' · ')}`;
}

function results(doc: DocumentBuilder, report: ExperimentReport): void {
  const { header, rows, simulated, dummy } = overviewTable(report);
  doc.heading(2, 'Results');
  doc.table(header, rows);
  doc.line`Intervals are 95 %: bootstrap over documents for perplexity, Wilson over items for`;
  doc.line`accuracy. Comparisons are paired over the same documents or items.`;
  if (simulated) {
    doc.blank();
    doc.line`${SIMULATED_MARK} Simulated: the stored values are exact, the arithmetic is f32,`;
    doc.line`because this processor has none for this format. Quality and stored size hold;`;
    doc.line`speed and memory are not those of real support and are not ranked.`;
  }
  if (dummy) {
    doc.blank();
    doc.line`**Dummy weights**: the weights are random. Quality figures mean nothing.`;
  }
}

function comparison(doc: DocumentBuilder, report: ExperimentReport): void {
  const { baseline } = report.config;
  doc.heading(2, `Comparison to ${baseline}`);
  if (report.comparisons.length === 0) {
    doc.line`Not measured: there is no other scheme with a complete result.`;
    return;
  }
  doc.table(
    ['Scheme', 'Measure', 'Quantity', 'Change [95 %]', 'Margin', 'Verdict', 'Baseline run'],
    report.comparisons.map((c) => [
      c.scheme,
      c.measure,
      c.result.unit === 'ratio' ? 'perplexity ratio' : 'accuracy difference',
      c.result.verdict === 'refused' ? (c.result.reason ?? '') : citeComparison(c),
      marginOf(c),
      c.result.verdict,
      `\`${c.baseline}\``,
    ]),
  );
}

function findings(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Key Findings');
  const { baseline, models } = report.config;
  let n = 0;
  for (const item of report.comparisons) {
    n++;
    doc.add([`${n}. `, verdictSentence(item, baseline)]);
  }
  for (const model of models) {
    const sentence = conclusion(report, model);
    if (!sentence) continue;
    n++;
    doc.add([`${n}. `, models.length > 1 ? `${model}: ` : '', sentence]);
  }
  if (n === 0) doc.line`Nothing was compared yet.`;
}

/** What the seeds' logs have and this experiment did not measure: a gap is said, never filled. */
function gaps(doc: DocumentBuilder): void {
  doc.heading(2, 'Not Measured');
  doc.line`- Latency and throughput by batch size, cold start: not measured.`;
  doc.line`- GPU memory and utilization: not measured.`;
  doc.line`- Load under concurrent users: not measured.`;
  doc.line`- Cost per request: not measured.`;
}

function files(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Files');
  for (const { run } of report.cells) {
    if (!run) continue;
    const { runId, digest } = run.manifest;
    doc.add(`- \`runs/${runId}/\` — manifest digest \`${digest ?? 'none: unfinished'}\``);
  }
}

function notes(doc: DocumentBuilder, all: readonly NoteFile[]): void {
  for (const { file, content } of all) {
    doc.heading(2, `Notes: ${file}`);
    doc.prose(file, content);
  }
}
