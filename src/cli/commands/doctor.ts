/** `assay doctor`: what this machine can do, and what is missing. */
import { resolve } from 'node:path';
import { findLab, labAt } from '../../record/lab.ts';
import {
  checkCores,
  checkCpuFeatures,
  checkDisk,
  checkMemory,
  checkNode,
  checkRuntime,
} from '../doctor/computer-checks.ts';
import type { Check, Machine } from '../doctor/machine.ts';
import { checkFonts, checkGpu, checkHuggingFace, checkSlurm } from '../doctor/neighbour-checks.ts';
import { systemMachine } from '../doctor/system-machine.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

export interface DoctorOptions {
  readonly json?: boolean;
  /** Directory of the lab; the nearest parent with `runs/` when not given. */
  readonly lab?: string;
}

/** Columns that advice is wrapped to; a summary may be longer. */
const LINE_WIDTH = 100;

const STATES: readonly Check['state'][] = ['ok', 'limited', 'missing', 'unknown'];

/**
 * Prints one line a check, with advice below it. Returns 0 whatever is missing: a diagnosis that
 * was made is a success, and scripts read `--json`.
 */
export async function run(
  options: DoctorOptions,
  io: Pick<CommandIo, 'stdout' | 'env' | 'cwd'>,
  machine: Machine = systemMachine(),
): Promise<number> {
  const { root } =
    options.lab === undefined ? findLab(io.cwd) : labAt(resolve(io.cwd, options.lab));
  const checks = await examine({ machine, env: io.env, lab: root });
  if (options.json) {
    writeJson(io.stdout, { schema: 'assay.doctor/1', lab: root, checks });
    return 0;
  }
  const width = Math.max(...checks.map(({ id }) => id.length));
  for (const { id, state, summary, advice } of checks) {
    writeLine(io.stdout, `${state.padEnd(7)}  ${id.padEnd(width)}  ${summary}`);
    if (advice === null) continue;
    const indent = ' '.repeat(width + 11);
    for (const line of wrap(advice, LINE_WIDTH - indent.length)) {
      writeLine(io.stdout, indent + line);
    }
  }
  const counts = STATES.map((state) => [checks.filter((c) => c.state === state).length, state]);
  const told = counts.filter(([count]) => count !== 0).map((pair) => pair.join(' '));
  writeLine(io.stdout, `\n${told.join(', ')}`);
  return 0;
}

/** All checks, in the order in which they are told. A check that breaks is `unknown`. */
export async function examine(options: {
  machine: Machine;
  env: CommandIo['env'];
  lab: string;
}): Promise<Check[]> {
  const { machine, env, lab } = options;
  const checks: readonly [string, () => Check | Promise<Check>][] = [
    ['node', () => checkNode(machine)],
    ['runtime', () => checkRuntime(machine)],
    ['cores', () => checkCores(machine)],
    ['cpu-features', () => checkCpuFeatures(machine)],
    ['memory', () => checkMemory(machine)],
    ['disk', () => checkDisk(machine, lab)],
    ['gpu', () => checkGpu(machine)],
    ['slurm', () => checkSlurm(machine)],
    ['fonts', () => checkFonts(machine)],
    ['hugging-face', () => checkHuggingFace(machine, env)],
  ];
  return Promise.all(
    checks.map(async ([id, check]) => {
      try {
        return await check();
      } catch (error) {
        const summary = `could not be examined: ${(error as Error).message}`;
        return { id, state: 'unknown', summary, advice: null, facts: {} } as const;
      }
    }),
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
