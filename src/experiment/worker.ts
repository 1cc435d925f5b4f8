/**
 * The worker process: loads one model, measures, appends samples, exits. It owns nothing but the
 * sample files; a supervisor that disappears takes it along.
 */
import { AssayError, Cancelled } from '../record/errors.ts';
import { coldStart, serveBench } from './bench-worker.ts';
import type { FromWorker, Job, SliceRequest, ToWorker } from './protocol.ts';
import { scoreCell, type Wiring } from './scoring-worker.ts';
import { traceCell } from './trace-worker.ts';
import { describeError } from './worker-error.ts';

const abort = new AbortController();
const inbox: (SliceRequest | { type: 'finish' })[] = [];
let wake: (() => void) | null = null;

function send(message: FromWorker): void {
  process.send?.(message);
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'abort':
      abort.abort(new Cancelled());
      wake?.();
      return;
    case 'job':
      return void work(() => measureCell(message, { send, signal: abort.signal }));
    case 'cold-start':
      return void work(() => coldStart(message, { send, signal: abort.signal }));
    case 'bench':
      return void work(() => serveBench(message, { send, signal: abort.signal, next }));
    default:
      inbox.push(message);
      wake?.();
  }
});
// Without its supervisor nobody will close this run: stop at once, the rows written so far stay.
process.on('disconnect', () => process.exit(1));
// Ctrl-C and a closed terminal reach the whole process group; the supervisor decides what it means.
// SIGTERM ends a worker: its supervisor records that, or that it was told to stop itself.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

function measureCell(job: Job, wiring: Wiring): Promise<void> {
  const { cell } = job;
  if (cell.measure.kind === 'trace') {
    return traceCell({ ...job, cell: { ...cell, measure: cell.measure } }, wiring);
  }
  return scoreCell({ ...job, cell: { ...cell, measure: cell.measure } }, wiring);
}

/** The next request to a worker that stays. Throws Cancelled when told to stop. */
async function next(): Promise<SliceRequest | null> {
  for (;;) {
    if (abort.signal.aborted) throw new Cancelled();
    const message = inbox.shift();
    if (message) return message.type === 'slice' ? message : null;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function work(measure: () => Promise<void>): Promise<void> {
  let exitCode = 0;
  try {
    await measure();
    send({ type: 'done' });
  } catch (error) {
    exitCode = error instanceof AssayError ? error.exitCode : 1;
    send({ type: 'error', error: describeError(error) });
  }
  process.exitCode = exitCode;
  process.disconnect();
}
