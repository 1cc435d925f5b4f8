/** All open cells of one variant, and the worker that holds it, while there is one. */
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { redactingLineFilter } from '../record/redact-stream.ts';
import type { OpenBenchCell } from './bench-cell.ts';
import { recordedCell } from './bench-resume.ts';
import type { BenchJob, SliceRequest } from './protocol.ts';
import type { SuperviseState } from './supervise-context.ts';
import { VariantWorker } from './variant-worker.ts';
import type { WorkerEnd } from './worker-process.ts';

/** What the engine says where a model or a batch does not fit into memory. */
const DOES_NOT_FIT = 'LimitError';

/** What a variant may take. */
export interface Room {
  /** No other variant is loaded, or none that could be waited for. */
  readonly alone: boolean;
  /** What was free before any variant was loaded. */
  readonly bytes: number;
}

export class BenchVariant {
  readonly cells: readonly OpenBenchCell[];
  readonly #state: SuperviseState;
  #worker: VariantWorker | null = null;
  #logs: Promise<void>[] = [];

  constructor(cells: readonly OpenBenchCell[], state: SuperviseState) {
    this.cells = cells;
    this.#state = state;
  }

  get open(): OpenBenchCell[] {
    return this.cells.filter((cell) => cell.isOpen);
  }

  /** For messages. */
  get name(): string {
    return this.cells[0]?.cell.name.replace(/~bench-b\d+$/, '') ?? '';
  }

  /**
   * Starts the worker and waits until its model is loaded. `false`: it does not fit beside the
   * variants that are loaded, but would alone. Where not even that, the largest batch sizes are
   * given up, as recorded failures, until the rest fits. Any other end fails all its cells.
   */
  async load(room: Room): Promise<boolean> {
    const { signal } = this.#state;
    while (!this.#worker && this.open.length > 0 && !signal.aborted) {
      const [first] = this.open;
      const worker = this.#start();
      const answer = await worker.load(this.#job(), first?.timeLeft() ?? null);
      if (!('end' in answer)) {
        this.#worker = worker;
        for (const cell of this.open) cell.ready = answer;
        return true;
      }
      await Promise.all(this.#logs);
      const { end } = answer;
      if (end.error?.code === DOES_NOT_FIT) {
        const needed = Number(end.error.details.totalBytes ?? 0);
        if (!room.alone && needed <= room.bytes) return false;
        await this.#largest()?.close(end, this.#state);
      } else await this.closeAll(end);
    }
    return true;
  }

  #largest(): OpenBenchCell | undefined {
    return this.open.toSorted((a, b) => b.cell.measure.batch_size - a.cell.measure.batch_size)[0];
  }

  /** Measures one round of one cell; what goes wrong ends that cell, and no other. */
  async slice(open: OpenBenchCell, at: { round: number; startedMs: number }): Promise<void> {
    const { signal } = this.#state;
    if (!open.isOpen || !open.missing.has(at.round)) return;
    // Killed while it waited (the kernel takes the largest process): that is not this cell's fault.
    if (this.#worker?.hasEnded) this.#worker = null;
    if (!this.#worker) await this.load({ alone: true, bytes: 0 });
    if (!this.#worker || !open.isOpen || signal.aborted) return;
    const request: SliceRequest = { type: 'slice', cell: open.cell.name, ...at };
    const start = performance.now();
    const outcome = await this.#worker.slice(request, open.timeLeft());
    open.used(performance.now() - start);
    if (outcome.kind === 'done') open.missing.delete(at.round);
    else if (outcome.kind === 'failed') await open.fail(outcome.error, this.#state);
    else {
      this.#worker = null;
      await Promise.all(this.#logs);
      // Interrupted: all cells are closed together, as cancelled.
      if (!signal.aborted) await open.close(unexpected(outcome.end), this.#state);
    }
  }

  async finish(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await (this.#state.signal.aborted ? worker?.stop() : worker?.finish());
    await Promise.all(this.#logs);
  }

  /** Ends the worker, whatever state it is in. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.stop();
  }

  async closeAll(end: WorkerEnd): Promise<void> {
    for (const cell of this.open) await cell.close(end, this.#state);
  }

  async succeedAll(): Promise<void> {
    for (const cell of this.open) await cell.succeed(this.#state);
  }

  #job(): BenchJob {
    return {
      type: 'bench',
      builtinDir: this.#state.builtinDir,
      cells: this.open.map(({ cell, run }) => {
        const { loads, tensors, progress } = recordedCell(run.samplesPath);
        const part = loads + (run.manifest.resumedFrom ? 1 : 0);
        return { cell, samplesPath: run.samplesPath, part, tensors, progress };
      }),
    };
  }

  #start(): VariantWorker {
    this.#logs = [];
    const { env, signal } = this.#state;
    return new VariantWorker({
      env,
      signal,
      onFinding: (finding) => {
        for (const cell of this.open) cell.add(finding);
      },
      onStdout: (stream) => this.#log(stream, 'stdout'),
      onStderr: (stream) => this.#log(stream, 'stderr'),
    });
  }

  #log(stream: Readable, name: 'stdout' | 'stderr'): void {
    const secrets = this.cells[0]?.run.secrets;
    const lines = stream.pipe(redactingLineFilter(secrets));
    lines.on('data', (chunk: Buffer) => {
      for (const cell of this.open) cell.appendLog(name, chunk.toString('utf8'));
    });
    this.#logs.push(
      new Promise((resolve) => {
        lines.on('close', resolve);
        lines.on('error', () => resolve());
      }),
    );
  }
}

/** A worker that says that it is done, but was asked for more, has not succeeded. */
function unexpected(end: WorkerEnd): WorkerEnd {
  if (end.status !== 'succeeded') return end;
  return { status: 'failed', reason: 'the worker ended before its work was done', error: null };
}
