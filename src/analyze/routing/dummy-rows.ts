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

/** Rows of one layer that are the same, one behind the other. */
export interface RowRun {
  readonly ids: Iterable<number>;
  readonly length: number;
}

/** What a run is judged by: the rows of its layer. */
export interface RowsAround {
  /** Rows with those of the runs that are judged, and how many of them use each expert. */
  readonly rows: number;
  readonly uses: ArrayLike<number>;
  /** Runs below CANDIDATE_ROWS, and those of them with two rows or more. */
  readonly shortRuns: number;
  readonly repeatingRuns: number;
}

export function dummiesAmong(tally: LayerTally): DummyRun[] {
  const { candidates, layer, shortRuns, repeatingRuns } = tally;
  const { rows, uses } = allRows(tally);
  const dummies = longerThanChance(candidates, { rows, uses, shortRuns, repeatingRuns });
  return candidates.flatMap((run) => {
    const chanceRows = dummies.get(run);
    return chanceRows === undefined ? [] : [{ layer, run, chanceRows }];
  });
}

/**
 * A row repeats the one before it with a chance p. Then n rows hold n·p^(r−1) runs of r rows or
 * more, so that a run is longer than chance allows from the first r with n·p^(r−1) < CHANCE. p is
 * the largest of: the share of repeating runs among the short ones; the share of the rows that use
 * the rarest of this run's experts; and LEAST_REPEAT. The longest runs are judged first, so that
 * those that are dummies do not speak for the others. `runs` have CANDIDATE_ROWS or
 * more; those that are dummies are returned, with the rows that chance allows each.
 */
export function longerThanChance<R extends RowRun>(
  runs: readonly R[],
  { rows: all, uses, shortRuns, repeatingRuns }: RowsAround,
): ReadonlyMap<R, number> {
  const pool = new Pool(all, uses);
  const repeating = shortRuns === 0 ? 0 : repeatingRuns / shortRuns;
  const dummies = new Map<R, number>();
  for (const run of runs.toSorted((a, b) => b.length - a.length)) {
    pool.take(run);
    const p = Math.max(repeating, pool.rarestShare(run), LEAST_REPEAT);
    const least = 1 + Math.log(all / CHANCE) / -Math.log(Math.min(p, MOST_REPEAT));
    const chanceRows = Math.max(CANDIDATE_ROWS - 1, Math.ceil(least) - 1);
    if (run.length > chanceRows) dummies.set(run, chanceRows);
    else pool.giveBack(run);
  }
  return dummies;
}

/** Uses of each expert by the rows that may be of requests. */
class Pool {
  rows: number;
  readonly #uses: Float64Array;

  constructor(rows: number, uses: ArrayLike<number>) {
    this.rows = rows;
    this.#uses = Float64Array.from(uses);
  }

  take(run: RowRun): void {
    this.#add(run, -run.length);
  }

  giveBack(run: RowRun): void {
    this.#add(run, run.length);
  }

  rarestShare({ ids }: RowRun): number {
    if (this.rows === 0) return 0;
    return Math.min(...Array.from(ids, (id) => this.#uses[id] as number)) / this.rows;
  }

  #add({ ids }: RowRun, rows: number): void {
    this.rows += rows;
    for (const id of ids) this.#uses[id]! += rows;
  }
}

function allRows({ counts, candidates }: LayerTally): Pick<RowsAround, 'rows' | 'uses'> {
  const { data, stride, rows: phases } = counts.phases;
  const uses = new Float64Array(stride);
  for (let i = 0; i < phases * stride; i++) uses[i % stride]! += data[i] as number;
  let rows = counts.routes;
  for (const { ids, length } of candidates) {
    rows += length;
    for (const id of ids) uses[id]! += length;
  }
  return { rows, uses };
}
