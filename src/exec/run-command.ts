/** Runs one command to its end, with its signals, and says how it ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { LiveSink, Teed } from './output-tee.ts';
import { TimeIndex, tee } from './output-tee.ts';
import { endedChildrenCpuMs, watchMemory } from './process-usage.ts';

/** A process that the command left behind may keep its output open; this long we wait for it. */
const LINGER_MS = 5_000;

/** Stopping and going on is no end: it is passed on, and not recorded. */
const JOB_CONTROL: ReadonlySet<NodeJS.Signals> = new Set(['SIGTSTP', 'SIGCONT']);

export interface CommandOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: { readonly log: string; readonly err: string; readonly times: string };
  readonly live: { readonly stdout: LiveSink; readonly stderr: LiveSink };
  readonly nowMs: () => number;
  /** Calls its argument for every signal that we get. */
  onSignal(handler: (signal: NodeJS.Signals) => void): void;
}

export interface CommandEnd {
  readonly exitStatus: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Signals that we got meanwhile. */
  readonly received: readonly NodeJS.Signals[];
  /** Why it could not be started. */
  readonly notStarted: NodeJS.ErrnoException | null;
  readonly wallMs: number;
  readonly cpuMs: number | null;
  readonly peakRssBytes: number | null;
  readonly readings: number;
  readonly output: Teed;
  readonly errors: Teed;
  /** Its output was still open when it had ended. */
  readonly lingering: boolean;
}

export async function runCommand(options: CommandOptions): Promise<CommandEnd> {
  const { command, cwd, env, paths, live, nowMs } = options;
  const received: NodeJS.Signals[] = [];
  const cpuBefore = endedChildrenCpuMs();
  const startMs = nowMs();
  const child = spawn(command[0] as string, command.slice(1), {
    cwd,
    env: env as NodeJS.ProcessEnv,
    stdio: ['inherit', 'pipe', 'pipe'],
    // A process group of its own: a terminal's Ctrl-C comes to us alone, and all of it gets what
    // we pass on, once.
    detached: true,
  });
  options.onSignal((signal) => {
    if (!JOB_CONTROL.has(signal)) received.push(signal);
    // A group that no terminal controls ignores SIGTSTP.
    signalGroup(child, signal === 'SIGTSTP' ? 'SIGSTOP' : signal);
  });
  const memory = child.pid === undefined ? null : watchMemory(child.pid);
  const index = new TimeIndex(paths.times, () => nowMs() - startMs);
  const streams = Promise.all([
    tee(child.stdout, { path: paths.log, name: 'log', live: live.stdout, index }),
    tee(child.stderr, { path: paths.err, name: 'err', live: live.stderr, index }),
  ]);
  const ended = await new Promise<Pick<CommandEnd, 'exitStatus' | 'signal' | 'notStarted'>>(
    (resolve) => {
      child.once('error', (notStarted) => {
        resolve({ exitStatus: null, signal: null, notStarted });
      });
      child.once('exit', (exitStatus, signal) => {
        resolve({ exitStatus, signal, notStarted: null });
      });
    },
  );
  const wallMs = nowMs() - startMs;
  const cpuAfter = endedChildrenCpuMs();
  const cpuMs = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  const { peakRssBytes, readings } = memory?.stop() ?? { peakRssBytes: null, readings: 0 };
  let lingering = false;
  const timer = setTimeout(() => {
    lingering = true;
    child.stdout.destroy();
    child.stderr.destroy();
  }, LINGER_MS);
  const [output, errors] = await streams;
  clearTimeout(timer);
  index.close();
  const usage = { wallMs, cpuMs, peakRssBytes, readings };
  return { ...ended, ...usage, received, output, errors, lingering };
}

/** To the command and all that it started in its group; to none of it when it is gone. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // No group by that number (it is gone, or the system has no groups).
    child.kill(signal);
  }
}

/** As a shell has it: the status, 128 + signal, 127 for what is not there, 126 for the rest. */
export function shellStatus({ exitStatus, signal, notStarted }: CommandEnd): number {
  if (notStarted) return notStarted.code === 'ENOENT' ? 127 : 126;
  if (exitStatus !== null) return exitStatus;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}
