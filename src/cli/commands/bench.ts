/** `assay bench`: one variant at several batch sizes, as an experiment of one scheme. */
import type { ResolvableRun } from '../../analyze/reference.ts';
import type { MeasureSettings } from '../../experiment/cell.ts';
import { planExperiment } from '../../experiment/plan.ts';
import type { ExperimentOutcome } from '../../experiment/supervise-context.ts';
import { findLab } from '../../record/lab.ts';
import type { Metric } from '../../record/schema.ts';
import { textTable } from '../../report/table.ts';
import { downloadView } from '../download.ts';
import { execute, exitCodeOf, printFailures } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { oneVariant, type VariantOptions } from '../one-variant.ts';
import { builtinDir } from '../package.ts';
import { resolvable } from '../runs.ts';

interface Options extends VariantOptions {
  batchSizes: number[];
  runs: number;
  warmup: number;
  rounds: number;
  promptTokens?: number;
  newTokens: number;
  prompts?: string;
  promptCount: number;
  coldStarts: number;
  fresh?: boolean;
  json?: boolean;
}

/** A batch size and its run, as far as it came. */
interface Row {
  readonly batchSize: number;
  readonly runId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly found: ResolvableRun;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const spec = oneVariant(options, {
    ...{ prefix: 'bench', title: 'Benchmark', command: 'bench' },
    measure: { bench: benchOf(options) },
  });
  const plan = await planExperiment(spec, {
    baseDir: io.cwd,
    builtinDir: builtinDir(),
    env: io.env,
    ...downloadView(io),
  });
  const lab = findLab(io.cwd);
  // A benchmark asked for by hand is measured, not looked up; only an interrupted one goes on.
  const settings = { reuse: false, resume: !options.fresh, exclusive: false };
  const outcome = await execute(plan, lab, settings, io);
  const rows = outcome.cells.map(({ cell, runId, status, reason }): Row => {
    const batchSize = batchSizeOf(cell.measure);
    return { batchSize, runId, status, reason, found: resolvable(lab, runId) };
  });
  printFailures(outcome, io);
  if (options.json) writeJson(io.stdout, asJson(rows));
  else print(rows, outcome, io);
  return exitCodeOf(outcome);
}

function batchSizeOf(measure: MeasureSettings): number {
  return measure.kind === 'bench' ? measure.batch_size : 0;
}

function metricsOf(row: Row): Readonly<Record<string, Metric>> {
  return row.found.summary?.metrics ?? {};
}

function asJson(rows: readonly Row[]): Record<string, unknown> {
  return {
    runs: rows.map((row) => {
      const { batchSize, runId, status, reason } = row;
      const { findings, engine } = row.found.manifest;
      return { runId, batchSize, status, reason, metrics: metricsOf(row), findings, engine };
    }),
  };
}

function print(rows: readonly Row[], outcome: ExperimentOutcome, io: CommandIo): void {
  if (rows.length === 0) return;
  const body = [...rows].sort((a, b) => a.batchSize - b.batchSize).map(cellsOf);
  const columns = ['Batch', 'n', ...COLUMNS.map(({ title }) => title), 'Failed'];
  const table = columns.map((title) => ({ title, align: 'right' as const }));
  writeLine(io.stdout, textTable(table, body));
  for (const line of notes(rows)) writeLine(io.stdout, line);
  const last = outcome.cells.at(-1);
  if (last) writeLine(io.stdout, `\nNext: assay runs show ${last.runId.split('/').at(-1)}`);
}

interface Column {
  readonly title: string;
  readonly metric: string;
  readonly digits: number;
  readonly per?: number;
}

const MIB = 2 ** 20;
const COLUMNS: readonly Column[] = [
  { title: 'Avg ms', metric: 'latencyAvg', digits: 2 },
  { title: 'P50', metric: 'latencyP50', digits: 2 },
  { title: 'P95', metric: 'latencyP95', digits: 2 },
  { title: 'P99', metric: 'latencyP99', digits: 2 },
  { title: 'TTFT P50 ms', metric: 'ttftP50', digits: 2 },
  { title: 'Prompt tok/s', metric: 'prefillTokensPerSecond', digits: 0 },
  { title: 'Generated tok/s', metric: 'decodeTokensPerSecond', digits: 0 },
  { title: 'Samples/s', metric: 'samplesPerSecond', digits: 2 },
  { title: 'KV MiB', metric: 'kvCacheBytes', digits: 2, per: MIB },
  { title: 'Peak MiB', metric: 'peakMemoryBytes', digits: 1, per: MIB },
];

function cellsOf(row: Row): string[] {
  const metrics = metricsOf(row);
  const figures = COLUMNS.map(({ metric, digits, per = 1 }) => {
    const found = metrics[metric];
    if (found?.value == null) return row.status === 'succeeded' ? '—' : row.status;
    return `${(found.value / per).toFixed(digits)}${found.simulated ? ' †' : ''}`;
  });
  const n = metrics.latencyAvg?.n ?? 0;
  return [String(row.batchSize), String(n), ...figures, String(metrics.failures?.value ?? '—')];
}

/** Below these a sample has no value that lies above the percentile with 95 % confidence. */
const LEAST = [
  { metric: 'latencyP95', name: 'P95', n: 59 },
  { metric: 'latencyP99', name: 'P99', n: 299 },
];

function notes(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  const all = rows.map(metricsOf);
  if (all.some((metrics) => metrics.latencyAvg?.simulated)) {
    lines.push('† simulated: exact stored values, f32 arithmetic; speed and memory are not ranked');
  }
  for (const { metric, name, n } of LEAST) {
    if (all.some((metrics) => (metrics[metric]?.n ?? n) < n)) {
      lines.push(`${name}: no upper bound is claimed below n = ${n}`);
    }
  }
  const cold = all.find((metrics) => metrics.coldStartSeconds?.value != null);
  if (cold) {
    const seconds = (name: string): string => (cold[name]?.value ?? 0).toFixed(3);
    const n = cold.coldStartSeconds?.n;
    lines.push(
      `cold start: ${seconds('coldStartSeconds')} s from process start to the first token, ` +
        `${seconds('coldLoadSeconds')} s of it loading (mean of ${n})`,
    );
  }
  const [first] = rows;
  const engine = first?.found.manifest.engine;
  if (engine) lines.push(`computed as ${engine.precision}, ${engine.threads} threads`);
  for (const row of rows) {
    for (const { severity, message } of row.found.manifest.findings) {
      if (severity !== 'info') lines.push(`${severity}: batch ${row.batchSize}: ${message}`);
    }
  }
  return lines;
}

function benchOf(options: Options): Record<string, unknown> {
  const { runs, warmup, rounds, prompts } = options;
  return {
    ...{ runs, warmup, rounds, prompts },
    batch_sizes: options.batchSizes,
    prompt_tokens: options.promptTokens,
    new_tokens: options.newTokens,
    prompt_count: options.promptCount,
    cold_starts: options.coldStarts,
  };
}
