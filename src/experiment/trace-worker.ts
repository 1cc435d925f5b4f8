/** The worker's side of a cell that traces: prompts in, routing.jsonl and counts out. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Engine, GenerateResult, WithRouting } from '../engine/engine.ts';
import { openTokenizer } from '../engine/tokenizer.ts';
import { collector } from '../measure/moe/collect.ts';
import { tracePair } from '../measure/moe/overhead.ts';
import { planTrace, type TracePlan } from '../measure/moe/plan.ts';
import { TraceWriter } from '../measure/moe/trace-writer.ts';
import { timed } from '../measure/scoring.ts';
import { sha256File } from '../record/canonical.ts';
import { Cancelled } from '../record/errors.ts';
import type { SampleRow } from '../record/rows.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import { writeParquet } from '../routing/write-parquet.ts';
import type { TraceCell } from './cell.ts';
import type { Job } from './protocol.ts';
import type { Wiring } from './scoring-worker.ts';
import { traceHeader } from './trace-header.ts';
import { loadEngine, tensorRows } from './worker-engine.ts';

type TraceJob = Job & { readonly cell: TraceCell };
type Routed = Engine & WithRouting;

const TRACE_FILE = 'routing.jsonl';
const BATCH_TOKENS = 4_096;

interface Tracing extends Wiring {
  readonly job: TraceJob;
  readonly engine: Routed;
  readonly plan: TracePlan;
  readonly samples: SampleWriter;
}

export async function traceCell(job: TraceJob, wiring: Wiring): Promise<void> {
  const samples = new SampleWriter(job.samplesPath);
  let engine: Routed | null = null;
  try {
    const { cell, builtinDir } = job;
    const settings = { builtinDir, batchTokens: BATCH_TOKENS, routing: true };
    const loaded = await loadEngine(cell, settings);
    engine = loaded.engine as Routed;
    const { loadMs } = loaded;
    samples.append([...tensorRows(engine), { kind: 'load', part: 0, loadMs }]);
    wiring.send({
      type: 'ready',
      engine: engine.info,
      model: cell.checkpoint ? cell.identity : engine.model,
    });
    const { maxPositions, vocabSize, routing } = engine;
    const tokenizer = await openTokenizer(engine);
    const model = { tokenizer, maxPositions, vocabSize, routing };
    const plan = await planTrace(cell.measure, model, cell.seed);
    await measure({ ...wiring, job, engine, plan, samples });
  } finally {
    await engine?.close();
    samples.close();
  }
}

async function measure(tracing: Tracing): Promise<void> {
  const { job, engine, plan, samples, send } = tracing;
  const { measure: settings } = job.cell;
  const path = join(dirname(job.samplesPath), TRACE_FILE);
  send({ type: 'plan', batches: plan.batches.length, scoredTokens: plan.tokens() });
  await warmUp(tracing);
  const report = await trace(tracing, path, (rows) => samples.append(rows));
  samples.append([{ kind: 'trace', file: TRACE_FILE, ...report }]);
  if (settings.check_repeat) await repeat(tracing, path);
  if (settings.compare > 0) await compare(tracing);
  if (settings.parquet) await writeParquet(path, path.replace(/jsonl$/, 'parquet'));
  const { weightBytes, peakRssBytes } = await engine.memory();
  samples.append([{ kind: 'memory', part: 0, peakRssBytes, weightBytes }]);
  samples.sync();
}

/** One short batch that no trace and no figure knows of. */
async function warmUp({ engine, plan, signal }: Pick<Tracing, 'engine' | 'plan' | 'signal'>) {
  const batch = plan.batches[0]!.map((index) => ({ ...plan.requests[index]!, maxNewTokens: 2 }));
  await engine.generate(batch, () => {}, signal);
}

function openTrace({ job, engine, plan }: Tracing, path: string) {
  const { cell } = job;
  const shape = {
    layers: plan.traced.map((place) => plan.routing.layers[place]!),
    topK: plan.routing.topK,
  };
  const header = traceHeader(cell, engine, shape.layers);
  const writer = new TraceWriter({ path, header, shape });
  const { tokens_sample: sample } = cell.measure;
  return { writer, collected: collector(plan, { writer, sample, seed: cell.seed }) };
}

/** All batches once, into the file `path`; a file that is not whole is removed. */
async function trace(tracing: Tracing, path: string, append: (rows: readonly SampleRow[]) => void) {
  const { engine, plan, signal, send } = tracing;
  const { writer, collected } = openTrace(tracing, path);
  try {
    for (const [batch, members] of plan.batches.entries()) {
      const requests = members.map((index) => plan.requests[index]!);
      const [results, ms] = await timed(() =>
        engine.generateRouted(
          requests,
          { onToken() {}, onRoutes: (event) => collected.take(event, members) },
          signal,
        ),
      );
      if (signal.aborted) throw new Cancelled();
      const rows = [...members.map(generatedRow(results)), ...collected.rows(batch)];
      const fed = requests.reduce(
        (sum, { ids }, i) => sum + ids.length + results[i]!.ids.length - 1,
        0,
      );
      const close = { batch, rows: rows.length, tokens: fed, scored: 0, ms, warmup: false };
      append([...rows, { kind: 'batch', ...close }]);
      send({ type: 'progress', batches: batch + 1, tokens: fed });
    }
    return await writer.close();
  } catch (error) {
    await writer.abandon();
    rmSync(path, { force: true });
    throw error;
  }
}

function generatedRow(results: readonly GenerateResult[]) {
  return (prompt: number, row: number): SampleRow => {
    const { ids, finish } = results[row]!;
    return { kind: 'generated', prompt, ids, finish };
  };
}

/** The same again: the same seed gives the same file. */
async function repeat(tracing: Tracing, path: string): Promise<void> {
  const again = `${path}.repeat`;
  await trace(tracing, again, () => {});
  const bitEqual = (await sha256File(path)) === (await sha256File(again));
  rmSync(again);
  tracing.samples.append([{ kind: 'repeat', batch: 0, bitEqual }]);
}

async function compare(tracing: Tracing): Promise<void> {
  const { job, engine, plan, signal, samples } = tracing;
  const path = `${join(dirname(job.samplesPath), TRACE_FILE)}.compare`;
  const settings = { builtinDir: job.builtinDir, batchTokens: BATCH_TOKENS };
  const { engine: plain } = await loadEngine(job.cell, settings);
  const { writer, collected } = openTrace(tracing, path);
  try {
    await warmUp({ engine: plain as Routed, plan, signal });
    for (let pair = 0; pair < job.cell.measure.compare; pair++) {
      const sides = { plain, traced: engine, writer, collector: collected };
      samples.append([await tracePair(plan, sides, { pair, signal })]);
    }
  } finally {
    await writer.abandon();
    await plain.close();
    rmSync(path, { force: true });
  }
}
