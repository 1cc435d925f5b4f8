/** Taking over what an interrupted attempt acknowledged, into a directory of our own. */
import { existsSync } from 'node:fs';
import type { SampleRow } from '../record/rows.ts';
import { readSamples } from '../record/sample-reader.ts';

export interface Resumable {
  readonly runId: string;
  readonly rows: readonly SampleRow[];
  readonly batches: readonly number[];
}

/**
 * The rows of all complete batches: a batch is complete when its closing `batch` row is there and
 * counts as many rows as are there. Rows of a batch that was cut off are measured again.
 */
export function completeBatches(rows: readonly SampleRow[]): Pick<Resumable, 'rows' | 'batches'> {
  const closed = new Map<number, number>();
  const found = new Map<number, number>();
  for (const row of rows) {
    if (row.kind === 'batch') closed.set(row.batch, row.rows);
    if (row.kind === 'window' || row.kind === 'item') {
      found.set(row.batch, (found.get(row.batch) ?? 0) + 1);
    }
  }
  const complete = new Set([...closed].filter(([b, n]) => found.get(b) === n).map(([b]) => b));
  const kept = rows.filter(
    (row) =>
      (row.kind === 'window' || row.kind === 'item' || row.kind === 'batch') &&
      complete.has(row.batch),
  );
  return { rows: kept, batches: [...complete] };
}

/** The attempt with the most complete batches, or null when none has any. */
export function bestResumable(
  attempts: readonly { runId: string; samplesPath: string }[],
): Resumable | null {
  let best: Resumable | null = null;
  for (const { runId, samplesPath } of attempts) {
    if (!existsSync(samplesPath)) continue;
    const { rows, corrupt } = readSamples(samplesPath);
    // A damaged file is evidence of something; it is kept, but nothing is built on it.
    if (corrupt.length > 0) continue;
    const complete = completeBatches(rows);
    if (complete.batches.length > (best?.batches.length ?? 0)) best = { runId, ...complete };
  }
  return best;
}
