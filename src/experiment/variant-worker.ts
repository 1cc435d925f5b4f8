/** A worker that holds one variant, as its supervisor sees it: questions, and what came back. */
import type { Readable } from 'node:stream';
import type { EngineInfo, Finding, ModelIdentity } from '../record/schema.ts';
import type { BenchJob, FromWorker, SliceRequest, WorkerError } from './protocol.ts';
import { startWorker, type WorkerEnd, type WorkerHandle } from './worker-process.ts';

export interface Ready {
  readonly engine: EngineInfo;
  readonly model: ModelIdentity;
}

export type SliceOutcome =
  | { readonly kind: 'done' }
  /** The cell is over, the worker is not. */
  | { readonly kind: 'failed'; readonly error: WorkerError }
  | { readonly kind: 'ended'; readonly end: WorkerEnd };

export interface VariantWorkerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  onFinding(finding: Finding): void;
  onStdout(stream: Readable): void;
  onStderr(stream: Readable): void;
}

/** Time left, ms, and the whole limit as the user set it, s; null: none. */
export type TimeLeft = { ms: number; timeoutS: number } | null;

export class VariantWorker {
  readonly #worker: WorkerHandle;
  #answer: ((message: FromWorker) => void) | null = null;
  #hasEnded = false;

  constructor(options: VariantWorkerOptions) {
    this.#worker = startWorker({
      ...options,
      onMessage: (message) => {
        if (message.type === 'finding') options.onFinding(message.finding);
        else this.#answer?.(message);
      },
    });
    void this.#worker.ended.then(() => {
      this.#hasEnded = true;
    });
  }

  /** It died while it waited, or was stopped. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Loads the model; how the worker ended instead, if it did. */
  async load(job: BenchJob, left: TimeLeft): Promise<Ready | { end: WorkerEnd }> {
    const answer = await this.#ask(job, left);
    if ('status' in answer) return { end: answer };
    return answer as Extract<FromWorker, { type: 'ready' }>;
  }

  async slice(request: SliceRequest, left: TimeLeft): Promise<SliceOutcome> {
    const answer = await this.#ask(request, left);
    if ('status' in answer) return { kind: 'ended', end: answer };
    if (answer.type === 'slice-failed') return { kind: 'failed', error: answer.error };
    return { kind: 'done' };
  }

  /** Lets it close its engine and exit. */
  async finish(): Promise<WorkerEnd> {
    this.#worker.send({ type: 'finish' });
    return this.#worker.ended;
  }

  async stop(): Promise<void> {
    this.#worker.stop();
    await this.#worker.ended;
  }

  /** A worker answers each question once, or ends. */
  async #ask(question: BenchJob | SliceRequest, left: TimeLeft): Promise<FromWorker | WorkerEnd> {
    const answered = new Promise<FromWorker>((resolve) => {
      this.#answer = (message) => {
        // An error is told once more, with its reason, by how the worker ended.
        if (message.type !== 'error' && message.type !== 'done') resolve(message);
      };
    });
    this.#worker.limit(left);
    this.#worker.send(question);
    try {
      return await Promise.race([answered, this.#worker.ended]);
    } finally {
      this.#worker.limit(null);
      this.#answer = null;
    }
  }
}
