/** Runs what is missing of an experiment, one cell after the other, each in a fresh process. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { claimExperiment } from '../record/claim.ts';
import { captureEnvironment } from '../record/environment.ts';
import { UsageError } from '../record/errors.ts';
import { captureGit } from '../record/git.ts';
import type { Lab } from '../record/lab.ts';
import { redactingLineFilter } from '../record/redact-stream.ts';
import { listRuns, type RunEntry } from '../record/run-reader.ts';
import { createRun, type RunWriter } from '../record/run-writer.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import { SAMPLES_FILE } from '../record/samples.ts';
import type {
  EngineInfo,
  Environment,
  Finding,
  Manifest,
  ModelIdentity,
} from '../record/schema.ts';
import { writeSeal } from '../record/seal.ts';
import { type Cell, plainJson } from './cell.ts';
import { closeRun } from './close-run.ts';
import type { ExperimentPlan } from './plan.ts';
import type { WorkerError } from './protocol.ts';
import { bestResumable, type Resumable } from './resume.ts';
import { runWorker } from './worker-process.ts';

export type ExperimentEvent =
  | { type: 'cell-start'; cell: Cell; index: number; of: number; resumed: number }
  | { type: 'cell-plan'; cell: Cell; batches: number; scoredTokens: number }
  | { type: 'cell-progress'; cell: Cell; batches: number; tokens: number }
  | { type: 'cell-end'; cell: Cell; manifest: Manifest }
  | { type: 'cell-reused'; cell: Cell; runId: string };

export interface SuperviseContext {
  readonly lab: Lab;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly builtinDir: string;
  readonly packageRoot: string;
  /** Take results that are there already (same model bytes, data, settings). Default true. */
  readonly reuse?: boolean;
  /** Take over the rows of interrupted attempts. Default true. */
  readonly resume?: boolean;
  /** One supervisor an experiment. Default true; false for one-cell experiments made of flags. */
  readonly exclusive?: boolean;
  onEvent(event: ExperimentEvent): void;
}

export interface CellOutcome {
  readonly cell: Cell;
  readonly runId: string;
  readonly status: Manifest['status'];
  readonly reason: string | null;
  /** It was there already: same model bytes, same data, same settings. */
  readonly reused: boolean;
  readonly error: WorkerError | null;
}

export interface ExperimentOutcome {
  readonly cells: readonly CellOutcome[];
  readonly cancelled: boolean;
}

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
    const { cells } = plan;
    const outcomes: CellOutcome[] = [];
    for (const [index, cell] of cells.entries()) {
      if (signal.aborted) break;
      const past = listRuns(lab).filter((entry) => sameCell(entry, cell));
      refuseIfRunning(past);
      const reused = (context.reuse ?? true) ? finished(past) : null;
      if (reused) {
        context.onEvent({ type: 'cell-reused', cell, runId: reused.runId });
        const { status, reason } = reused.manifest;
        outcomes.push({ cell, runId: reused.runId, status, reason, reused: true, error: null });
        continue;
      }
      const resume = context.resume ?? true;
      const resumable = resume ? bestResumable(past.flatMap(interrupted)) : null;
      const at = { index, of: cells.length, resumable };
      outcomes.push(await runCell(plan, cell, { ...context, environment, git, ...at }));
    }
    // Also when nothing was measured: a process that died between closing and sealing left a run
    // that no seal covers.
    writeSeal(lab);
    return { cells: outcomes, cancelled: signal.aborted };
  } finally {
    claim?.release();
  }
}

function sameCell(entry: RunEntry, cell: Cell): boolean {
  return entry.kind !== 'unreadable' && entry.manifest.cellKey === cell.key;
}

function finished(past: readonly RunEntry[]): Extract<RunEntry, { kind: 'closed' }> | null {
  for (const entry of past.toReversed()) {
    if (entry.kind === 'closed' && entry.manifest.status === 'succeeded') return entry;
  }
  return null;
}

/** Two processes that measure one cell at once would disturb each other's figures. */
function refuseIfRunning(past: readonly RunEntry[]): void {
  for (const entry of past) {
    if (entry.kind !== 'unfinished' || !entry.alive) continue;
    const by = entry.heartbeat ? ` by pid ${entry.heartbeat.pid} on ${entry.heartbeat.host}` : '';
    throw new UsageError(`this measurement is running already${by}: ${entry.runId}`, {
      hint: 'wait for it, or stop that process and run this again: it will resume',
    });
  }
}

/** Attempts that ended before their result: killed, cancelled, out of time or memory. */
function interrupted(entry: RunEntry): { runId: string; samplesPath: string }[] {
  const over =
    entry.kind === 'closed'
      ? entry.manifest.status === 'cancelled' || entry.manifest.status === 'failed'
      : entry.kind === 'unfinished' && !entry.alive;
  return over ? [{ runId: entry.runId, samplesPath: join(entry.dir, SAMPLES_FILE) }] : [];
}

interface CellContext extends SuperviseContext {
  readonly environment: Environment;
  readonly git: Manifest['git'];
  readonly index: number;
  readonly of: number;
  readonly resumable: Resumable | null;
}

async function runCell(
  plan: ExperimentPlan,
  cell: Cell,
  context: CellContext,
): Promise<CellOutcome> {
  const { onEvent, resumable } = context;
  const run = openRun(plan, cell, context);
  const resumed = resumable?.batches.length ?? 0;
  onEvent({ type: 'cell-start', cell, index: context.index, of: context.of, resumed });
  let engine: EngineInfo | null = null;
  let model: ModelIdentity | null = null;
  const findings: Finding[] = [];
  const logs: Promise<unknown>[] = [];
  const log = (path: string) => (stream: Readable) => {
    const file = createWriteStream(path, { flags: 'a' });
    logs.push(pipeline(stream, redactingLineFilter(run.secrets), file).catch(() => {}));
  };
  const end = await runWorker({
    job: {
      type: 'job',
      cell,
      builtinDir: context.builtinDir,
      samplesPath: run.samplesPath,
      doneBatches: resumable?.batches ?? [],
    },
    env: context.env,
    signal: context.signal,
    timeoutS: cell.timeoutS,
    onStdout: log(run.logPath),
    onStderr: log(run.errorLogPath),
    onMessage(message) {
      if (message.type === 'ready') ({ engine, model } = message);
      else if (message.type === 'finding') findings.push(message.finding);
      else if (message.type === 'plan') onEvent({ ...message, type: 'cell-plan', cell });
      else if (message.type === 'progress') onEvent({ ...message, type: 'cell-progress', cell });
    },
  });
  await Promise.all(logs);
  const manifest = await closeRun(run, { cell, end, engine, model, findings });
  onEvent({ type: 'cell-end', cell, manifest });
  const { status, reason } = manifest;
  return { cell, runId: run.runId, status, reason, reused: false, error: end.error };
}

/** Makes the run directory and puts the rows of the interrupted attempt into it. */
function openRun(plan: ExperimentPlan, cell: Cell, context: CellContext): RunWriter {
  const { resumable } = context;
  const run = createRun(context.lab, {
    experiment: cell.experiment,
    cell: cell.name,
    measure: measureName(cell),
    variant: { model: plan.spec.models[cell.modelIndex] as string, scheme: cell.engine.scheme },
    argv: [...context.argv],
    config: plainJson({
      experiment: plan.spec,
      engine: cell.engine,
      measure: cell.measure,
      seed: cell.seed,
      timeoutS: cell.timeoutS,
    }),
    cellKey: cell.key,
    resumedFrom: resumable && { runId: resumable.runId, rows: resumable.rows.length },
    environment: context.environment,
    seeds: { bootstrap: cell.seed, engine: cell.engine.seed },
    git: context.git,
    model: cell.identity,
  });
  if (resumable) {
    const writer = new SampleWriter(run.samplesPath);
    writer.append(resumable.rows);
    writer.sync();
    writer.close();
  }
  return run;
}

function measureName(cell: Cell): string {
  return cell.measure.kind === 'task' ? cell.measure.name : cell.measure.kind;
}
