/**
 * Hands routes to the thread that writes them. The queue between is bounded: when it is full the
 * engine waits, which is counted; nothing is ever dropped.
 */
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { storageError } from '../../record/storage-error.ts';
import type { TraceChunk, TraceShape } from './trace-lines.ts';
import type { FromTraceThread, ToTraceThread, TraceThreadData } from './trace-thread.ts';

export interface TraceWriterOptions {
  /** A file that does not exist yet. */
  readonly path: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly shape: TraceShape;
  /** Chunks that may wait to be written; default 16. */
  readonly queueChunks?: number;
  readonly chunkTokens?: number;
  /** Compiled module of the thread. */
  readonly thread?: URL;
}

export interface TraceReport {
  readonly routes: number;
  readonly bytes: number;
  /** How often, and how long, the engine waited for the writer. */
  readonly stalls: number;
  readonly stalledMs: number;
}

const QUEUE_CHUNKS = 16;
const CHUNK_TOKENS = 128;

export class TraceWriter {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #width: number;
  readonly #layers: number;
  readonly #chunkTokens: number;
  readonly #queueChunks: number;
  readonly #state: Int32Array<SharedArrayBuffer>;
  readonly #ended: Promise<FromTraceThread>;
  #chunk: TraceChunk;
  #filled = 0;
  #sent = 0;
  #tokens = 0;
  #stalls = 0;
  #stalledMs = 0;

  constructor(options: TraceWriterOptions) {
    const { path, header, shape } = options;
    this.#path = path;
    this.#width = shape.layers.length * shape.topK;
    this.#layers = shape.layers.length;
    this.#chunkTokens = options.chunkTokens ?? CHUNK_TOKENS;
    this.#queueChunks = options.queueChunks ?? QUEUE_CHUNKS;
    const progress = new SharedArrayBuffer(8);
    this.#state = new Int32Array(progress);
    const data = { path, header: `${JSON.stringify(header)}\n`, shape, progress };
    const thread = options.thread ?? new URL('./trace-thread.js', import.meta.url);
    this.#worker = new Worker(thread, { workerData: data satisfies TraceThreadData });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', ({ message }) => resolve({ failed: message, code: 'thread' }));
      this.#worker.once('exit', () => resolve({ failed: 'the thread ended', code: 'thread' }));
    });
    this.#chunk = this.#newChunk();
  }

  /**
   * Adds one token: its `ids` and `weights` are [layers, topK]. Waits, and counts it, while the
   * queue is full.
   */
  add(
    of: { request: number; position: number; decode: boolean },
    ids: Int32Array,
    weights: Float32Array,
  ): void {
    const at = this.#filled;
    this.#chunk.request[at] = of.request;
    this.#chunk.position[at] = of.position;
    this.#chunk.decode[at] = of.decode ? 1 : 0;
    this.#chunk.ids.set(ids, at * this.#width);
    this.#chunk.weights.set(weights, at * this.#width);
    this.#filled += 1;
    this.#tokens += 1;
    if (this.#filled === this.#chunkTokens) this.#send();
  }

  /** Waits until all that was added is with the operating system. */
  drain(): void {
    if (this.#filled > 0) this.#send();
    while (!this.#failed() && this.#waiting() > 0) this.#wait();
  }

  /** @throws StorageError where the trace could not be written */
  async close(): Promise<TraceReport> {
    if (this.#filled > 0) this.#send();
    this.#post('end', []);
    const end = await this.#ended;
    await this.#worker.terminate();
    if ('failed' in end) {
      const cause = Object.assign(new Error(end.failed), { code: end.code });
      throw storageError({ doing: 'write', path: this.#path, cause });
    }
    const routes = this.#tokens * this.#layers;
    return { routes, bytes: end.bytes, stalls: this.#stalls, stalledMs: this.#stalledMs };
  }

  /** Ends the thread, whatever it has written. */
  async abandon(): Promise<void> {
    await this.#worker.terminate();
  }

  #newChunk(): TraceChunk {
    const tokens = this.#chunkTokens;
    return {
      tokens,
      request: new Int32Array(tokens),
      position: new Int32Array(tokens),
      decode: new Uint8Array(tokens),
      ids: new Int32Array(tokens * this.#width),
      weights: new Float32Array(tokens * this.#width),
    };
  }

  #send(): void {
    if (this.#waiting() >= this.#queueChunks) {
      this.#stalls += 1;
      const from = performance.now();
      while (!this.#failed() && this.#waiting() >= this.#queueChunks) this.#wait();
      this.#stalledMs += performance.now() - from;
    }
    const { request, position, decode, ids, weights } = this.#chunk;
    const buffers = [request, position, decode, ids, weights].map(({ buffer }) => buffer);
    this.#post({ ...this.#chunk, tokens: this.#filled }, buffers as ArrayBuffer[]);
    this.#sent += 1;
    this.#chunk = this.#newChunk();
    this.#filled = 0;
  }

  #post(message: ToTraceThread, buffers: ArrayBuffer[]): void {
    this.#worker.postMessage(message, buffers);
  }

  #waiting(): number {
    return this.#sent - Atomics.load(this.#state, 0);
  }

  #failed(): boolean {
    return Atomics.load(this.#state, 1) === 1;
  }

  /** Until the thread has written another chunk, or a moment has passed. */
  #wait(): void {
    const written = Atomics.load(this.#state, 0);
    if (this.#sent > written) Atomics.wait(this.#state, 0, written, 1_000);
  }
}
