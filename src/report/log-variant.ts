/** One section a variant: configuration, results, coverage, comparison, findings. */
import { type ResolvableRun, samplesOf } from '../analyze/reference.ts';
import type { LabelSetRow, TensorRow } from '../record/rows.ts';
import type { Metric } from '../record/schema.ts';
import { citeCoverage, citeMetric, citeReduction, inUnits, unitOf } from './cite.ts';
import { classTable, confusionTable, isOfClass } from './class-table.ts';
import { type CellReport, checkpointOf, type ExperimentReport } from './collect.ts';
import { batchSizeOf, speedBaseline } from './collect-speed.ts';
import type { DocumentBuilder, Piece } from './document.ts';
import { verdictSentence } from './findings.ts';
import { benchSection } from './log-bench.ts';
import { benchComparison } from './log-speed.ts';
import { markOf } from './marks.ts';
import { variantTitle } from './variant-title.ts';

interface Variant {
  readonly model: string;
  readonly scheme: string;
  readonly cells: readonly CellReport[];
  readonly index: number;
}

/** Names as people say them; a metric that is not here keeps its own name. */
const TITLES: Readonly<Record<string, string>> = {
  loss: 'Loss (nats)',
  perplexity: 'Perplexity',
  bitsPerByte: 'Bits per byte',
  tokenAccuracy: 'Token accuracy',
  accuracy: 'Accuracy',
  macroAccuracy: 'Accuracy, mean over labels',
  accuracyNorm: 'Accuracy by log-likelihood per character',
  macroF1: 'F1, mean over labels',
  labelLoss: 'Loss of the label (nats)',
  answered: 'Answers that are a label',
  labelEce: 'Calibration error of labels (ECE)',
  labelBrier: 'Brier score of labels',
  labelMass: 'Probability of all labels together',
  ece: 'Calibration error (ECE)',
  brier: 'Brier score',
  tokensPerSecond: 'Tokens/s (scoring)',
  loadSeconds: 'Load time (s)',
  peakMemoryBytes: 'Peak memory',
  residentWeightBytes: 'Resident weights',
  storedWeightBytes: 'Stored weights',
  bitEqualRepeats: 'Repeated batches with the same bits',
  scoredTokens: 'Scored tokens',
  items: 'Items',
  routes: 'Routes traced',
  traceStalls: 'Waits for the writer of the trace',
  tracedTokensPerSecond: 'Tokens/s (tracing)',
  decodeOverhead: 'Overhead of tracing, decoding',
  wallOverhead: 'Overhead of tracing, whole batches',
  cpuOverhead: 'Overhead of tracing, CPU time',
  decodeRateTraced: 'Tokens decoded/s, traced',
  decodeRateUntraced: 'Tokens decoded/s, untraced',
  sameTokenPairs: 'Pairs with the same tokens',
};

const METHODS: Readonly<Record<LabelSetRow['method'], string>> = {
  generation: 'generation (greedy; exact match after trimming white space)',
  likelihood: 'likelihood (the candidate with the largest Σ ln p)',
  head: 'head (the label with the largest logit)',
};

export function variantSection(
  doc: DocumentBuilder,
  report: ExperimentReport,
  variant: Variant,
): void {
  doc.heading(2, variantTitle(report, variant));
  const runs = variant.cells.flatMap((cell) => (cell.run ? [cell.run] : []));
  const [first] = runs;
  if (!first) {
    doc.line`Not measured yet.`;
    return;
  }
  configuration(doc, first);
  const scored = variant.cells.filter((cell) => batchSizeOf(cell) === null);
  for (const cell of scored) measureResults(doc, cell);
  const bench = variant.cells.filter((cell) => batchSizeOf(cell) !== null);
  if (bench.length > 0) benchSection(doc, bench);
  coverage(
    doc,
    runs.find((run) => samplesOf(run).tensors.length > 0),
  );
  against(doc, report, { variant, complete: runs.find((run) => run.summary) });
}

function configuration(doc: DocumentBuilder, run: ResolvableRun): void {
  const { engine, model, startedAt } = run.manifest;
  doc.add(`- **Date:** ${startedAt}`);
  if (!engine) return;
  const activations = engine.activations === 'int8' ? 'int8 activations' : 'f32 activations';
  doc.add(`- **Computed as:** ${engine.precision} (${activations})`);
  if (model && engine.scheme.toUpperCase() === model.storedDtype) {
    doc.add(`- The checkpoint is stored as ${model.storedDtype}: this scheme changes no value.`);
  }
  const stored = checkpointOf(run.manifest);
  if (stored) {
    doc.add(`- **Weights:** read from \`${stored.path}\`, written by run \`${stored.run}\`:`);
    const weights = stored.files.filter(({ path }) => path.endsWith('.safetensors'));
    for (const file of weights) doc.add(`  - \`${file.path}\`, SHA-256 \`${file.sha256}\``);
  }
  if (engine.simulated) doc.add(`- **Simulated:** ${engine.simulated}`);
}

function measureResults(doc: DocumentBuilder, cell: CellReport): void {
  doc.heading(3, `Results: ${cell.measure}`);
  const run = cell.run;
  if (!run?.summary) {
    const why = run?.manifest.reason ? `: ${run.manifest.reason.split('\n')[0]}` : '';
    doc.add(`No result (${cell.status}${why}).`);
  } else {
    const method = samplesOf(run).labelSets.at(-1)?.method;
    if (method) doc.add(`Method: ${METHODS[method]}.`);
    const names = Object.keys(run.summary.metrics).filter((name) => !isOfClass(name));
    const rows = names.map((name) => metricRow(run, name));
    doc.table(['Metric', 'Value', '95 % interval', 'n', 'Units'], rows);
    classes(doc, run);
  }
  const findings = run?.manifest.findings ?? [];
  const passed = findings.filter((finding) => finding.severity === 'info');
  if (passed.length > 0) doc.add(`Checks: ${passed.map((each) => each.message).join('; ')}.`);
  for (const finding of findings.filter((each) => each.severity !== 'info')) {
    doc.add(`- **${finding.severity}:** ${finding.message}`);
  }
}

function classes(doc: DocumentBuilder, run: ResolvableRun): void {
  const each = classTable(run);
  if (each) doc.table(each.header, each.rows);
  const wrong = confusionTable(run);
  if (!wrong) return;
  doc.line`The most frequent wrong answers; \`confusion.csv\` has all:`;
  doc.table(wrong.header, wrong.rows);
}

function metricRow(run: ResolvableRun, name: string): Piece[] {
  const metric = run.summary?.metrics[name];
  const low = citeMetric(run, name, 'ci95.0');
  const interval: Piece =
    low.value === null
      ? '—'
      : ['[', low, ', ', citeMetric(run, name, 'ci95.1'), ']', unitOf(low.format)];
  const mark = markOf(metric?.simulated);
  const why = metric?.value === null && metric.reason ? ` (${metric.reason})` : '';
  const units: Piece = [citeMetric(run, name, 'units'), ` ${unitNoun(metric)}`];
  const value: Piece = [inUnits(citeMetric(run, name)), mark, why];
  return [titleOf(name, metric), value, interval, citeMetric(run, name, 'n'), units];
}

const ROUTING_TITLES: Readonly<Record<string, string>> = {
  Entropy: 'Routing entropy (bits)',
  MaxOverMean: 'Busiest expert / mean',
  Unused: 'Unused experts',
};

function titleOf(name: string, metric: Metric | undefined): string {
  const [, routing, layer] = /^routing(Entropy|MaxOverMean|Unused)Layer(\d+)$/.exec(name) ?? [];
  if (routing !== undefined) return `${ROUTING_TITLES[routing]}, layer ${layer}`;
  const { from, to } = metric?.params ?? {};
  if (!name.startsWith('lossAtContext')) return TITLES[name] ?? name;
  return `Loss with ${from}–${Number(to) - 1} tokens of context`;
}

function unitNoun(metric: Metric | undefined): string {
  if (metric?.units !== 1) return metric?.unitOf ?? '';
  return metric.unitOf.replace(/(ch|s)es$/, '$1').replace(/([^s])s$/, '$1');
}

/** Which share of the parameters is really at the scheme, and what was left alone. */
function coverage(doc: DocumentBuilder, run: ResolvableRun | undefined): void {
  if (!run) return;
  const schemes = [...new Set(samplesOf(run).tensors.map((row) => row.scheme))];
  const parts = schemes.map((scheme, i): Piece => {
    const share = inUnits(citeCoverage(run, scheme, 'parameterShare'));
    const tensors = citeCoverage(run, scheme, 'tensors');
    return [i > 0 ? '; ' : '', `${scheme}: `, tensors, ' tensors, ', share, ' of parameters'];
  });
  doc.blank();
  doc.add(['- **Coverage:** ', ...parts]);
  const reasons = [...new Set(fallbacks(samplesOf(run).tensors))];
  for (const reason of reasons.slice(0, 5)) doc.add(`- ${reason}`);
}

/** Tensors that got a smaller group than asked for, by the reason that the planner gave. */
function fallbacks(tensors: readonly TensorRow[]): string[] {
  return tensors.flatMap((row) =>
    row.reason && row.group !== null ? [`${row.scheme}: ${row.reason}`] : [],
  );
}

function against(
  doc: DocumentBuilder,
  report: ExperimentReport,
  { variant, complete }: { variant: Variant; complete: ResolvableRun | undefined },
): void {
  const { baseline } = report.config;
  if (variant.scheme === baseline) return;
  doc.heading(3, `Comparison to ${baseline}`);
  const own = report.comparisons.filter(
    (c) => c.model === variant.model && c.scheme === variant.scheme,
  );
  for (const comparison of own) doc.add(['- ', verdictSentence(comparison, baseline)]);
  const speed = report.speed.filter(
    ({ cell }) => cell.model === variant.model && cell.scheme === variant.scheme,
  );
  if (own.length === 0 && speed.length === 0) {
    doc.line`- Not compared: a complete result is missing.`;
  }
  const base = report.cells.find(
    (c) => c.model === variant.model && c.scheme === baseline && c.run?.summary,
  )?.run;
  if (base && complete) {
    const saved = citeReduction({ run: complete, baseline: base }, 'storedWeightBytes');
    doc.line`- Stored weights: ${inUnits(saved)} less than ${baseline}.`;
  }
  benchComparison(doc, speed);
  const ranked = speedBaseline(report.cells, { model: variant.model, baseline });
  const bench = variant.cells.some((cell) => batchSizeOf(cell) !== null && cell.run?.summary);
  if (bench && 'reason' in ranked) doc.add(`- Speed is not ranked: ${ranked.reason}.`);
}
