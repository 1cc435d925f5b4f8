/**
 * Who does the tasks of a conversion: threads, each with kernels and files of its own, or this
 * process. Tasks start in the order in which they are given. The bytes of tensors stay where they
 * are read: a task says where they lie.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AssayError, Cancelled } from '../../record/errors.ts';
import { type Task, type TaskResult, TaskRunner } from './task.ts';

export interface Crew {
  run(task: Task): Promise<TaskResult>;
  close(): Promise<void>;
}

export interface Order {
  readonly id: number;
  readonly task: Task;
}

export interface Answer {
  readonly id: number;
  readonly result: TaskResult;
  readonly error: ThrownError | null;
}

interface ThrownError {
  readonly code: string;
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown>;
}

/** Below this a thread takes longer to start than the work. */
const THREADS_FROM_BYTES = 2 ** 26;
const USUAL_WORKERS = 2;

/** How many threads convert that many bytes where the user does not say. */
export function usualWorkers(bytes: number): number {
  return bytes < THREADS_FROM_BYTES ? 0 : Math.min(USUAL_WORKERS, availableParallelism());
}

/** @param workers 0: this process, between whose tasks interrupts and timers get through */
export function startCrew(workers: number, signal: AbortSignal): Crew {
  return workers === 0 ? new Alone(signal) : new Threads(workers, signal);
}

class Alone implements Crew {
  readonly #runner = new TaskRunner();
  readonly #signal: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();
  #failed = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  run(task: Task): Promise<TaskResult> {
    const result = this.#last.then(async () => {
      await new Promise(setImmediate);
      if (this.#signal.aborted || this.#failed) throw new Cancelled();
      return this.#runner.run(task);
    });
    this.#last = result.catch(() => {
      // Nothing is done after the first failure, which whoever gave that task hears of.
      this.#failed = true;
    });
    return result;
  }

  async close(): Promise<void> {
    await this.#last;
    this.#runner.close();
  }
}

interface Waiting {
  readonly order: Order;
  resolve(result: TaskResult): void;
  reject(error: unknown): void;
}

interface Hand {
  readonly worker: Worker;
  readonly doing: Map<number, Waiting>;
}

/** A thread has its next task before it asks, but nothing waits behind a file that is hashed. */
const AHEAD = 2;

class Threads implements Crew {
  readonly #hands: Hand[];
  readonly #queue: Waiting[] = [];
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.#fail(new Cancelled());
  #next = 0;
  #broken: unknown = null;

  constructor(workers: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#hands = Array.from({ length: workers }, () => this.#start());
    signal.addEventListener('abort', this.#abort, { once: true });
    if (signal.aborted) this.#abort();
  }

  #start(): Hand {
    const worker = new Worker(new URL('./convert-worker.js', import.meta.url));
    const hand: Hand = { worker, doing: new Map() };
    worker.on('message', (answer: Answer) => this.#finish(hand, answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new AssayError('InternalError', 1, 'a worker ended')));
    return hand;
  }

  run(task: Task): Promise<TaskResult> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) return reject(this.#broken);
      this.#queue.push({ order: { id: this.#next++, task }, resolve, reject });
      this.#deal();
    });
  }

  #deal(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const limit = first.order.task.kind === 'hash' ? 1 : AHEAD;
      const free = this.#hands.filter((hand) => loadOf(hand) < limit);
      const hand = free.sort((a, b) => loadOf(a) - loadOf(b))[0];
      if (hand === undefined) return;
      this.#queue.shift();
      hand.doing.set(first.order.id, first);
      hand.worker.postMessage(first.order);
    }
  }

  #finish({ doing }: Hand, { id, result, error }: Answer): void {
    if (error !== null) {
      this.#fail(revived(error));
      return;
    }
    doing.get(id)?.resolve(result);
    doing.delete(id);
    this.#deal();
  }

  /** Nothing is done after the first failure. */
  #fail(error: unknown): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    const all = [...this.#queue, ...this.#hands.flatMap(({ doing }) => [...doing.values()])];
    this.#queue.length = 0;
    for (const { reject } of all) reject(error);
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#broken ??= new Cancelled('the conversion has ended');
    await Promise.all(this.#hands.map(({ worker }) => worker.terminate()));
  }
}

function loadOf({ doing }: Hand): number {
  const hashes = [...doing.values()].some(({ order }) => order.task.kind === 'hash');
  return hashes ? AHEAD : doing.size;
}

function revived({ code, exitCode, message, hint, details }: ThrownError): AssayError {
  return new AssayError(code, exitCode, message, {
    ...(hint === undefined ? {} : { hint }),
    details,
  });
}
