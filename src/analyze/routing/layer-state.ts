/**
 * What is known of a layer besides its grids, as numbers in one place that the kernel reads and
 * writes too (src/routing/assembly/tally-routes.ts has the same words).
 */
import type { CellStore } from './cell-store.ts';
import { FIRST_DUMMY_PHASE } from './route-block.ts';

/** Places of words of 32 bits; `switched` is a double. */
export const WORD = {
  ...{ runLength: 0, runRequest: 1, runPhase: 2, runToken: 3, runFirst: 4, runLast: 5 },
  ...{ block: 6, inBlock: 7, blockRows: 8, shortRuns: 9, routes: 10, phaseRoutes: 11 },
  ...{ transitions: 14, switched: 16 },
  ...{ stride: 18, weightSums: 19, phases: 20, blocks: 21, requests: 22, requestRows: 23 },
  ...{ pairs: 24, last: 25, lastRows: 26, runIds: 27, runWeights: 28 },
} as const;
const WORDS = 32;

export class LayerState {
  readonly words: Uint32Array;
  readonly phaseRoutes: Uint32Array;
  readonly #doubles: Float64Array;

  constructor(store: CellStore) {
    const { buffer, at } = store.take(4 * WORDS);
    this.words = new Uint32Array(buffer, at, WORDS);
    this.phaseRoutes = this.words.subarray(WORD.phaseRoutes, WORD.phaseRoutes + FIRST_DUMMY_PHASE);
    this.#doubles = new Float64Array(buffer, at, WORDS / 2);
  }

  /** Experts of a token that the token before it in its request did not have. */
  get switched(): number {
    return this.#doubles[WORD.switched / 2] as number;
  }

  set switched(value: number) {
    this.#doubles[WORD.switched / 2] = value;
  }
}
