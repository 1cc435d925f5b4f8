/**
 * The worker process: loads one model, runs one cell, appends samples, exits. It owns nothing but
 * the sample file; a supervisor that disappears takes it along.
 */
import { performance } from 'node:perf_hooks';
import type { Engine } from '../engine/engine.ts';
import { openEngine } from '../engine/open.ts';
import { openTokenizer } from '../engine/tokenizer.ts';
import { checkRepeat, scoreBatches } from '../measure/scoring.ts';
import { sha256File } from '../record/canonical.ts';
import { AssayError, Cancelled, FormatError } from '../record/errors.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import type { Cell } from './cell.ts';
import { planCell } from './cell-plan.ts';
import type { FromWorker, Job, ToWorker } from './protocol.ts';

const abort = new AbortController();

function send(message: FromWorker): void {
  process.send?.(message);
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'abort') abort.abort(new Cancelled());
  else void work(message);
});
// Without its supervisor nobody will close this run: stop at once, the rows written so far stay.
process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole process group; the supervisor decides what it means.
process.on('SIGINT', () => {});

async function work(job: Job): Promise<void> {
  let writer: SampleWriter | null = null;
  let engine: Engine | null = null;
  let exitCode = 0;
  try {
    writer = new SampleWriter(job.samplesPath);
    await checkData(job.cell);
    engine = await load(job, writer);
    await measure(job, engine, writer);
    send({ type: 'done' });
  } catch (error) {
    exitCode = error instanceof AssayError ? error.exitCode : 1;
    send({ type: 'error', error: describe(error) });
  } finally {
    await engine?.close();
    writer?.close();
  }
  process.exitCode = exitCode;
  process.disconnect();
}

async function load(job: Job, writer: SampleWriter): Promise<Engine> {
  const { cell } = job;
  const { threads, ...settings } = cell.engine;
  const start = performance.now();
  const engine = await openEngine({
    ...settings,
    ...(threads === null ? {} : { threads }),
    batchTokens: cell.measure.batch_tokens,
    builtinDir: job.builtinDir,
    env: process.env,
    identity: cell.identity,
  });
  const loadMs = performance.now() - start;
  const part = job.doneBatches.length > 0 ? 1 : 0;
  writer.append([
    ...engine.coverage.map((tensor) => ({
      kind: 'tensor' as const,
      ...tensor,
      shape: [...tensor.shape],
    })),
    { kind: 'load', part, loadMs },
  ]);
  send({ type: 'ready', engine: engine.info, model: engine.model });
  return engine;
}

/** A matrix takes hours: a file that was edited meanwhile is not what the record says it is. */
async function checkData({ measure, dataSha256 }: Cell): Promise<void> {
  const scored = measure.kind === 'eval' ? measure.corpusPath : null;
  const path = 'filePath' in measure ? measure.filePath : scored;
  if (path === null || (await sha256File(path)) === dataSha256) return;
  throw new FormatError(`${path}: changed since this run was planned`, {
    hint: 'run the experiment again: what was measured with the old file is then measured anew',
    details: { path, expected: dataSha256 },
  });
}

async function measure(job: Job, engine: Engine, writer: SampleWriter): Promise<void> {
  const { maxPositions, vocabSize } = engine;
  const tokenizer = await openTokenizer(engine);
  const { plan, scoredTokens, findings } = await planCell(job.cell, {
    tokenizer,
    maxPositions,
    vocabSize,
  });
  for (const finding of findings) send({ type: 'finding', finding });
  send({ type: 'plan', batches: plan.batches.length, scoredTokens });
  const loop = { engine, plan, sink: writer, signal: abort.signal };
  await scoreBatches({
    ...loop,
    done: new Set(job.doneBatches),
    onProgress: ({ batches, tokens }) => send({ type: 'progress', batches, tokens }),
  });
  if (job.cell.measure.check_repeat) await checkRepeat(loop);
  const { weightBytes, peakRssBytes } = await engine.memory();
  const part = job.doneBatches.length > 0 ? 1 : 0;
  writer.append([{ kind: 'memory', part, peakRssBytes, weightBytes }]);
  writer.sync();
}

function describe(error: unknown): Extract<FromWorker, { type: 'error' }>['error'] {
  if (error instanceof AssayError) {
    const { code, exitCode, message, hint, details } = error;
    return { code, exitCode, message, hint: hint ?? null, details };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'InternalError', exitCode: 1, message, hint: null, details: {} };
}
