/** The rounds of one cell in one process: warm-up, timed iterations, and what else happened. */
import { performance } from 'node:perf_hooks';
import type { Engine, GenerateResult } from '../../engine/engine.ts';
import { AssayError, Cancelled, EngineError } from '../../record/errors.ts';
import type { SampleRow } from '../../record/rows.ts';
import type { SampleSink } from '../scoring.ts';
import type { ContentionMeter } from './contention.ts';
import { timeIteration } from './iteration.ts';
import { resetPeakMemory } from './peak-memory.ts';
import type { BenchPlan, BenchSettings } from './plan.ts';

/** What was recorded before this process took the cell on. */
export interface BenchProgress {
  /** Number of the next iteration of the run. */
  readonly nextIteration: number;
  /** Prompts whose continuation is recorded. */
  readonly generated: readonly number[];
  /** Peak memory is recorded. */
  readonly memory: boolean;
}

export const NOTHING_DONE: BenchProgress = { nextIteration: 0, generated: [], memory: false };

export interface CellRoundsOptions {
  readonly engine: Pick<Engine, 'generate' | 'memory' | 'kvBytesPerToken'>;
  readonly plan: BenchPlan;
  readonly settings: BenchSettings;
  readonly sink: SampleSink;
  readonly meter: ContentionMeter;
  /** Counts the processes that worked on the run. */
  readonly part: number;
  readonly progress: BenchProgress;
}

/** So many failures in a row end the cell: the next would most likely be one more. */
const FAILURES_IN_A_ROW = 3;

export class CellRounds {
  readonly #options: CellRoundsOptions;
  readonly #generated: Set<number>;
  #next: number;
  #warm = false;
  #memoryRecorded: boolean;
  #failuresInARow = 0;
  /** Largest cache so far, bytes: as allocated, and as computed. */
  #kvCacheBytes = 0;
  #kvComputedBytes = 0;
  /** False once the system refused to start the peak anew. */
  peakIsOwn = true;

  constructor(options: CellRoundsOptions) {
    this.#options = options;
    this.#next = options.progress.nextIteration;
    this.#generated = new Set(options.progress.generated);
    this.#memoryRecorded = options.progress.memory;
  }

  /**
   * One round: `warmup` iterations the first time in this process, later one, because another
   * variant ran in between; then the measured ones. `startedMs`: where it stands among all rounds.
   * Throws Cancelled when aborted; EngineError when the engine failed three times in a row.
   */
  async run(round: number, startedMs: number, signal: AbortSignal): Promise<void> {
    const { plan, settings, meter, sink } = this.#options;
    if (!this.#memoryRecorded) this.peakIsOwn = resetPeakMemory();
    const start = performance.now();
    meter.start();
    const runs = plan.runsOf(round);
    const warmups = this.#warm ? Math.min(1, settings.warmup) : settings.warmup;
    this.#warm = true;
    for (let i = 0; i < warmups; i++) {
      await this.#iterate({ round, batch: plan.batchOf(round, i % runs), warmup: true }, signal);
    }
    for (let i = 0; i < runs; i++) {
      await this.#iterate({ round, batch: plan.batchOf(round, i), warmup: false }, signal);
    }
    const wallMs = performance.now() - start;
    const rows = warmups + runs;
    const closing: SampleRow = {
      kind: 'round',
      ...{ round, rows, startedMs, wallMs },
      ...meter.stop(),
    };
    sink.append([...(await this.#memoryRows()), closing]);
    sink.sync();
  }

  async #iterate(
    at: { round: number; batch: readonly number[]; warmup: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) throw new Cancelled();
    const { engine, plan, settings, sink } = this.#options;
    const { round, warmup } = at;
    const iteration = this.#next++;
    const prompts = at.batch.map((index) => plan.prompts[index] as readonly number[]);
    const kvBytes = this.#kvBytes(prompts);
    try {
      const { timed, results } = await timeIteration({
        engine,
        prompts,
        newTokens: settings.new_tokens,
        signal,
        onFirstToken: () => {
          // Reading it costs a system call: only where the cache is larger than any before.
          if (kvBytes > this.#kvComputedBytes) void this.#observeCache(kvBytes);
        },
      });
      this.#failuresInARow = 0;
      const generated = warmup ? [] : this.#generatedRows(at.batch, results);
      sink.append([{ kind: 'iteration', round, iteration, warmup, ...timed }, ...generated]);
    } catch (error) {
      this.#failed({ round, iteration }, error);
    }
  }

  #failed(at: { round: number; iteration: number }, error: unknown): void {
    const ours = error instanceof AssayError ? error : null;
    // What was asked for is impossible, or the user stopped it: no measurement, so no failure.
    if (ours && ours.exitCode !== 4) throw ours;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.sink.append([{ kind: 'failure', ...at, message }]);
    this.#failuresInARow++;
    if (this.#failuresInARow < FAILURES_IN_A_ROW) return;
    throw new EngineError(`${FAILURES_IN_A_ROW} iterations in a row failed: ${message}`, {
      hint: 'try a smaller batch size; the failures are in the samples of the run',
      cause: error,
    });
  }

  #kvBytes(prompts: readonly (readonly number[])[]): number {
    const { engine, settings } = this.#options;
    // The last new token is never fed, so it is never in the cache.
    const capacity = Math.max(...prompts.map((ids) => ids.length)) + settings.new_tokens - 1;
    return prompts.length * capacity * engine.kvBytesPerToken;
  }

  async #observeCache(computed: number): Promise<void> {
    this.#kvComputedBytes = computed;
    const { kvCacheBytes } = await this.#options.engine.memory();
    this.#kvCacheBytes = Math.max(this.#kvCacheBytes, kvCacheBytes);
  }

  #generatedRows(batch: readonly number[], results: readonly GenerateResult[]): SampleRow[] {
    return batch.flatMap((prompt, row): SampleRow[] => {
      const result = results[row];
      if (result === undefined || this.#generated.has(prompt)) return [];
      this.#generated.add(prompt);
      return [{ kind: 'generated', prompt, ids: result.ids, finish: result.finish }];
    });
  }

  /** Once, after the first round: later ones run in what the runtime kept from larger batches. */
  async #memoryRows(): Promise<SampleRow[]> {
    if (this.#memoryRecorded) return [];
    this.#memoryRecorded = true;
    const { part, engine } = this.#options;
    const { weightBytes, peakRssBytes } = await engine.memory();
    const kv = { kvCacheBytes: this.#kvCacheBytes, kvComputedBytes: this.#kvComputedBytes };
    return [{ kind: 'memory', part, peakRssBytes, weightBytes, ...kv }];
  }
}
