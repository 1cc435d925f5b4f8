/** What an interrupted attempt at a bench cell leaves to its successor: whole rounds. */
import { existsSync } from 'node:fs';
import type { BenchProgress } from '../measure/bench/round.ts';
import type { SampleRow } from '../record/rows.ts';
import { readSamples } from '../record/sample-reader.ts';

export interface ResumableRounds {
  readonly runId: string;
  readonly rows: readonly SampleRow[];
  readonly rounds: readonly number[];
}

/**
 * The rows of all complete rounds: a round is complete when its closing `round` row is there and
 * counts as many iterations and failures as are there. Texts and cold starts belong to no round and
 * are kept; peak memory belongs to the first round that was measured, and is kept with any.
 */
export function completeRounds(rows: readonly SampleRow[]): Omit<ResumableRounds, 'runId'> {
  const closed = new Map<number, number>();
  const found = new Map<number, number>();
  for (const row of rows) {
    if (row.kind === 'round') closed.set(row.round, row.rows);
    if (row.kind === 'iteration' || row.kind === 'failure') {
      found.set(row.round, (found.get(row.round) ?? 0) + 1);
    }
  }
  const complete = new Set([...closed].filter(([r, n]) => found.get(r) === n).map(([r]) => r));
  const kept = rows.filter((row) => {
    switch (row.kind) {
      case 'iteration':
      case 'failure':
      case 'round':
        return complete.has(row.round);
      case 'generated':
      case 'cold-start':
        return true;
      case 'memory':
        return complete.size > 0;
      default:
        return false;
    }
  });
  return { rows: kept, rounds: [...complete] };
}

/** The attempt with the most complete rounds, or null when none has any. */
export function bestResumableRounds(
  attempts: readonly { runId: string; samplesPath: string }[],
): ResumableRounds | null {
  let best: ResumableRounds | null = null;
  for (const { runId, samplesPath } of attempts) {
    if (!existsSync(samplesPath)) continue;
    const { rows, corrupt } = readSamples(samplesPath);
    // A damaged file is evidence of something; it is kept, but nothing is built on it.
    if (corrupt.length > 0) continue;
    const complete = completeRounds(rows);
    if (complete.rounds.length > (best?.rounds.length ?? 0)) best = { runId, ...complete };
  }
  return best;
}

export interface RecordedCell {
  /** Processes that loaded the model for this run. */
  readonly loads: number;
  readonly tensors: boolean;
  readonly coldStarts: number;
  readonly rounds: ReadonlySet<number>;
  readonly progress: BenchProgress;
}

/** What a run's sample file holds already: read from the file, because only that survives. */
export function recordedCell(samplesPath: string): RecordedCell {
  const rows = existsSync(samplesPath) ? readSamples(samplesPath).rows : [];
  const numbers = rows.flatMap((row) =>
    row.kind === 'iteration' || row.kind === 'failure' ? [row.iteration] : [],
  );
  return {
    loads: rows.filter((row) => row.kind === 'load').length,
    tensors: rows.some((row) => row.kind === 'tensor'),
    coldStarts: rows.filter((row) => row.kind === 'cold-start').length,
    rounds: new Set(rows.flatMap((row) => (row.kind === 'round' ? [row.round] : []))),
    progress: {
      nextIteration: numbers.reduce((next, number) => Math.max(next, number + 1), 0),
      generated: rows.flatMap((row) => (row.kind === 'generated' ? [row.prompt] : [])),
      memory: rows.some((row) => row.kind === 'memory'),
    },
  };
}
