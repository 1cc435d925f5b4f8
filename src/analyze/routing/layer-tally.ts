/** The routes of one layer, in the order of the file: counted, or held back as a run. */
import { type CountedRow, ExpertCounts } from './expert-counts.ts';
import { type CellBudget, Grid } from './grid.ts';
import { type HeldRun, RunHolder } from './held-run.ts';
import { FIRST_DUMMY_PHASE, type RouteBlock } from './route-block.ts';

/** Runs of identical rows shorter than this are never dummies. */
export const CANDIDATE_ROWS = 8;
/** A hostile file could have as many runs as rows; these are all counted as they come. */
const MAX_CANDIDATES = 10_000;

interface LayerOf {
  readonly topK: number;
  readonly stride: number;
  readonly budget: CellBudget;
  /** Count rows of profiling and warm-up as if they were a request's. */
  readonly keepDummies: boolean;
}

export class LayerTally {
  readonly layer: number;
  readonly counts: ExpertCounts;
  /** Runs of CANDIDATE_ROWS or more, not counted yet. */
  readonly candidates: HeldRun[] = [];
  /** Runs below CANDIDATE_ROWS, and those of them with two rows or more. */
  shortRuns = 0;
  repeatingRuns = 0;
  /** Rows that say themselves that they are of profiling or warm-up, and their experts. */
  saidDummies = 0;
  readonly saidCounts: Grid;
  /** Experts of a token that the token before it in its request did not have, and such pairs. */
  switched = 0;
  transitions = 0;
  readonly #run: RunHolder;
  /** Used again for every row, of which there are millions. */
  readonly #one: { -readonly [K in keyof CountedRow]: CountedRow[K] };
  /** [request][token + 1, experts]. */
  readonly #last: Grid;
  readonly #keep: boolean;
  #hasLast = true;

  constructor(layer: number, of: LayerOf) {
    this.layer = layer;
    this.#keep = of.keepDummies;
    this.counts = new ExpertCounts(of);
    this.saidCounts = new Grid({ rows: 1, ...of });
    this.#run = new RunHolder(of.topK);
    const { ids, weights } = this.#run;
    this.#one = { ids, weights, at: 0, request: 0, phase: 0, times: 1 };
    this.#last = new Grid({ rows: 0, stride: of.topK + 1, budget: of.budget });
  }

  add(block: RouteBlock, row: number): void {
    if ((block.phase[row] as number) >= FIRST_DUMMY_PHASE) {
      this.#said(block, row);
      if (!this.#keep) return;
    }
    const run = this.#run;
    if (run.holds(block, row)) {
      run.repeat(block, row);
      // Within a run nothing switches, and whether its rows are a request's is not known yet.
      this.#forget(block.request[row] as number);
      return;
    }
    this.flush();
    run.start(block, row);
    this.#follow(block, row);
  }

  /** Ends the run that is held. */
  flush(): void {
    const run = this.#run;
    const { length } = run;
    run.length = 0;
    if (length === 0) return;
    if (length === 1) {
      this.shortRuns++;
      this.#one.request = run.request;
      this.#one.phase = run.phase;
      this.counts.add(this.#one);
      return;
    }
    const held = { ...run.taken(), length };
    if (length >= CANDIDATE_ROWS && this.candidates.length < MAX_CANDIDATES) {
      this.candidates.push(held);
      return;
    }
    this.shortRuns++;
    this.repeatingRuns++;
    this.count(held);
  }

  /** Counts the rows of a run after all. */
  count(run: HeldRun): void {
    for (const [key, rows] of run.rows) {
      const of = {
        ...{ ids: run.ids, weights: run.weights, at: 0 },
        request: Math.floor(key / FIRST_DUMMY_PHASE),
        phase: key % FIRST_DUMMY_PHASE,
      };
      for (let left = rows; left > 0; ) {
        const times = Math.min(left, this.counts.blockRows);
        this.counts.add({ ...of, times });
        left -= times;
      }
    }
  }

  /** Ids from now on are below `stride`. */
  widen(stride: number): void {
    this.counts.widen(stride);
    this.saidCounts.widen(stride);
  }

  #said(block: RouteBlock, row: number): void {
    this.saidDummies++;
    const { ids, topK } = block;
    for (let at = row * topK; at < (row + 1) * topK; at++)
      this.saidCounts.data[ids[at] as number]!++;
    if (this.#keep) block.phase[row] = 0;
  }

  #follow(block: RouteBlock, row: number): void {
    const request = block.request[row] as number;
    const last = this.#last;
    if (!this.#hasLast || !last.reach(request)) {
      this.#hasLast = false;
      return;
    }
    const k = block.topK;
    const next = (block.token[row] as number) + 1;
    const data = last.data;
    const base = request * (k + 1);
    const at = row * k;
    const follows = next > 1 && data[base] === next - 1;
    data[base] = next;
    let same = 0;
    if (follows) {
      for (let i = 0; i < k; i++) {
        const id = block.ids[at + i] as number;
        for (let j = base + 1; j <= base + k; j++) if (data[j] === id) same++;
      }
    }
    for (let i = 0; i < k; i++) data[base + 1 + i] = block.ids[at + i] as number;
    if (!follows) return;
    this.transitions++;
    this.switched += k - same;
  }

  #forget(request: number): void {
    if (this.#hasLast && this.#last.reach(request))
      this.#last.data[request * this.#last.stride] = 0;
  }
}
