/** All routes of a trace, layer by layer; rows that a check refused are left out. */
import { type DummyRun, dummiesAmong } from './dummy-rows.ts';
import { CellBudget } from './grid.ts';
import { LayerTally } from './layer-tally.ts';
import type { RouteBlock } from './route-block.ts';

const FIRST_STRIDE = 64;

export class RouteTally {
  readonly #layers: (LayerTally | undefined)[] = [];
  readonly #budget = new CellBudget();
  #stride: number;
  /** Rows read, with those that are left out. */
  rows = 0;
  refused = 0;
  maxId = 0;

  readonly #keepDummies: boolean;

  /** `experts`: how many there are, null if nothing says so. */
  constructor({ experts, keepDummies }: { experts: number | null; keepDummies: boolean }) {
    this.#stride = experts ?? FIRST_STRIDE;
    this.#keepDummies = keepDummies;
  }

  /** `bad[row]`: 1 where the row is left out; `maxId`: no id so far is larger. */
  add(block: RouteBlock, bad: Uint8Array, maxId: number): void {
    const { rows, topK } = block;
    this.rows += rows;
    this.maxId = maxId;
    if (maxId >= this.#stride) this.#widen(maxId);
    for (let row = 0; row < rows; row++) {
      if (bad[row] === 1) this.refused++;
      else this.#layer(block.layer[row] as number, topK).add(block, row);
    }
  }

  /** Ends the runs at the end of the file and tells dummies from repeated tokens. */
  finish(): TalliedLayer[] {
    const layers = this.#layers.filter((layer) => layer !== undefined);
    return layers.map((tally) => {
      tally.flush();
      const found = dummiesAmong(tally);
      const dummies = this.#keepDummies ? [] : found;
      const set = new Set(dummies.map(({ run }) => run));
      for (const run of tally.candidates) if (!set.has(run)) tally.count(run);
      return { tally, dummies: found };
    });
  }

  #layer(layer: number, topK: number): LayerTally {
    const known = this.#layers[layer];
    if (known !== undefined) return known;
    const tally = new LayerTally(layer, {
      ...{ topK, stride: this.#stride, budget: this.#budget },
      keepDummies: this.#keepDummies,
    });
    this.#layers[layer] = tally;
    return tally;
  }

  #widen(most: number): void {
    while (this.#stride <= most) this.#stride *= 2;
    for (const layer of this.#layers) layer?.widen(this.#stride);
  }
}

export interface TalliedLayer {
  readonly tally: LayerTally;
  /** Also those that were counted because dummies are to be kept. */
  readonly dummies: readonly DummyRun[];
}
