/** One cell that scores or traces: a run directory, a fresh process, and the closing of the run. */
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { redactingLineFilter } from '../record/redact-stream.ts';
import type { RunEntry } from '../record/run-reader.ts';
import type { EngineInfo, Finding, ModelIdentity } from '../record/schema.ts';
import { isTrace, type SoloCell } from './cell.ts';
import { closeRun } from './close-run.ts';
import { openRun } from './open-run.ts';
import { interrupted } from './past-runs.ts';
import type { ExperimentPlan } from './plan.ts';
import { bestResumable } from './resume.ts';
import type { CellOutcome, SuperviseState } from './supervise-context.ts';
import { runWorker } from './worker-process.ts';

export async function runScoringCell(
  plan: ExperimentPlan,
  cell: SoloCell,
  context: SuperviseState & { index: number; of: number; past: readonly RunEntry[] },
): Promise<CellOutcome> {
  const { onEvent, past, resume = true } = context;
  // A trace is one file from its first line to its last.
  const resumes = resume && !isTrace(cell);
  const resumable = resumes ? bestResumable(past.flatMap(interrupted)) : null;
  const run = openRun(plan, cell, { ...context, resumable });
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
