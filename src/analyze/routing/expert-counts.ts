/** How often each expert of one layer was chosen, cut in all the ways that statistics need. */
import { type CellBudget, Grid } from './grid.ts';
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
  routes = 0;
  /** [phase][expert]. */
  readonly phases: Grid;
  readonly phaseRoutes = new Float64Array(FIRST_DUMMY_PHASE);
  weightSums: Float64Array;
  /** [a][b], as they stand in the rows; null for too many experts. */
  pairs: Grid | null;
  /** [block of rows][expert]. */
  readonly blocks: Grid;
  blockRows = FIRST_BLOCK_ROWS;
  /** [request][expert]. */
  readonly requests: Grid;
  /** False: there are too many requests to count each by itself. */
  hasRequests = true;
  #block = 0;
  #inBlock = 0;

  constructor(of: { topK: number; stride: number; budget: CellBudget }) {
    const { stride, budget } = of;
    this.topK = of.topK;
    this.stride = stride;
    this.weightSums = new Float64Array(stride);
    this.phases = new Grid({ rows: FIRST_DUMMY_PHASE, stride, budget });
    this.pairs = new Grid({ rows: stride, stride, budget });
    this.blocks = new Grid({ rows: MAX_BLOCKS, stride, budget });
    this.requests = new Grid({ rows: 0, stride, budget });
  }

  /** Blocks that have rows. */
  get blockCount(): number {
    return this.#block + (this.#inBlock > 0 ? 1 : 0);
  }

  /** Ids from now on are below `stride`. */
  widen(stride: number): void {
    if (stride <= this.stride) return;
    for (const grid of [this.phases, this.blocks, this.requests]) grid.widen(stride);
    const sums = new Float64Array(stride);
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
    this.routes += times;
    this.phaseRoutes[phase]! += times;
    if (this.#inBlock >= this.blockRows) this.#nextBlock();
    this.#inBlock += times;
    const phaseAt = phase * stride;
    const blockAt = this.#block * stride;
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
    this.#inBlock = 0;
    if (++this.#block < MAX_BLOCKS) return;
    const { data, stride } = this.blocks;
    const half = MAX_BLOCKS / 2;
    for (let block = 0; block < half; block++) {
      for (let id = 0; id < stride; id++) {
        const two = 2 * block * stride + id;
        data[block * stride + id] = (data[two] as number) + (data[two + stride] as number);
      }
    }
    data.fill(0, half * stride);
    this.#block = half;
    this.blockRows *= 2;
  }
}
