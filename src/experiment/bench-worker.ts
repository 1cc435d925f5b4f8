/** The worker's side of a benchmark: a variant stays loaded, its cells are measured in slices. */
import type { Engine } from '../engine/engine.ts';
import { openTokenizer } from '../engine/tokenizer.ts';
import { ContentionMeter, machineTimes } from '../measure/bench/contention.ts';
import { type BenchPlan, benchPrompts, planBench } from '../measure/bench/plan.ts';
import { CellRounds } from '../measure/bench/round.ts';
import { Cancelled } from '../record/errors.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import type { Finding } from '../record/schema.ts';
import type { BenchCell } from './cell.ts';
import type { BenchJob, ColdStartJob, FromWorker, SliceRequest } from './protocol.ts';
import { loadEngine, tensorRows } from './worker-engine.ts';
import { describeError } from './worker-error.ts';

interface Wiring {
  readonly signal: AbortSignal;
  send(message: FromWorker): void;
}

/** Tokens of the largest batch with what it generates: what the memory must hold. */
function batchTokens(cells: readonly BenchCell[]): number {
  const tokens = cells.map(
    ({ measure: m }) => m.batch_size * (m.longest_prompt + m.new_tokens - 1),
  );
  return Math.max(...tokens);
}

async function planFor(cell: BenchCell, engine: Engine): Promise<BenchPlan> {
  const { vocabSize } = engine;
  const model = { tokenizer: await openTokenizer(engine), vocabSize };
  return planBench(cell.measure, await benchPrompts(cell.measure, model, cell.seed));
}

/** Serves slices until `next` gives null. */
export async function serveBench(
  job: BenchJob,
  wiring: Wiring & { next(): Promise<SliceRequest | null> },
): Promise<void> {
  const { send, signal, next } = wiring;
  const { builtinDir } = job;
  const cells = job.cells.map(({ cell }) => cell);
  const { engine, loadMs } = await loadEngine(cells[0] as BenchCell, {
    builtinDir,
    batchTokens: batchTokens(cells),
  });
  const writers: SampleWriter[] = [];
  try {
    const rounds = new Map<string, CellRounds>();
    for (const { cell, samplesPath, part, tensors, progress } of job.cells) {
      const sink = new SampleWriter(samplesPath);
      writers.push(sink);
      sink.append([...(tensors ? [] : tensorRows(engine)), { kind: 'load', part, loadMs }]);
      const plan = await planFor(cell, engine);
      if (rounds.size === 0)
        for (const finding of plan.findings) send({ type: 'finding', finding });
      const settings = cell.measure;
      // Ours are the supervisor and all that it started.
      const meter = new ContentionMeter(() => machineTimes(process.ppid));
      const own = { engine, plan, settings, sink, part, progress, meter };
      rounds.set(cell.name, new CellRounds(own));
    }
    const [first] = cells;
    const model = first?.checkpoint ? first.identity : engine.model;
    send({ type: 'ready', engine: engine.info, model });
    for (let request = await next(); request !== null; request = await next()) {
      await slice(rounds.get(request.cell) as CellRounds, request, { send, signal });
    }
  } finally {
    await engine.close();
    for (const writer of writers) writer.close();
  }
}

const PEAK_FROM_LOAD: Finding = {
  code: 'peak-from-load',
  severity: 'info',
  message:
    'this system does not let a process start its peak memory anew: the peak is that since the ' +
    'model was loaded, loading included',
};

async function slice(rounds: CellRounds, request: SliceRequest, wiring: Wiring): Promise<void> {
  const { send, signal } = wiring;
  try {
    await rounds.run(request.round, request.startedMs, signal);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    send({ type: 'slice-failed', error: describeError(error) });
    return;
  }
  if (!rounds.peakIsOwn) send({ type: 'finding', finding: PEAK_FROM_LOAD });
  send({ type: 'slice-done' });
}

/** The first token of the smallest batch, as fast as a fresh process can give it. */
export async function coldStart(job: ColdStartJob, { send, signal }: Wiring): Promise<void> {
  const { cell, builtinDir } = job;
  const options = { builtinDir, batchTokens: batchTokens([cell]) };
  const { engine, loadMs } = await loadEngine(cell, options);
  try {
    const plan = await planFor(cell, engine);
    const requests = plan.batchOf(0, 0).map((index) => ({
      ids: plan.prompts[index] as readonly number[],
      maxNewTokens: 1,
      stopIds: [],
    }));
    let told = false;
    const onToken = (): void => {
      if (!told) send({ type: 'first-token', loadMs });
      told = true;
    };
    await engine.generate(requests, onToken, signal);
  } finally {
    await engine.close();
  }
}
