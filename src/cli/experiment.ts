/** What `demo`, `run` and `eval` share: supervise a plan with progress, then say what was found. */
import { join } from 'node:path';
import type { ResolvableRun } from '../analyze/reference.ts';
import type { ExperimentPlan } from '../experiment/plan.ts';
import { runExperiment } from '../experiment/supervise.ts';
import type {
  CellOutcome,
  ExperimentOutcome,
  SuperviseContext,
} from '../experiment/supervise-context.ts';
import { type Lab, labAt } from '../record/lab.ts';
import { removeCharts, writeCharts } from '../report/charts/write-charts.ts';
import { collectExperiment, type ExperimentReport, recordedConfig } from '../report/collect.ts';
import { type Decision, keepDecision, readDecision } from '../report/decision-file.ts';
import { importedReport } from '../report/imported.ts';
import { conclusionText, foundText, overviewText } from '../report/terminal.ts';
import { refuseForeignLog, type WrittenReport, writeReport } from '../report/write-report.ts';
import { type CommandIo, writeLine } from './io.ts';
import { builtinDir, packageRoot, packageVersion } from './package.ts';
import { progressView } from './progress.ts';
import { experimentRuns } from './runs.ts';

export type ExecuteOptions = Pick<SuperviseContext, 'reuse' | 'resume' | 'exclusive'>;

/** Runs the plan in this lab; progress goes to stderr. */
export async function execute(
  plan: ExperimentPlan,
  lab: Lab,
  options: ExecuteOptions,
  io: CommandIo,
): Promise<ExperimentOutcome> {
  const progress = await progressView(io);
  try {
    return await runExperiment(plan, {
      ...options,
      // A first run makes this the lab, wherever later commands are started below it.
      lab: labAt(lab.root),
      argv: io.argv,
      env: io.env,
      signal: io.signal,
      builtinDir: builtinDir(),
      packageRoot: packageRoot(),
      onEvent: progress.onEvent,
    });
  } finally {
    progress.stop();
  }
}

/**
 * `now`: limits and prices of the experiment file, where it was just read. `charts`: all or none;
 * else as many as are drawn unasked. `runs`: where they were read already.
 */
export async function report(
  lab: Lab,
  experiment: string,
  options: {
    out?: string;
    now?: Decision;
    charts?: boolean;
    runs?: readonly ResolvableRun[];
  } = {},
): Promise<{ report: ExperimentReport; written: WrittenReport }> {
  const { out, now, runs = experimentRuns(lab, experiment) } = options;
  const own = join(lab.reportsDir, experiment);
  if (now) keepDecision(own, now, recordedConfig(experiment, runs));
  const collected = collectExperiment(experiment, runs, readDecision(own) ?? {});
  const dir = out ?? own;
  refuseForeignLog(dir);
  const charts =
    options.charts === false
      ? removeCharts(dir)
      : await writeCharts(collected, dir, { all: options.charts ?? false });
  const version = packageVersion();
  const imports = importedReport(runs);
  const written = writeReport(collected, { dir, version, charts, imports });
  return { report: collected, written };
}

/** The tables that answer the question, and the lines under them. */
export function printOverview(found: ExperimentReport, io: CommandIo): void {
  for (const part of overviewText(found, io.stdout.columns)) writeLine(io.stdout, `\n${part}`);
}

/** The last line: what was found, and which command to try next. */
export function printFound(found: ExperimentReport, next: string, io: CommandIo): void {
  const conclusion = conclusionText(found);
  if (conclusion !== null) writeLine(io.stdout, `\n${conclusion}`);
  const said = foundText(found) ?? 'Nothing was compared yet.';
  writeLine(io.stdout, `\nFound: ${said} Next: ${next}`);
}

/** 0 when everything has a result; else the code of the first thing that went wrong. */
export function exitCodeOf(outcome: ExperimentOutcome): number {
  if (outcome.cancelled) return 130;
  const bad = outcome.cells.find((cell) => cell.status !== 'succeeded');
  if (!bad) return 0;
  if (bad.status === 'invalid') return 5;
  return bad.error?.exitCode ?? 4;
}

export function printFailures(outcome: ExperimentOutcome, io: CommandIo): void {
  for (const cell of outcome.cells.filter(failed)) {
    writeLine(io.stderr, `error: ${cell.runId}: ${cell.status}: ${cell.reason ?? ''}`);
    if (cell.error?.hint) writeLine(io.stderr, `hint: ${cell.error.hint}`);
  }
  if (outcome.cancelled) {
    writeLine(io.stderr, 'interrupted; run the same command again to resume');
  }
}

function failed(cell: CellOutcome): boolean {
  return cell.status === 'failed' || cell.status === 'invalid';
}

export function runsAsJson(
  outcome: ExperimentOutcome,
  runs: readonly ResolvableRun[],
): Record<string, unknown>[] {
  return outcome.cells.map(({ cell, runId, status, reason, reused }) => {
    const run = runs.find((each) => each.manifest.runId === runId);
    return {
      cell: cell.name,
      runId,
      status,
      reason,
      reused,
      metrics: run?.summary?.metrics ?? {},
      findings: run?.manifest.findings ?? [],
    };
  });
}
