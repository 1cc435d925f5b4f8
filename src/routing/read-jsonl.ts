/** JSON lines, by several threads where that pays; blocks come in the order of the file. */
import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FormatError } from '../record/errors.ts';
import type { BlockReceiver } from './block-receiver.ts';
import { BlockScanner } from './block-scanner.ts';
import { RANGE_BYTES, scanRange } from './scan-range.ts';
import type { ScanMessage, ScanTask } from './scan-worker.ts';

/** Below this a thread takes longer to start than to read. */
const PARALLEL_BYTES = 1 << 24;
const MAX_THREADS = 4;

export interface Reading {
  readonly path: string;
  readonly bytes: number;
  readonly topK: number;
  readonly receiver: BlockReceiver;
  readonly signal: AbortSignal;
  /** Bytes of the file that are done. */
  onProgress(bytes: number): void;
}

/** Threads are started from the built package only; sources are read by one. */
const IS_BUILT = import.meta.url.endsWith('.js');

export async function readJsonl(reading: Reading): Promise<void> {
  if (IS_BUILT && reading.bytes >= PARALLEL_BYTES) await inThreads(reading);
  else await inProcess(reading);
}

async function inProcess({ path, bytes, topK, ...reading }: Reading): Promise<void> {
  const descriptor = openSync(path, 'r');
  const scanner = new BlockScanner(topK);
  const mapping: number[] = [];
  let before = 0;
  try {
    for (let start = 0; start < bytes; start += RANGE_BYTES) {
      const end = Math.min(start + RANGE_BYTES, bytes);
      for (const _ of scanRange({ descriptor, path, bytes }, { start, end }, scanner)) {
        reading.receiver.receive(scanner.take(), { before, mapping });
      }
      before += scanner.line;
      reading.onProgress(end);
      reading.signal.throwIfAborted();
      // Ctrl-C is seen between parts.
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(descriptor);
  }
}

async function inThreads({ path, bytes, topK, ...reading }: Reading): Promise<void> {
  const { receiver, signal } = reading;
  const step = Math.min(MAX_THREADS, Math.max(2, availableParallelism()));
  const threads = Array.from({ length: step }, (_, first) => {
    return new ScanThread({ path, bytes, topK, first, step });
  });
  let before = 0;
  try {
    for (let start = 0, part = 0; start < bytes; start += RANGE_BYTES, part++) {
      const thread = threads[part % step] as ScanThread;
      for (;;) {
        const { block, lines } = await thread.next();
        receiver.receive(block, { before, mapping: thread.mapping });
        thread.giveBack(block.columns.buffer);
        if (lines === null) continue;
        before += lines;
        break;
      }
      reading.onProgress(Math.min(start + RANGE_BYTES, bytes));
      signal.throwIfAborted();
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

type Scanned = Exclude<ScanMessage, { failed: string }>;

class ScanThread {
  readonly mapping: number[] = [];
  readonly #worker: Worker;
  readonly #queue: ScanMessage[] = [];
  #wake: () => void = () => {};
  #ended = false;

  constructor(task: ScanTask) {
    this.#worker = new Worker(new URL('./scan-worker.js', import.meta.url), { workerData: task });
    this.#worker.on('message', (message: ScanMessage) => this.#put(message));
    this.#worker.on('error', ({ message }) => this.#put({ failed: message }));
    this.#worker.on('exit', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async next(): Promise<Scanned> {
    while (this.#queue.length === 0) {
      if (this.#ended) throw new Error('a scanning thread ended early');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#queue.shift() as ScanMessage;
    if ('failed' in message) throw new FormatError(message.failed);
    return message;
  }

  giveBack(buffer: ArrayBuffer): void {
    this.#worker.postMessage(buffer, [buffer]);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #put(message: ScanMessage): void {
    this.#queue.push(message);
    this.#wake();
  }
}
