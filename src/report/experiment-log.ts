/** EXPERIMENT_LOG.md: the shape of a team's hand-written log, every number of it recomputable. */
import type { Planned } from './charts/chart.ts';
import type { ExperimentReport } from './collect.ts';
import { DocumentBuilder, type DocumentEvidence, type Piece } from './document.ts';
import { conclusion, verdictSentence } from './findings.ts';
import type { ImportedReport } from './imported.ts';
import { importedSection } from './imported-text.ts';
import { chartSection } from './log-charts.ts';
import { conclusionSection, decisionSections } from './log-decision.ts';
import { hardware, overview as heading, software } from './log-header.ts';
import { comparison, results } from './log-results.ts';
import { routingSection } from './log-routing.ts';
import { variantSection } from './log-variant.ts';
import { modelWords } from './marks.ts';
import { variantsOf } from './overview.ts';
import { refusedSentences } from './refusals.ts';
import { speedSentences } from './speed-findings.ts';

export interface NoteFile {
  /** Relative to the report's folder. */
  readonly file: string;
  readonly content: string;
}

export const LOG_FILE_NAME = 'EXPERIMENT_LOG.md';
export const EVIDENCE_FILE_NAME = 'EXPERIMENT_LOG.evidence.json';

export function experimentLog(
  report: ExperimentReport,
  options: {
    version: string;
    charts?: readonly Planned[];
    notes: readonly NoteFile[];
    /** What other tools measured, kept under the same experiment. */
    imports?: ImportedReport;
  },
): { text: string; evidence: DocumentEvidence } {
  const doc = new DocumentBuilder();
  title(doc, report.config.title ?? report.name, options.version);
  heading(doc, report);
  conclusionSection(doc, report);
  hardware(doc, report);
  software(doc, report);
  matrix(doc, report);
  results(doc, report);
  routingSection(doc, report);
  chartSection(doc, options.charts ?? []);
  for (const [index, variant] of variantsOf(report).entries()) {
    variantSection(doc, report, { ...variant, index });
  }
  comparison(doc, report);
  if (options.imports) importedSection(doc, options.imports);
  findings(doc, report);
  decisionSections(doc, report);
  gaps(doc, report);
  files(doc, report);
  notes(doc, options.notes);
  const { name: experiment, family } = report;
  return doc.build({ document: LOG_FILE_NAME, experiment, family });
}

/** The log of an experiment whose every number another tool measured. */
export function importedLog(
  imports: ImportedReport,
  options: { name: string; version: string; notes: readonly NoteFile[] },
): { text: string; evidence: DocumentEvidence } {
  const doc = new DocumentBuilder();
  title(doc, options.name, options.version);
  importedSection(doc, imports);
  doc.heading(2, 'Files');
  for (const { manifest } of imports.runs) {
    const { runId, digest } = manifest;
    doc.add(`- \`runs/${runId}/\` — manifest digest \`${digest ?? 'none: unfinished'}\``);
  }
  notes(doc, options.notes);
  return doc.build({ document: LOG_FILE_NAME, experiment: options.name });
}

function title(doc: DocumentBuilder, name: string, version: string): void {
  doc.line`# Experiment Log: ${name}`;
  doc.blank();
  doc.line`> Written by \`assay report\` (version ${version}) from the run directories.`;
  doc.line`> Do not edit: \`assay verify\` finds every changed digit, \`assay explain NUMBER\``;
  doc.line`> says where a number comes from. Your own words belong in \`notes/*.md\` beside`;
  doc.line`> this file; they are included below.`;
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

function findings(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Key Findings');
  const { baseline, models } = report.config;
  const about = (model: string): string =>
    models.length > 1 ? `${modelWords(model, report.cells)}: ` : '';
  // What was refused has no verdict, and is no finding: it stands below, with its reason.
  const judged = report.comparisons.filter(({ result }) => result.verdict !== 'refused');
  const quality = judged.map((item): Piece => [about(item.model), verdictSentence(item, baseline)]);
  const conclusions = models.flatMap((model): Piece[] => {
    const sentence = conclusion(report, model);
    return sentence ? [[about(model), sentence]] : [];
  });
  const all = [...quality, ...conclusions, ...speedSentences(report)];
  for (const [i, sentence] of all.entries()) doc.add([`${i + 1}. `, sentence]);
  if (all.length === 0) doc.line`Nothing was compared yet.`;
  const refused = refusedSentences(report);
  if (refused.length > 0) doc.blank();
  for (const sentence of refused) doc.add(['- ', sentence]);
}

/** What the seeds' logs have and this experiment did not measure: a gap is said, never filled. */
function gaps(doc: DocumentBuilder, report: ExperimentReport): void {
  const has = (metric: string): boolean =>
    report.cells.some((cell) => cell.run?.summary?.metrics[metric]?.value != null);
  const missing = [
    has('latencyAvg') ? '' : 'Latency and throughput by batch size',
    has('coldStartSeconds') ? '' : 'Cold start',
    has('perplexity') || has('accuracy') ? '' : 'Quality: perplexity and accuracy',
    has('gpuUtilization') || has('gpuPeakMemoryBytes') ? '' : 'GPU memory and utilization',
    'Load under concurrent users',
    report.config.cost ? '' : 'Cost per request (the experiment gives no `cost.usd_per_hour`)',
  ];
  doc.heading(2, 'Not Measured');
  for (const gap of missing.filter((each) => each !== '')) doc.add(`- ${gap}: not measured.`);
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
