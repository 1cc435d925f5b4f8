/** Earlier runs of one cell: which stand, which run now, which can be taken over. */
import { join } from 'node:path';
import { UsageError } from '../record/errors.ts';
import type { RunEntry } from '../record/run-reader.ts';
import { SAMPLES_FILE } from '../record/samples.ts';
import type { Cell } from './cell.ts';

export function sameCell(entry: RunEntry, cell: Cell): boolean {
  return entry.kind !== 'unreadable' && entry.manifest.cellKey === cell.key;
}

export function finished(past: readonly RunEntry[]): Extract<RunEntry, { kind: 'closed' }> | null {
  for (const entry of past.toReversed()) {
    if (entry.kind === 'closed' && entry.manifest.status === 'succeeded') return entry;
  }
  return null;
}

/** Two processes that measure one cell at once would disturb each other's figures. */
export function refuseIfRunning(past: readonly RunEntry[]): void {
  for (const entry of past) {
    if (entry.kind !== 'unfinished' || !entry.alive) continue;
    const by = entry.heartbeat ? ` by pid ${entry.heartbeat.pid} on ${entry.heartbeat.host}` : '';
    throw new UsageError(`this measurement is running already${by}: ${entry.runId}`, {
      hint: 'wait for it, or stop that process and run this again: it will resume',
    });
  }
}

/** Attempts that ended before their result: killed, cancelled, out of time or memory. */
export function interrupted(entry: RunEntry): { runId: string; samplesPath: string }[] {
  const over =
    entry.kind === 'closed'
      ? entry.manifest.status === 'cancelled' || entry.manifest.status === 'failed'
      : entry.kind === 'unfinished' && !entry.alive;
  return over ? [{ runId: entry.runId, samplesPath: join(entry.dir, SAMPLES_FILE) }] : [];
}
