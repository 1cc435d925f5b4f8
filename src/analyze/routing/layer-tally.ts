/** The routes of one layer, in the order of the file: counted, or held back as a run. */
import { type CountedRow, ExpertCounts } from './expert-counts.ts';
import { type CellBudget, Grid } from './grid.ts';
import { type HeldRun, RunHolder } from './held-run.ts';
import { LayerState, WORD } from './layer-state.ts';
import { FIRST_DUMMY_PHASE, type RouteBlock } from './route-block.ts';

/** Runs of identical rows shorter than this are never dummies. */
export const CANDIDATE_ROWS = 8;
/** A hostile file could have as many runs as rows; these are all counted as they come. */
const MAX_CANDIDATES = 10_000;

/** What the kernel was told last. */
interface Placed {
  readonly requests: Uint32Array | null;
  readonly last: Uint32Array | null;
  readonly stride: number;
  readonly at: number;
}

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
  /** Runs below CANDIDATE_ROWS with two rows or more. */
  repeatingRuns = 0;
  /** Rows that say themselves that they are of profiling or warm-up, and their experts. */
  saidDummies = 0;
  readonly saidCounts: Grid;
  readonly #state: LayerState;
  readonly #words: Uint32Array;
  readonly #run: RunHolder;
  /** Used again for every row, of which there are millions. */
  readonly #one: { -readonly [K in keyof CountedRow]: CountedRow[K] };
  /** [request][token + 1, experts]. */
  readonly #last: Grid;
  readonly #keep: boolean;
  #placed: Placed = { requests: null, last: null, stride: 0, at: 0 };
  #hasLast = true;

  constructor(layer: number, of: LayerOf) {
    this.layer = layer;
    this.#keep = of.keepDummies;
    const { store } = of.budget;
    this.#state = new LayerState(store);
    this.#words = this.#state.words;
    this.counts = new ExpertCounts({ ...of, state: this.#state });
    this.saidCounts = new Grid({ rows: 1, ...of });
    this.#run = new RunHolder({ topK: of.topK, state: this.#state, store });
    const { ids, weights } = this.#run;
    this.#one = { ids, weights, at: 0, request: 0, phase: 0, times: 1 };
    this.#last = new Grid({ rows: 0, stride: of.topK + 1, budget: of.budget });
  }

  /** Runs below CANDIDATE_ROWS. */
  get shortRuns(): number {
    return this.#words[WORD.shortRuns] as number;
  }

  /** Pairs of tokens of a request that follow one another. */
  get transitions(): number {
    return this.#words[WORD.transitions] as number;
  }

  /** Experts of a token that the token before it in its request did not have. */
  get switched(): number {
    return this.#state.switched;
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
      this.#words[WORD.shortRuns]!++;
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
    this.#words[WORD.shortRuns]!++;
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

  /**
   * Writes down where the grids are, for a kernel that counts in them; where the numbers of the
   * layer are, or 0: some grid is not in its memory.
   */
  placeIn(kernel: { holds(cells: ArrayBufferView): boolean }): number {
    const { counts } = this;
    const last = this.#hasLast ? this.#last.data : null;
    const requests = counts.hasRequests ? counts.requests.data : null;
    const before = this.#placed;
    const isSame = requests === before.requests && last === before.last;
    if (isSame && counts.stride === before.stride) return before.at;
    const isHeld = this.#layDown(requests, last).every((cells) => kernel.holds(cells));
    const at = isHeld ? this.#words.byteOffset : 0;
    this.#placed = { requests, last, stride: counts.stride, at };
    return at;
  }

  #layDown(requests: Uint32Array | null, last: Uint32Array | null): ArrayBufferView[] {
    const { counts } = this;
    const places: readonly [number, ArrayBufferView | null][] = [
      [WORD.weightSums, counts.weightSums],
      [WORD.phases, counts.phases.data],
      [WORD.blocks, counts.blocks.data],
      [WORD.requests, requests],
      [WORD.pairs, counts.pairs?.data ?? null],
      [WORD.last, last],
      [WORD.runIds, this.#run.ids],
      [WORD.runWeights, this.#run.weights],
    ];
    const words = this.#words;
    for (const [word, cells] of places) words[word] = cells?.byteOffset ?? 0;
    words[WORD.stride] = counts.stride;
    words[WORD.requestRows] = requests === null ? 0 : counts.requests.rows;
    words[WORD.lastRows] = last === null ? 0 : this.#last.rows;
    return [words, ...places.flatMap(([, cells]) => cells ?? [])];
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
    this.#words[WORD.transitions]!++;
    this.#state.switched += k - same;
  }

  #forget(request: number): void {
    if (this.#hasLast && this.#last.reach(request))
      this.#last.data[request * this.#last.stride] = 0;
  }
}
