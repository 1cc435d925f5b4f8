/** The thread that writes a trace: chunks in, lines out, beside the engine. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type TraceChunk, type TraceShape, traceEncoder } from './trace-lines.ts';

export interface TraceThreadData {
  readonly path: string;
  readonly header: string;
  readonly shape: TraceShape;
  /** Int32 [chunks written, failed]; whoever waits is woken at every change. */
  readonly progress: SharedArrayBuffer;
}

export type ToTraceThread = TraceChunk | 'end';
export type FromTraceThread =
  | { readonly bytes: number }
  | { readonly failed: string; readonly code: string };

const port = parentPort;
if (port !== null) serve(workerData as TraceThreadData);

function serve({ path, header, shape, progress }: TraceThreadData): void {
  const state = new Int32Array(progress);
  const wake = (): void => void Atomics.notify(state, 0);
  const fail = (cause: unknown): void => {
    const { message, code = 'unknown' } = cause as NodeJS.ErrnoException;
    Atomics.store(state, 1, 1);
    Atomics.add(state, 0, 1);
    wake();
    port?.postMessage({ failed: message, code } satisfies FromTraceThread);
    port?.close();
  };
  let file: number;
  let bytes = 0;
  const encode = traceEncoder(shape);
  const write = (data: Uint8Array): void => {
    for (let done = 0; done < data.length; ) done += writeSync(file, data, done);
    bytes += data.length;
  };
  try {
    file = openSync(path, 'wx');
    write(Buffer.from(header));
  } catch (cause) {
    fail(cause);
    return;
  }
  port?.on('message', (message: ToTraceThread) => {
    try {
      if (message === 'end') {
        fsyncSync(file);
        closeSync(file);
        port.postMessage({ bytes } satisfies FromTraceThread);
        port.close();
        return;
      }
      write(encode(message));
      Atomics.add(state, 0, 1);
      wake();
    } catch (cause) {
      fail(cause);
    }
  });
}
