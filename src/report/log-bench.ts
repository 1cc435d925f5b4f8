/** A variant's benchmark: one row a batch size, in the tables that teams keep by hand. */
import { suspicionsOf } from '../analyze/run-facts.ts';
import type { Metric } from '../record/schema.ts';
import { citeMetric, citeWithInterval, inUnits } from './cite.ts';
import { citeBatchSize } from './cite-speed.ts';
import type { CellReport } from './collect.ts';
import type { MeasuredCell } from './collect-speed.ts';
import type { DocumentBuilder, Piece } from './document.ts';
import { DUMMY_WORDS, isDummy, SIMULATED_MARK } from './marks.ts';

type Column = readonly [title: string, of: (cell: MeasuredCell) => Piece];

const metric =
  (name: string) =>
  ({ run }: MeasuredCell): Piece => [inUnits(citeMetric(run, name)), markIn(run)];

const estimate =
  (name: string) =>
  ({ run }: MeasuredCell): Piece => [citeWithInterval(run, name), markIn(run)];

function markIn(run: MeasuredCell['run']): string {
  return run.manifest.engine?.simulated ? ` ${SIMULATED_MARK}` : '';
}

/** No speed and no memory: true of simulated schemes as well. */
const plain =
  (name: string) =>
  ({ run }: MeasuredCell): Piece =>
    inUnits(citeMetric(run, name));

const LATENCY: readonly Column[] = [
  ['n', plain('iterations')],
  ['Avg latency (ms)', estimate('latencyAvg')],
  ['P50 (ms)', estimate('latencyP50')],
  ['P95 (ms)', estimate('latencyP95')],
  ['P99 (ms)', estimate('latencyP99')],
  ['TTFT P50 (ms)', estimate('ttftP50')],
  ['TTFT P95 (ms)', estimate('ttftP95')],
  ['Throughput (samples/s)', estimate('samplesPerSecond')],
  ['Generated tok/s', estimate('decodeTokensPerSecond')],
  ['Prompt tok/s', estimate('prefillTokensPerSecond')],
];

const MEMORY: readonly Column[] = [
  ['Stored weights', plain('storedWeightBytes')],
  ['Resident weights', metric('residentWeightBytes')],
  ['KV cache, computed', metric('kvComputedBytes')],
  ['KV cache, observed', metric('kvCacheBytes')],
  ['Peak memory', metric('peakMemoryBytes')],
  ['CPU cores busy', metric('cpuUtilization')],
];

const GPU: readonly Column[] = [
  ['GPU peak memory', metric('gpuPeakMemoryBytes')],
  ['GPU utilization', metric('gpuUtilization')],
  ['GPU power (W)', metric('gpuPowerW')],
];

const DETAILS: readonly Column[] = [
  ['Decode steps', ({ run }) => citeMetric(run, 'stepP95', 'n')],
  ['Step P50 (ms)', estimate('stepP50')],
  ['Step P95 (ms)', estimate('stepP95')],
  ['Rounds', ({ run }) => citeMetric(run, 'latencyAvg', 'units')],
  ['Drift, last / first third', plain('drift')],
  ['CPU taken by others', plain('stolenShare')],
  ['Tokens written', plain('generatedTokens')],
  ['Repeated 4-grams', estimate('repetition')],
];

/** `cells`: those of one variant, one a batch size. */
export function benchSection(doc: DocumentBuilder, cells: readonly CellReport[]): void {
  const measured = cells.filter(hasNumbers);
  const title = cells.some(isDummy) ? `Results: bench (${DUMMY_WORDS})` : 'Results: bench';
  doc.heading(3, title);
  doc.table(
    ['Batch size', ...LATENCY.map(([name]) => name), 'Notes'],
    cells.map((cell) =>
      hasNumbers(cell)
        ? [citeBatchSize(cell), ...LATENCY.map(([, of]) => of(cell)), notes(cell)]
        : [citeBatchSize(cell), ...LATENCY.map(() => '—'), noResult(cell)],
    ),
  );
  warnings(doc, cells);
  if (measured.length === 0) return;
  const gpu = measured.some((cell) => cell.run.summary?.metrics.gpuUtilization);
  doc.line`Memory and utilization:`;
  table(doc, [...MEMORY, ...(gpu ? GPU : [])], measured);
  doc.line`Steps, texts, and what the machine did meanwhile:`;
  table(doc, DETAILS, measured);
  for (const cell of measured) coldStart(doc, cell);
}

function table(
  doc: DocumentBuilder,
  columns: readonly Column[],
  cells: readonly MeasuredCell[],
): void {
  doc.table(
    ['Batch size', ...columns.map(([name]) => name)],
    cells.map((cell) => [citeBatchSize(cell), ...columns.map(([, of]) => of(cell))]),
  );
}

function hasNumbers(cell: CellReport): cell is MeasuredCell {
  return cell.run?.summary != null;
}

function noResult(cell: CellReport): string {
  const why = cell.run?.manifest.reason?.split('\n')[0];
  return why ? `${cell.status}: ${why}` : cell.status;
}

/** Failures and outliers are counted here, beside the figures that they are or are not in. */
function notes({ run }: MeasuredCell): Piece {
  const metrics: Readonly<Record<string, Metric>> = run.summary?.metrics ?? {};
  const parts: Piece[] = [];
  const suspect = suspicionsOf(run.manifest);
  if (suspect.length > 0) parts.push(`**suspect** (${suspect.join(', ')})`);
  for (const name of ['failures', 'outliers']) {
    if (metrics[name]?.value) parts.push([citeMetric(run, name), ` ${nounOf(name, metrics)}`]);
  }
  const open = ['latencyP50', 'latencyP95', 'latencyP99'].filter((name) =>
    metrics[name]?.reason?.startsWith('n = '),
  );
  if (open.length > 0) {
    const names = open.map((name) => name.replace('latency', '')).join(', ');
    parts.push(`n too small for an upper bound of ${names}`);
  }
  if (run.manifest.engine?.simulated) parts.push(`${SIMULATED_MARK} simulated`);
  return parts.flatMap((part, i) => [i > 0 ? '; ' : '', part]);
}

function nounOf(name: string, metrics: Readonly<Record<string, Metric>>): string {
  if (name === 'failures') return 'failed';
  return metrics[name]?.value === 1 ? 'outlier' : 'outliers';
}

function warnings(doc: DocumentBuilder, cells: readonly CellReport[]): void {
  for (const cell of cells) {
    for (const finding of cell.run?.manifest.findings ?? []) {
      if (finding.severity === 'info') continue;
      doc.add([
        `- **${finding.severity}** at batch size `,
        citeBatchSize(cell),
        ': ',
        finding.message,
      ]);
    }
  }
  doc.blank();
}

function coldStart(doc: DocumentBuilder, cell: MeasuredCell): void {
  const { run } = cell;
  if (run.summary?.metrics.coldStartSeconds?.value == null) return;
  const mark = markIn(run);
  doc.add([
    '- **Cold start** (batch size ',
    citeBatchSize(cell),
    '): ',
    citeWithInterval(run, 'coldStartSeconds'),
    ` s from process start to first token${mark}, of which loading `,
    citeWithInterval(run, 'coldLoadSeconds'),
    ` s${mark}; means of n = `,
    citeMetric(run, 'coldStartSeconds', 'n'),
  ]);
}
