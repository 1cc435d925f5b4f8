/** One timed generation of one batch. */
import { performance } from 'node:perf_hooks';
import type { Engine, GenerateRequest, GenerateResult } from '../../engine/engine.ts';
import { Cancelled } from '../../record/errors.ts';

/** Times are ms, monotonic, from the start of the iteration. */
export interface TimedIteration {
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly ttftMs: number;
  readonly prefillMs: number;
  readonly stepMs: number[];
  readonly e2eMs: number;
  /** User and system time of this process, all threads. */
  readonly cpuMs: number;
}

export interface IterationOptions {
  readonly engine: Pick<Engine, 'generate'>;
  readonly prompts: readonly (readonly number[])[];
  readonly newTokens: number;
  readonly signal: AbortSignal;
  /** Called at the first token, inside the timed part: for what shows only then. */
  onFirstToken?(): void;
}

/**
 * Greedy and without stop tokens, so that every iteration does the same work. A step ends when the
 * last row has its token: the time of the batch, not of a lucky row.
 */
export async function timeIteration(
  options: IterationOptions,
): Promise<{ timed: TimedIteration; results: GenerateResult[] }> {
  const { engine, prompts, newTokens, signal } = options;
  const requests = prompts.map(
    (ids): GenerateRequest => ({ ids, maxNewTokens: newTokens, stopIds: [] }),
  );
  // Filled beforehand: an array that grows while it is timed would be timed too.
  const lastAt = new Float64Array(newTokens);
  let firstAt = Number.NaN;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const results = await engine.generate(
    requests,
    ({ index }) => {
      const now = performance.now();
      if (Number.isNaN(firstAt)) {
        firstAt = now;
        options.onFirstToken?.();
      }
      lastAt[index] = now;
    },
    signal,
  );
  const e2eMs = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  if (signal.aborted || results.some(({ finish }) => finish === 'cancelled')) throw new Cancelled();
  const longest = Math.max(...results.map(({ ids }) => ids.length));
  const stepMs = Array.from(
    { length: Math.max(0, longest - 1) },
    (_, step) => (lastAt[step + 1] as number) - (lastAt[step] as number),
  );
  const timed = {
    promptTokens: prompts.reduce((total, ids) => total + ids.length, 0),
    newTokens: results.reduce((total, { ids }) => total + ids.length, 0),
    ttftMs: firstAt - start,
    prefillMs: (lastAt[0] as number) - start,
    stepMs,
    e2eMs,
    cpuMs: (cpu.user + cpu.system) / 1_000,
  };
  return { timed, results };
}
