/**
 * Runs what is missing of an experiment: cells that score or trace one after the other, each in a
 * fresh process; then all cells of the benchmark together, interleaved.
 */
import { claimExperiment } from '../record/claim.ts';
import { captureEnvironment } from '../record/environment.ts';
import { Cancelled } from '../record/errors.ts';
import { captureGit } from '../record/git.ts';
import { listRuns, type RunEntry } from '../record/run-reader.ts';
import { writeSeal } from '../record/seal.ts';
import { runBench } from './bench-supervise.ts';
import { type Cell, isBench, isSolo } from './cell.ts';
import { withCheckpoints } from './checkpoints.ts';
import { finished, refuseIfRunning, sameCell } from './past-runs.ts';
import type { ExperimentPlan } from './plan.ts';
import { runScoringCell } from './scoring-cell.ts';
import type {
  CellOutcome,
  ExperimentOutcome,
  SuperviseContext,
  SuperviseState,
} from './supervise-context.ts';

/** Throws UsageError when another process runs this experiment. */
export async function runExperiment(
  plan: ExperimentPlan,
  context: SuperviseContext,
): Promise<ExperimentOutcome> {
  const { lab, signal } = context;
  const exclusive = context.exclusive ?? true;
  const claim = exclusive ? await claimExperiment(lab, plan.spec.name) : null;
  try {
    const environment = await captureEnvironment({ packageRoot: context.packageRoot });
    const git = await captureGit(lab.root);
    const state = { ...context, environment, git };
    const ready = await unlessCancelled(withCheckpoints(plan, state));
    const outcomes = ready === null ? [] : await runCells(ready, state);
    // Also when nothing was measured: a process that died between closing and sealing left a run
    // that no seal covers.
    writeSeal(lab);
    return { cells: outcomes, cancelled: signal.aborted };
  } finally {
    claim?.release();
  }
}

/** Ctrl-C while a checkpoint is written: nothing is left of it, and nothing was measured. */
async function unlessCancelled(work: Promise<ExperimentPlan>): Promise<ExperimentPlan | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Cancelled) return null;
    throw error;
  }
}

async function runCells(plan: ExperimentPlan, state: SuperviseState): Promise<CellOutcome[]> {
  const { signal } = state;
  const outcomes = new Map<Cell, CellOutcome>();
  const solo = plan.cells.filter(isSolo);
  const of = solo.length;
  for (const [index, cell] of solo.entries()) {
    if (signal.aborted) break;
    const { past, reused } = lookUp(cell, state);
    outcomes.set(cell, reused ?? (await runScoringCell(plan, cell, { ...state, index, of, past })));
  }
  const missing = plan.cells.filter(isBench).flatMap((cell) => {
    if (signal.aborted) return [];
    const { past, reused } = lookUp(cell, state);
    if (reused) outcomes.set(cell, reused);
    return reused ? [] : [{ cell, past }];
  });
  if (missing.length > 0) {
    for (const outcome of await runBench(plan, missing, state)) outcomes.set(outcome.cell, outcome);
  }
  return plan.cells.flatMap((cell) => outcomes.get(cell) ?? []);
}

/** Earlier runs of the cell, and the result that stands already. */
function lookUp(
  cell: Cell,
  { lab, reuse = true, onEvent }: SuperviseState,
): { past: RunEntry[]; reused: CellOutcome | null } {
  const past = listRuns(lab).filter((entry) => sameCell(entry, cell));
  refuseIfRunning(past);
  const found = reuse ? finished(past) : null;
  if (!found) return { past, reused: null };
  onEvent({ type: 'cell-reused', cell, runId: found.runId });
  const { status, reason } = found.manifest;
  return { past, reused: { cell, runId: found.runId, status, reason, reused: true, error: null } };
}
