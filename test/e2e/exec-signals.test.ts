/** Signals that are sent to `assay exec`, as a scheduler, a kill or a terminal sends them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entryPath } from '../support/built-command.ts';
import { gone, isRunning, sendSignal, waitFor } from '../support/processes.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-signals-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A shell that waits for a child of its own, which prints its process id first. */
const SHELL = ['sh', '-c', `sh -c 'echo "child $$"; exec sleep 1000'; exit 9`];

async function start(): Promise<{ assay: ChildProcess; child: number; ended: Promise<unknown> }> {
  const assay = spawn(process.execPath, [entryPath, 'exec', '--name', 'n', '--', ...SHELL], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  assay.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise((resolve) => {
    assay.once('exit', (code) => resolve(code));
  });
  const child = await waitFor(() => Number(/child (\d+)\n/.exec(text)?.[1] ?? 0) || null);
  return { assay, child, ended };
}

function manifest(): Record<string, unknown> {
  const folder = join(root, 'runs/exec/n');
  const [attempt = ''] = readdirSync(folder);
  return JSON.parse(readFileSync(join(folder, attempt, 'manifest.json'), 'utf8'));
}

describe('assay exec, when it gets a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the command and its children, and is recorded', async (signal, code) => {
    const { assay, child, ended } = await start();
    sendSignal(assay.pid as number, signal);
    expect(await ended).toBe(code);
    await gone(child);
    expect(manifest()).toMatchObject({
      status: 'cancelled',
      reason: `ended by ${signal} after ${signal}`,
    });
  });

  it('SIGTSTP stops all of it, SIGCONT lets it go on, and neither is recorded', async () => {
    const { assay, child, ended } = await start();
    const pid = assay.pid as number;
    const isStopped = (id: number): boolean =>
      /^State:\s+T/m.test(readFileSync(`/proc/${id}/status`, 'utf8'));
    sendSignal(pid, 'SIGTSTP');
    await waitFor(() => isStopped(pid) && isStopped(child));
    sendSignal(pid, 'SIGCONT');
    await waitFor(() => !isStopped(pid) && !isStopped(child));
    expect(isRunning(child)).toBe(true);
    sendSignal(pid, 'SIGTERM');
    expect(await ended).toBe(143);
    expect(manifest()).toMatchObject({ reason: 'ended by SIGTERM after SIGTERM' });
  });
});
