/** How often each expert of one layer was chosen, cut in all the ways that statistics need. */
import { float64In } from './cell-store.ts';
import { type CellBudget, Grid } from './grid.ts';
import { type LayerState, WORD } from './layer-state.ts';
import { FIRST_DUMMY_PHASE } from './route-block.ts';

/** Blocks of rows for the bootstrap: when all are full, neighbours are put together. */
export const MAX_BLOCKS = 128;
const FIRST_BLOCK_ROWS = 16;
/** Pairs are counted up to this many experts (4 MiB a layer). */
const MAX_PAIRED = 1024;

/** One row, or several of the same experts. */
export interface CountedRow {
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
  /** Index of its first expert in both. */
  readonly at: number;
  readonly request: number;
  readonly phase: number;
  readonly times: number;
}

export class ExpertCounts {
  readonly topK: number;
  stride: number;
  /** [phase][expert]. */
  readonly phases: Grid;
  weightSums: Float64Array;
  /** [a][b], as they stand in the rows; null for too many experts. */
  pairs: Grid | null;
  /** [block of rows][expert]. */
  readonly blocks: Grid;
  /** [request][expert]. */
  readonly requests: Grid;
  /** False: there are too many requests to count each by itself. */
  hasRequests = true;
  readonly #state: LayerState;
  readonly #words: Uint32Array;
  readonly #budget: CellBudget;

  constructor(of: { topK: number; stride: number; budget: CellBudget; state: LayerState }) {
    const { stride, budget, state } = of;
    this.topK = of.topK;
    this.stride = stride;
    this.#state = state;
    this.#words = state.words;
    this.#words[WORD.blockRows] = FIRST_BLOCK_ROWS;
    this.#budget = budget;
    this.weightSums = float64In(budget.store, stride);
    this.phases = new Grid({ rows: FIRST_DUMMY_PHASE, stride, budget });
    this.pairs = new Grid({ rows: stride, stride, budget });
    this.blocks = new Grid({ rows: MAX_BLOCKS, stride, budget });
    this.requests = new Grid({ rows: 0, stride, budget });
  }

  get routes(): number {
    return this.#words[WORD.routes] as number;
  }

  get phaseRoutes(): Uint32Array {
    return this.#state.phaseRoutes;
  }

  get blockRows(): number {
    return this.#words[WORD.blockRows] as number;
  }

  /** Ids from now on are below `stride`. */
  widen(stride: number): void {
    if (stride <= this.stride) return;
    for (const grid of [this.phases, this.blocks, this.requests]) grid.widen(stride);
    const sums = float64In(this.#budget.store, stride);
    sums.set(this.weightSums);
    this.weightSums = sums;
    if (stride > MAX_PAIRED) this.pairs = null;
    this.pairs?.widen(stride);
    this.pairs?.reach(stride - 1);
    this.stride = stride;
  }

  add(row: CountedRow): void {
    const { ids, weights, at, request, phase, times } = row;
    const { stride, topK, weightSums } = this;
    const words = this.#words;
    words[WORD.routes]! += times;
    words[WORD.phaseRoutes + phase]! += times;
    if ((words[WORD.inBlock] as number) >= this.blockRows) this.#nextBlock();
    words[WORD.inBlock]! += times;
    const phaseAt = phase * stride;
    const blockAt = (words[WORD.block] as number) * stride;
    const phases = this.phases.data;
    const blocks = this.blocks.data;
    const pairs = this.pairs === null ? null : this.pairs.data;
    if (this.hasRequests && !this.requests.reach(request)) this.hasRequests = false;
    const requests = this.hasRequests ? this.requests.data : null;
    const requestAt = request * stride;
    for (let i = 0; i < topK; i++) {
      const id = ids[at + i] as number;
      phases[phaseAt + id]! += times;
      blocks[blockAt + id]! += times;
      if (requests !== null) requests[requestAt + id]! += times;
      weightSums[id]! += (weights[at + i] as number) * times;
      if (pairs === null) continue;
      for (let j = 0; j < i; j++) pairs[(ids[at + j] as number) * stride + id]! += times;
    }
  }

  #nextBlock(): void {
    const words = this.#words;
    words[WORD.inBlock] = 0;
    words[WORD.block]!++;
    if ((words[WORD.block] as number) < MAX_BLOCKS) return;
    const { data, stride } = this.blocks;
    const half = MAX_BLOCKS / 2;
    for (let block = 0; block < half; block++) {
      for (let id = 0; id < stride; id++) {
        const two = 2 * block * stride + id;
        data[block * stride + id] = (data[two] as number) + (data[two + stride] as number);
      }
    }
    data.fill(0, half * stride);
    words[WORD.block] = half;
    words[WORD.blockRows]! *= 2;
  }
}
