/** The Python side of the weight benchmarks: one process, one task at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface WeightsPeer {
  version(): Promise<string>;
  /** As Python took them, without its start. */
  seconds(task: string): Promise<number>;
  close(): void;
}

/** @param python an interpreter that has numpy, and torch and safetensors for files */
export function weightsPeer(python: string): WeightsPeer {
  const script = join(import.meta.dirname, 'weights-peer.py');
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => null);
  const ask = async (task: string): Promise<string> => {
    const answer = once(lines, 'line');
    child.stdin.write(`${task}\n`);
    const first = await Promise.race([answer, ended]);
    if (first === null) throw new Error(`${python} ended during: ${task}`);
    return String(first[0]);
  };
  return {
    version: () => ask('version'),
    seconds: async (task) => Number(await ask(task)),
    close: () => child.stdin.end(),
  };
}
