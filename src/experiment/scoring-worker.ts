/** The worker's side of a cell that scores: one model, one measure, one sample file. */
import type { Engine, WithClassification } from '../engine/engine.ts';
import { openTokenizer } from '../engine/tokenizer.ts';
import { checkRepeat, scoreBatches } from '../measure/scoring.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import type { ScoringCell } from './cell.ts';
import { planCell } from './cell-plan.ts';
import type { FromWorker, Job } from './protocol.ts';
import { loadEngine, tensorRows } from './worker-engine.ts';

export type ScoringJob = Job & { readonly cell: ScoringCell };

export interface Wiring {
  readonly signal: AbortSignal;
  send(message: FromWorker): void;
}

export async function scoreCell(job: ScoringJob, wiring: Wiring): Promise<void> {
  let writer: SampleWriter | null = null;
  let engine: Engine | null = null;
  try {
    writer = new SampleWriter(job.samplesPath);
    const { cell, builtinDir } = job;
    const loaded = await loadEngine(cell, { builtinDir, batchTokens: cell.measure.batch_tokens });
    engine = loaded.engine;
    const { loadMs } = loaded;
    writer.append([...tensorRows(engine), { kind: 'load', part: partOf(job), loadMs }]);
    // A checkpoint of a scheme is the model that was named, stored in another way.
    const model = cell.checkpoint ? cell.identity : engine.model;
    wiring.send({ type: 'ready', engine: engine.info, model });
    await measure(job, { ...wiring, engine, writer });
  } finally {
    await engine?.close();
    writer?.close();
  }
}

function partOf(job: ScoringJob): number {
  return job.doneBatches.length > 0 ? 1 : 0;
}

async function measure(
  job: ScoringJob,
  wiring: Wiring & { engine: Engine; writer: SampleWriter },
): Promise<void> {
  const { engine, writer, signal, send } = wiring;
  const { maxPositions, vocabSize } = engine;
  const tokenizer = await openTokenizer(engine);
  const labels = 'labels' in engine ? (engine as Engine & WithClassification).labels : null;
  const planned = await planCell(job.cell, { tokenizer, maxPositions, vocabSize, labels });
  const { plan, scoredTokens, findings } = planned;
  for (const finding of findings) send({ type: 'finding', finding });
  if (planned.labels) {
    const { method, labels: all } = planned.labels;
    writer.append([{ kind: 'label-set', part: partOf(job), method, labels: [...all] }]);
  }
  send({ type: 'plan', batches: plan.batches.length, scoredTokens });
  const loop = { engine, plan, sink: writer, signal };
  await scoreBatches({
    ...loop,
    done: new Set(job.doneBatches),
    onProgress: ({ batches, tokens }) => send({ type: 'progress', batches, tokens }),
  });
  if (job.cell.measure.check_repeat) await checkRepeat(loop);
  const { weightBytes, peakRssBytes } = await engine.memory();
  writer.append([{ kind: 'memory', part: partOf(job), peakRssBytes, weightBytes }]);
  writer.sync();
}
