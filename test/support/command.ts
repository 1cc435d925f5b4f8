/** Starts the built command in a process of its own and says all that it said. */
import { type ChildProcess, spawn } from 'node:child_process';
import { entryPath } from './built-command.ts';

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A process group of its own, so that a signal can go to all of it as Ctrl-C does. */
  readonly group?: boolean;
  /** Runs `program args… node entry …` instead of `node entry …`: limits, other users. */
  readonly through?: readonly string[];
}

export interface CommandResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON; throws when it is none. */
  json<T>(): T;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What stderr holds so far. */
  stderr(): string;
  /** Resolves when stderr holds `text`, rejects when the command ends without. */
  says(text: string | RegExp): Promise<void>;
  readonly ended: Promise<CommandResult>;
}

/** Nothing of the environment that tests run in may reach the command, except where Node is. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    ...(process.env.TMPDIR ? { TMPDIR: process.env.TMPDIR } : {}),
    ...extra,
  };
}

export function startAssay(args: readonly string[], options: CommandOptions): RunningCommand {
  const [program, ...before] = [...(options.through ?? []), process.execPath];
  const child = spawn(program as string, [...before, entryPath, ...args], {
    cwd: options.cwd,
    env: environment(options.env),
    detached: options.group ?? false,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<CommandResult>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => {
      done({ code, signal, ...said, json: <T>() => JSON.parse(said.stdout) as T });
    });
  });
  return {
    child,
    pid: child.pid as number,
    stderr: () => said.stderr,
    says: (text) => {
      const there = (): boolean =>
        typeof text === 'string' ? said.stderr.includes(text) : text.test(said.stderr);
      return new Promise((done, failed) => {
        const look = (): void => {
          if (!there()) return;
          waiting.delete(look);
          done();
        };
        waiting.add(look);
        look();
        void ended.then((result) => {
          if (!there()) failed(new Error(`ended with ${result.code}: ${said.stderr}`));
        }, failed);
      });
    },
    ended,
  };
}

export function assay(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return startAssay(args, options).ended;
}
