/**
 * Which runs of identical rows are a server's own. Before it serves, a server runs its model on
 * dummy tokens, to profile memory and to warm up: every row of such a batch is the same, and one
 * that logs routes logs them too. In the trace of seed 002 they were 79 % of all rows.
 */
import type { HeldRun } from './held-run.ts';
import { CANDIDATE_ROWS, type LayerTally } from './layer-tally.ts';

export interface DummyRun {
  readonly layer: number;
  readonly run: HeldRun;
  /** A run of more rows than this is expected less than CHANCE times in the layer by chance. */
  readonly chanceRows: number;
}

/** Runs of real tokens that are taken for dummies, expected for each layer. */
const CHANCE = 1e-3;
/** Chance that a row repeats the one before, at the least: a list may repeat its line breaks. */
const LEAST_REPEAT = 0.25;
const MOST_REPEAT = 0.999;

/**
 * A row repeats the one before it with a chance p. Then n rows hold n·p^(r−1) runs of r rows or
 * more, so that a run is longer than chance allows from the first r with n·p^(r−1) < CHANCE. p is
 * the largest of: the share of repeating runs among the short ones; the share of the rows that use
 * the rarest of this run's experts; and LEAST_REPEAT. The longest runs are judged first, so that
 * those that are dummies do not speak for the others.
 */
export function dummiesAmong(tally: LayerTally): DummyRun[] {
  const { candidates, layer, shortRuns, repeatingRuns } = tally;
  const pool = poolOf(tally);
  const all = pool.rows;
  const repeating = shortRuns === 0 ? 0 : repeatingRuns / shortRuns;
  const dummies = new Map<HeldRun, DummyRun>();
  for (const run of candidates.toSorted((a, b) => b.length - a.length)) {
    pool.take(run);
    const p = Math.max(repeating, pool.rarestShare(run), LEAST_REPEAT);
    const least = 1 + Math.log(all / CHANCE) / -Math.log(Math.min(p, MOST_REPEAT));
    const chanceRows = Math.max(CANDIDATE_ROWS - 1, Math.ceil(least) - 1);
    if (run.length > chanceRows) dummies.set(run, { layer, run, chanceRows });
    else pool.giveBack(run);
  }
  return candidates.flatMap((run) => dummies.get(run) ?? []);
}

/** Uses of each expert by the rows that may be of requests. */
class Pool {
  rows = 0;
  readonly #uses: Float64Array;

  constructor(experts: number) {
    this.#uses = new Float64Array(experts);
  }

  add(ids: Iterable<number>, rows: number): void {
    for (const id of ids) this.#uses[id]! += rows;
  }

  take({ ids, length }: HeldRun): void {
    this.rows -= length;
    this.add(ids, -length);
  }

  giveBack({ ids, length }: HeldRun): void {
    this.rows += length;
    this.add(ids, length);
  }

  rarestShare({ ids }: HeldRun): number {
    if (this.rows === 0) return 0;
    return Math.min(...Array.from(ids, (id) => this.#uses[id] as number)) / this.rows;
  }
}

function poolOf({ counts, candidates }: LayerTally): Pool {
  const { data, stride, rows } = counts.phases;
  const pool = new Pool(stride);
  pool.rows = counts.routes;
  for (let i = 0; i < rows * stride; i++) pool.add([i % stride], data[i] as number);
  for (const run of candidates) pool.giveBack(run);
  return pool;
}
