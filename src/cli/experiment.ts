/** What `demo`, `run` and `eval` share: supervise a plan with progress, then say what failed. */
import type { ResolvableRun } from '../analyze/reference.ts';
import type { ExperimentPlan } from '../experiment/plan.ts';
import { runExperiment } from '../experiment/supervise.ts';
import type {
  CellOutcome,
  ExperimentOutcome,
  SuperviseContext,
} from '../experiment/supervise-context.ts';
import { type Lab, labAt } from '../record/lab.ts';
import { type CommandIo, writeLine } from './io.ts';
import { builtinDir, packageRoot } from './package.ts';
import { progressView } from './progress.ts';

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
