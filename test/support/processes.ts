/** Children and signals, straight from /proc. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

/** The worker among the children of a supervisor; null while there is none. */
export function workerOf(pid: number): number | null {
  return childrenOf(pid).find((child) => commandOf(child).includes('worker.js')) ?? null;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** False for a zombie: it runs no more. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether there was such a process to signal. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

export async function waitFor<T>(look: () => T | null | false, everyMs = 5): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== null && found !== false) return found;
    await sleep(everyMs);
  }
}

export async function gone(pid: number): Promise<void> {
  await waitFor(() => !isRunning(pid));
}
