/** A run directory for a cell, with what an interrupted attempt left to it. */
import type { SampleRow } from '../record/rows.ts';
import { createRun, type RunWriter } from '../record/run-writer.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import { type Cell, type CellCheckpoint, measureName, plainJson } from './cell.ts';
import type { ExperimentPlan } from './plan.ts';
import type { SuperviseState } from './supervise-context.ts';

/** Makes the run directory and puts the rows of the interrupted attempt into it. */
export function openRun(
  plan: ExperimentPlan,
  cell: Cell,
  context: SuperviseState & {
    readonly resumable: { readonly runId: string; readonly rows: readonly SampleRow[] } | null;
  },
): RunWriter {
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
      dataSha256: cell.dataSha256,
      seed: cell.seed,
      timeoutS: cell.timeoutS,
      ...(cell.checkpoint ? { checkpoint: recorded(cell.checkpoint) } : {}),
    }),
    cellKey: cell.key,
    resumedFrom: resumable && { runId: resumable.runId, rows: resumable.rows.length },
    environment: context.environment,
    seeds: { bootstrap: cell.seed, engine: cell.engine.seed },
    git: context.git,
    model: cell.identity,
  });
  if (resumable) appendRows(run, resumable.rows);
  return run;
}

/** Where the weights were read from, with the SHA-256 of all its files, and who wrote them. */
function recorded({ path, format, run, identity }: CellCheckpoint) {
  const { configSha256, files } = identity;
  return { path, format, run, configSha256, files };
}

/** Rows that no worker writes; only while none has the file open. */
export function appendRows(run: RunWriter, rows: readonly SampleRow[]): void {
  const writer = new SampleWriter(run.samplesPath);
  try {
    writer.append(rows);
    writer.sync();
  } finally {
    writer.close();
  }
}
