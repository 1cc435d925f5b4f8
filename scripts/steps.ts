/** Runs commands, a few at once, and tells of each in one line; a failing one shows its output. */
import { spawn } from 'node:child_process';

export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Names of steps that must have passed before it starts. */
  readonly needs?: readonly string[];
}

/** A broken step may write without end; the summary comes last. */
const MAX_LINES = 150;

export type Outcome = 'passed' | 'failed' | 'not run';

export interface StepsOptions {
  readonly steps: readonly Step[];
  /** How many run at the same time. */
  readonly atOnce: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** The outcome of every step by name. A step whose need did not pass is not run. */
export async function runSteps(options: StepsOptions): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const known = new Set(options.steps.map(({ name }) => name));
  // A need that was left out on purpose counts as fulfilled.
  const needsOf = (step: Step) => (step.needs ?? []).filter((name) => known.has(name));
  const waiting = [...options.steps];
  const running = new Set<Promise<void>>();
  while (waiting.length > 0 || running.size > 0) {
    const next = waiting.findIndex((step) => needsOf(step).every((name) => outcomes.has(name)));
    if (next >= 0 && running.size < options.atOnce) {
      const step = waiting.splice(next, 1)[0]!;
      const lacking = needsOf(step).find((name) => outcomes.get(name) !== 'passed');
      if (lacking !== undefined) {
        outcomes.set(step.name, 'not run');
        options.print(`-    ${step.name}: not run, because ${lacking} did not pass`);
        continue;
      }
      const one = runStep(step, options).then((outcome) => {
        outcomes.set(step.name, outcome);
        running.delete(one);
      });
      running.add(one);
    } else if (running.size > 0) {
      await Promise.race(running);
    } else {
      throw new Error(`steps wait for each other: ${waiting.map(({ name }) => name).join(', ')}`);
    }
  }
  return outcomes;
}

function runStep(step: Step, options: StepsOptions): Promise<Outcome> {
  const { cwd, env, now, print } = options;
  const start = now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (problem: string | null) => {
      const seconds = ((now() - start) / 1000).toFixed(1).padStart(6);
      if (problem === null) {
        print(`ok   ${step.name} ${seconds} s`);
        return resolve('passed');
      }
      print(`FAIL ${step.name} ${seconds} s: ${[step.command, ...step.args].join(' ')} ${problem}`);
      const lines = Buffer.concat(chunks).toString('utf8').trimEnd().split('\n');
      if (lines.length > MAX_LINES) print(`     … ${lines.length - MAX_LINES} lines before these`);
      for (const line of lines.slice(-MAX_LINES)) print(`     ${line}`);
      resolve('failed');
    };
    const child = spawn(step.command, step.args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => finish(`could not start: ${error.message}`));
    child.on('close', (code, signal) => {
      if (code !== null || signal !== null) {
        finish(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`);
      }
    });
  });
}
