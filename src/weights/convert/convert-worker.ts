/** A thread that does tasks: a number and a task in, the number and what became of it out. */
import { parentPort } from 'node:worker_threads';
import { AssayError } from '../../record/errors.ts';
import type { Answer, Order } from './crew.ts';
import { TaskRunner } from './task.ts';

const runner = new TaskRunner();

parentPort!.on('message', ({ id, task }: Order) => {
  parentPort!.postMessage(answer(id, () => runner.run(task)));
});

function answer(id: number, run: () => Answer['result']): Answer {
  try {
    return { id, result: run(), error: null };
  } catch (error) {
    const { code, exitCode, message, hint, details } =
      error instanceof AssayError ? error : new AssayError('InternalError', 1, textOf(error));
    // Details may hold what no message can carry.
    const plain = JSON.parse(JSON.stringify(details)) as Record<string, unknown>;
    return { id, result: null, error: { code, exitCode, message, hint, details: plain } };
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
