/**
 * BASELINES.md: what a team writes down of its models before it changes them. Environment, a block
 * for every scored run, how it was measured, which checks held, and what is still missing.
 */
import type { ResolvableRun } from '../analyze/reference.ts';
import type { Finding } from '../record/schema.ts';
import { citeManifest, citeWithInterval } from './cite.ts';
import { type CellReport, configOf, type ExperimentReport } from './collect.ts';
import { DocumentBuilder, type DocumentEvidence } from './document.ts';
import { hardware, software } from './log-header.ts';
import { markOf, modelWords, SIMULATED_MARK } from './marks.ts';

export const BASELINES_FILE_NAME = 'BASELINES.md';

/** Lines of a block, in the order of such documents; what a run does not have is left out. */
const LINES: readonly (readonly [metric: string, title: string])[] = [
  ['loss', 'Loss (nats)'],
  ['perplexity', 'Perplexity'],
  ['bitsPerByte', 'Bits per byte'],
  ['tokenAccuracy', 'Token accuracy'],
  ['accuracy', 'Accuracy'],
  ['macroAccuracy', 'Accuracy, mean over labels'],
  ['ece', 'Calibration error (ECE)'],
  ['labelEce', 'Calibration error of labels (ECE)'],
  ['peakMemoryBytes', 'Peak memory'],
  ['tokensPerSecond', 'Average throughput (tokens/s)'],
];

interface Scored extends CellReport {
  readonly run: ResolvableRun;
}

/** null where nothing was scored: a benchmark alone has no baseline of quality. */
export function baselines(
  report: ExperimentReport,
  { version }: { version: string },
): { text: string; evidence: DocumentEvidence } | null {
  const cells = scoredCells(report);
  const scored = cells.filter((cell): cell is Scored => cell.run !== null);
  if (!scored.some(({ run }) => run.summary)) return null;
  const doc = new DocumentBuilder();
  doc.line`# Baselines: ${report.config.title ?? report.name}`;
  doc.blank();
  doc.line`> Written by \`assay report\` (version ${version}) from the run directories.`;
  doc.line`> Do not edit: \`assay verify\` finds every changed digit.`;
  hardware(doc, report);
  software(doc, report);
  summary(doc, report, scored);
  doc.heading(2, 'Model Execution Details');
  for (const cell of scored) block(doc, report, cell);
  method(doc);
  checks(doc, report, scored);
  nextActions(doc, report, { cells, scored });
  return doc.build({ document: BASELINES_FILE_NAME, experiment: report.name });
}

/** An evaluation or a task; one that never ran is told by the others of its measure. */
function scoredCells({ cells }: ExperimentReport): CellReport[] {
  const scored = new Set(
    cells.flatMap(({ measure, run }) => {
      const kind = run && configOf(run.manifest)?.measure.kind;
      return kind === 'eval' || kind === 'task' ? [measure] : [];
    }),
  );
  return cells.filter(({ measure }) => scored.has(measure));
}

function summary(doc: DocumentBuilder, report: ExperimentReport, scored: readonly Scored[]): void {
  doc.heading(2, 'Baseline Results Summary');
  const models = [...new Set(scored.map(({ model }) => modelWords(model, report.cells)))];
  const kinds = [...new Set(scored.map(kindOf))];
  doc.add(`- **Models evaluated:** ${models.join(', ')}`);
  doc.add(`- **Baseline types:** ${kinds.join(', ')}`);
  doc.add(`- **Schemes:** ${[...new Set(scored.map(({ scheme }) => scheme))].join(', ')}`);
}

/** `standard` (the budget) for a corpus, `intents` (the name) for a labelled set. */
function kindOf({ run, measure }: Scored): string {
  const budget = configOf(run.manifest)?.measure.budget;
  return typeof budget === 'string' ? budget : measure;
}

function titleOf(report: ExperimentReport, cell: Scored): string {
  return `${modelWords(cell.model, report.cells)} at ${cell.scheme} (${kindOf(cell)} baseline)`;
}

function block(doc: DocumentBuilder, report: ExperimentReport, cell: Scored): void {
  const { run } = cell;
  const { manifest } = run;
  const measure = configOf(manifest)?.measure ?? {};
  doc.heading(3, titleOf(report, cell));
  doc.line`**Configuration:**`;
  doc.blank();
  doc.add(`- Model ID: ${cell.model}`);
  doc.add(`- Baseline type: ${kindOf(cell)}`);
  for (const name of ['context', 'stride', 'method']) {
    const value = (measure as Record<string, unknown>)[name];
    const path = `config.measure.${name}`;
    if (typeof value === 'string') doc.add(`- ${capital(name)}: ${value}`);
    if (typeof value !== 'number') continue;
    doc.add([`- ${capital(name)}: `, citeManifest(run, path, { style: 'integer' }, value)]);
  }
  const precision = manifest.engine ? `, computed as ${manifest.engine.precision}` : '';
  doc.add(`- Data type: ${cell.scheme}${precision}`);
  doc.add(`- Execution date: ${manifest.startedAt}`);
  doc.add(`- Run: \`runs/${manifest.runId}\``);
  doc.blank();
  doc.line`**Performance metrics:**`;
  doc.blank();
  metrics(doc, cell);
}

function metrics(doc: DocumentBuilder, { run, status }: Scored): void {
  if (!run.summary) {
    const why = run.manifest.reason ? `: ${run.manifest.reason.split('\n')[0]}` : '';
    doc.add(`- No result (${status}${why}).`);
    return;
  }
  for (const [name, title] of LINES) {
    const metric = run.summary.metrics[name];
    if (metric?.value == null) continue;
    doc.add([`- ${title}: `, citeWithInterval(run, name), markOf(metric.simulated)]);
  }
}

function capital(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}

const METHOD = [
  '- Loss is the mean of −ln p over scored tokens; perplexity is its exponential.',
  '  A token is scored once, with the tokens before it in its window as context.',
  '- Token accuracy is the share of scored tokens that are the most probable one.',
  '- Brackets are 95 % intervals: bootstrap over documents, Wilson over labelled items.',
  '- Peak memory is that of the process; throughput counts scored tokens.',
  `- ${SIMULATED_MARK} Simulated: exact stored values, f32 arithmetic. Quality holds;`,
  '  speed and memory are not those of real support.',
  '- Each run keeps `manifest.json` (what ran, on what, with which seeds and versions),',
  '  `samples.jsonl` (every raw row) and `results_summary.json` (the metrics).',
];

function method(doc: DocumentBuilder): void {
  doc.heading(2, 'Method');
  for (const line of METHOD) doc.add(line);
}

const OUTCOMES: Readonly<Record<Finding['severity'], string>> = {
  info: '✅',
  warning: '⚠',
  error: '❌',
};

/** Only what a run recorded: a check that nobody made has no mark. */
function checks(doc: DocumentBuilder, report: ExperimentReport, scored: readonly Scored[]): void {
  doc.heading(2, 'Checks');
  for (const cell of scored) {
    doc.add(`- ${titleOf(report, cell)}`);
    const found = cell.run.manifest.findings;
    for (const { severity, message } of found) doc.add(`  - ${OUTCOMES[severity]} ${message}`);
    if (found.length === 0) doc.add('  - none recorded');
  }
}

function nextActions(
  doc: DocumentBuilder,
  report: ExperimentReport,
  { cells, scored }: { cells: readonly CellReport[]; scored: readonly Scored[] },
): void {
  const actions = [
    ...cells.filter((cell) => cell.status !== 'succeeded').map(missing),
    ...repeats(scored),
    ...budgets(scored),
    ...warnings(report, scored),
    ...schemes(scored),
  ];
  doc.heading(2, 'Next Actions');
  for (const [i, action] of actions.entries()) doc.add(`${i + 1}. ${action}`);
  if (actions.length === 0) doc.line`None: everything that was planned is measured.`;
}

function missing({ model, scheme, measure, status }: CellReport): string {
  const again = status === 'pending' ? 'Measure' : 'Measure again';
  return `${again} ${measure} of ${model} at ${scheme} (${status}): \`assay run\` its experiment.`;
}

function repeats(scored: readonly Scored[]): string[] {
  const repeated = scored.some(({ run }) => run.summary?.metrics.bitEqualRepeats?.value != null);
  return repeated
    ? []
    : ['Show that scores repeat bit for bit: `check_repeat: true` scores batches twice.'];
}

function budgets(scored: readonly Scored[]): string[] {
  const all = scored.flatMap(({ run }) => run.manifest.findings.map(({ code }) => code));
  const smaller = all.includes('corpus-smaller-than-budget');
  const kinds = new Set(scored.map(kindOf));
  return [
    ...(smaller ? ['Give a larger corpus: this one ended before its budget.'] : []),
    ...(kinds.has('smoke') && !kinds.has('standard')
      ? ['Score the standard budget: smoke only shows that a model works.']
      : []),
  ];
}

function warnings(report: ExperimentReport, scored: readonly Scored[]): string[] {
  return scored
    .filter(({ run }) => run.manifest.findings.some(({ severity }) => severity !== 'info'))
    .map((cell) => `Look into the marked checks of ${titleOf(report, cell)}.`);
}

function schemes(scored: readonly Scored[]): string[] {
  return new Set(scored.map(({ scheme }) => scheme)).size > 1
    ? []
    : ['Measure quantized schemes against these baselines: more `schemes` in the experiment.'];
}
