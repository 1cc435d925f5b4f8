/** `assay eval`: one measure of one variant, as a one-cell experiment: a text or a labelled set. */
import { planExperiment } from '../../experiment/plan.ts';
import { AssayError, UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import type { Metric } from '../../record/schema.ts';
import { citeWithInterval } from '../../report/cite.ts';
import {
  type ClassTable,
  classTable,
  confusionTable,
  isOfClass,
} from '../../report/class-table.ts';
import { plainText } from '../../report/plain.ts';
import { textTable } from '../../report/table.ts';
import { downloadView } from '../download.ts';
import { execute, exitCodeOf } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { oneVariant, type VariantOptions } from '../one-variant.ts';
import { builtinDir } from '../package.ts';
import { resolvable } from '../runs.ts';

interface Options extends VariantOptions {
  corpus?: string;
  task?: string;
  method?: string;
  prompt?: string;
  continuation?: string;
  budget?: string;
  context?: number;
  stride?: number;
  batchTokens: number;
  checkRepeat?: boolean;
  fresh?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const spec = oneVariant(options, {
    ...{ prefix: 'eval', title: 'Evaluation', command: 'eval', flags: { file: 'task' } },
    measure: measureOf(options),
  });
  const plan = await planExperiment(spec, {
    baseDir: io.cwd,
    builtinDir: builtinDir(),
    env: io.env,
    ...downloadView(io),
  });
  const lab = findLab(io.cwd);
  // An evaluation asked for by hand is measured, not looked up; only an interrupted one goes on.
  const settings = { reuse: false, resume: !options.fresh, exclusive: false };
  const outcome = await execute(plan, lab, settings, io);
  const [cell] = outcome.cells;
  if (!cell) return exitCodeOf(outcome);
  if (cell.error) {
    const { code, exitCode, message, hint, details } = cell.error;
    throw new AssayError(code, exitCode, message, { ...(hint ? { hint } : {}), details });
  }
  const found = resolvable(lab, cell.runId);
  const metrics: Record<string, Metric> = found.summary?.metrics ?? {};
  const { findings, engine } = found.manifest;
  if (options.json) {
    const { runId, status, reason } = cell;
    writeJson(io.stdout, { runId, status, reason, metrics, findings, engine });
    return exitCodeOf(outcome);
  }
  const listed = Object.entries(metrics).filter(([name]) => !isOfClass(name));
  const rows = listed.map(([name, metric]) => [
    name,
    plainText(citeWithInterval(found, name)),
    metric.unit,
    String(metric.n),
    `${metric.units} ${metric.unitOf}`,
    metric.simulated ?? '',
  ]);
  const columns = ['Metric', 'Value [95 %]', 'Unit', 'n', 'Units', 'Note'];
  writeLine(
    io.stdout,
    textTable(
      columns.map((title) => ({ title })),
      rows,
    ),
  );
  for (const table of [classTable(found), confusionTable(found)]) {
    if (table) writeLine(io.stdout, `\n${plainTable(table)}\n`);
  }
  for (const finding of findings) {
    writeLine(io.stdout, `${finding.severity}: ${finding.message}`);
  }
  if (cell.reason) writeLine(io.stdout, `${cell.status}: ${cell.reason}`);
  if (engine) writeLine(io.stdout, `computed as ${engine.precision}, ${engine.threads} threads`);
  writeLine(io.stdout, `\nRun: runs/${cell.runId}`);
  const headline = options.task === undefined ? 'perplexity' : 'accuracy';
  writeLine(io.stdout, `Next: assay explain ${cell.runId.split('/').at(-1)}:${headline}`);
  return exitCodeOf(outcome);
}

function plainTable({ header, rows }: ClassTable): string {
  const columns = header.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' }) as const);
  return textTable(
    columns,
    rows.map((row) => row.map(plainText)),
  );
}

const OF_CORPUS = ['budget', 'context', 'stride'] as const;
const OF_TASK = ['method', 'prompt', 'continuation'] as const;

/** Throws UsageError for neither or both inputs, and for every flag that is of the other. */
function measureOf(options: Options): Record<string, unknown> {
  const { corpus, task } = options;
  if ((corpus === undefined) === (task === undefined)) {
    throw new UsageError('give either --corpus FILE (a text) or --task FILE (a labelled set)', {
      hint: 'see `assay eval --help`',
    });
  }
  const shared = { batch_tokens: options.batchTokens, check_repeat: options.checkRepeat ?? false };
  const [kind, others] =
    task === undefined ? (['task', OF_TASK] as const) : (['corpus', OF_CORPUS] as const);
  const misplaced = others.filter((name) => options[name] !== undefined);
  if (misplaced.length > 0) {
    throw new UsageError(
      misplaced.map((name) => `--${name} is only for --${kind}`),
      { hint: 'leave it out, or see `assay eval --help`' },
    );
  }
  if (task !== undefined) {
    const { method, prompt, continuation } = options;
    return { task: { file: task, method, prompt, continuation, ...shared } };
  }
  const { budget, context, stride } = options;
  return { eval: { corpus, budget, context, stride, ...shared } };
}
