/** Starts a worker, listens to it, ends it when told to, and explains how it ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { whyCancelled } from '../record/errors.ts';
import type { FromWorker, ToWorker, WorkerError } from './protocol.ts';

export interface WorkerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  onMessage(message: FromWorker): void;
  onStdout(stream: Readable): void;
  onStderr(stream: Readable): void;
}

export interface WorkerHandle {
  /** When the process was started, ms on the monotonic clock. */
  readonly startedMs: number;
  readonly ended: Promise<WorkerEnd>;
  send(message: ToWorker): void;
  /**
   * Ends the worker as timed out after `ms`; the message names `timeoutS`, the limit as the user
   * set it. null: no limit any more.
   */
  limit(of: { ms: number; timeoutS: number } | null): void;
  /** Asks it to stop; kills it when it does not. */
  stop(): void;
}

/** How a worker ended, as a status and a reason for the record. */
export interface WorkerEnd {
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'invalid';
  readonly reason: string | null;
  readonly error: WorkerError | null;
}

/** After this a worker that was asked to stop is killed. */
const GRACE_MS = 10_000;
const WATCH_MS = 500;
/** A longer timer of Node fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One job, then the end. */
export function runWorker(
  options: WorkerOptions & { job: ToWorker; timeoutS: number | null },
): Promise<WorkerEnd> {
  const { timeoutS } = options;
  const worker = startWorker(options);
  if (timeoutS !== null) worker.limit({ ms: timeoutS * 1_000, timeoutS });
  worker.send(options.job);
  return worker.ended;
}

/** Starts a worker that waits for a job. */
export function startWorker(options: WorkerOptions): WorkerHandle {
  const { signal } = options;
  const oomBefore = oomKills();
  const startedMs = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL('./worker.js', import.meta.url))], {
    env: options.env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.stdout) options.onStdout(child.stdout);
  if (child.stderr) options.onStderr(child.stderr);
  const seen = {
    done: false,
    error: null as WorkerError | null,
    timedOut: false,
    timeoutS: null as number | null,
    peakKiB: 0,
  };
  const look = (): void => {
    seen.peakKiB = Math.max(seen.peakKiB, peakRssKiB(child.pid));
  };
  child.on('message', (message: FromWorker) => {
    // A worker that dies soon after it loaded its model has been looked at once.
    if (message.type === 'ready') look();
    if (message.type === 'done') seen.done = true;
    else if (message.type === 'error') seen.error = message.error;
    options.onMessage(message);
  });
  const stopping = stopper(child);
  const onAbort = (): void => stopping.stop();
  signal.addEventListener('abort', onAbort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const watch = setInterval(look, WATCH_MS);
  if (signal.aborted) onAbort();
  const ended = new Promise<WorkerEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      clearInterval(watch);
      clearTimeout(timer);
      stopping.clear();
      signal.removeEventListener('abort', onAbort);
      const oom = oomKills() > oomBefore;
      const aborted = signal.aborted ? whyCancelled(signal) : null;
      resolve(explain({ ...seen, code, killedBy, oom, aborted }));
    });
  });
  return {
    startedMs,
    ended,
    send: (message) => void (child.connected && child.send(message, () => {})),
    limit(of) {
      clearTimeout(timer);
      if (of === null) return;
      timer = setTimeout(
        () => {
          seen.timedOut = true;
          seen.timeoutS = of.timeoutS;
          stopping.stop();
        },
        Math.min(of.ms, MAX_TIMER_MS),
      );
    },
    stop: onAbort,
  };
}

function stopper(child: ChildProcess): { stop(): void; clear(): void } {
  let timer: NodeJS.Timeout | null = null;
  return {
    stop() {
      if (timer) return;
      if (child.connected) child.send({ type: 'abort' }, () => {});
      timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    },
    clear() {
      if (timer) clearTimeout(timer);
    },
  };
}

interface Ending {
  done: boolean;
  error: WorkerError | null;
  timedOut: boolean;
  /** Who stopped it; null: nobody did. */
  aborted: string | null;
  oom: boolean;
  peakKiB: number;
  timeoutS: number | null;
  code: number | null;
  killedBy: NodeJS.Signals | null;
}

export function explain(end: Ending): WorkerEnd {
  const { error } = end;
  if (end.done && !error) return { status: 'succeeded', reason: null, error: null };
  if (end.timedOut) {
    const message = `timed out after ${end.timeoutS} s`;
    return { status: 'failed', reason: message, error: timedOut(message) };
  }
  if (end.aborted !== null) return { status: 'cancelled', reason: end.aborted, error: null };
  if (error) {
    const status = error.code === 'InvalidMeasurement' ? 'invalid' : 'failed';
    return { status, reason: `${error.code}: ${error.message}`, error };
  }
  const peak =
    end.peakKiB > 0 ? `, peak resident set ${(end.peakKiB / 2 ** 20).toFixed(2)} GiB` : '';
  if (end.killedBy === 'SIGKILL') {
    const why = end.oom
      ? 'out of memory: the kernel killed the worker (oom_kill counter rose)'
      : 'the worker was killed by SIGKILL, as the kernel does when memory runs out';
    return { status: 'failed', reason: why + peak, error: null };
  }
  const how = end.killedBy ? `killed by ${end.killedBy}` : `exit code ${end.code}`;
  return { status: 'failed', reason: `the worker ended without a result (${how})${peak}`, error };
}

/** The worker may have said that it was cancelled, which is how, not why. */
function timedOut(message: string): WorkerError {
  const hint = 'the rows scored so far are kept: a longer limit resumes after them';
  return { code: 'TimedOut', exitCode: 4, message, hint, details: {} };
}

function peakRssKiB(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Kills by the memory limit of our own cgroup (v2) plus those of the whole machine, so far. */
function oomKills(): number {
  let kills = 0;
  for (const file of [`/sys/fs/cgroup${cgroupPath()}/memory.events`, '/proc/vmstat']) {
    try {
      kills += Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
    } catch {
      // No cgroup v2 or no /proc: the explanation stays a conjecture and says so.
    }
  }
  return kills;
}

function cgroupPath(): string {
  try {
    return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
