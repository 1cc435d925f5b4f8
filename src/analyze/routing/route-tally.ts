/** All routes of a trace, layer by layer; rows that a check refused are left out. */

import { type CellStore, HEAP } from './cell-store.ts';
import { type DummyRun, dummiesAmong } from './dummy-rows.ts';
import { CellBudget } from './grid.ts';
import { LayerTally } from './layer-tally.ts';
import type { RouteBlock } from './route-block.ts';

const FIRST_STRIDE = 64;

/** Counts rows as LayerTally.add does, those that are nothing special. */
export interface TallyKernel extends CellStore {
  /** Are these cells in its memory? */
  holds(cells: ArrayBufferView): boolean;
  /** Where the numbers of a layer are; 0: its rows are left to the caller. */
  setLayer(layer: number, state: number): void;
  /** Counts the rows of the block from this one on; the first that is left to the caller. */
  tally(from: number): number;
}

export interface TallyOf {
  /** How many there are; null: nothing says so. */
  readonly experts: number | null;
  readonly keepDummies: boolean;
  /** Holds each block that is added; null: rows are counted one by one here. */
  readonly kernel?: TallyKernel | null;
}

export class RouteTally {
  readonly #layers: (LayerTally | undefined)[] = [];
  readonly #budget: CellBudget;
  readonly #kernel: TallyKernel | null;
  #stride: number;
  /** Rows read, with those that are left out. */
  rows = 0;
  refused = 0;
  maxId = 0;

  readonly #keepDummies: boolean;

  constructor({ experts, keepDummies, kernel = null }: TallyOf) {
    this.#kernel = kernel;
    this.#budget = new CellBudget(kernel ?? HEAP);
    this.#stride = experts ?? FIRST_STRIDE;
    this.#keepDummies = keepDummies;
  }

  /** `bad[row]`: 1 where the row is left out; `maxId`: no id so far is larger. */
  add(block: RouteBlock, bad: Uint8Array, maxId: number): void {
    const { rows, topK } = block;
    this.rows += rows;
    this.maxId = maxId;
    if (maxId >= this.#stride) this.#widen(maxId);
    const kernel = this.#kernel;
    for (let row = kernel?.tally(0) ?? 0; row < rows; row = kernel?.tally(row + 1) ?? row + 1) {
      if (bad[row] === 1) {
        this.refused++;
        continue;
      }
      const layer = this.#layer(block.layer[row] as number, topK);
      layer.add(block, row);
      this.#place(layer);
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

  #place(layer: LayerTally): void {
    const kernel = this.#kernel;
    kernel?.setLayer(layer.layer, layer.placeIn(kernel));
  }

  #widen(most: number): void {
    while (this.#stride <= most) this.#stride *= 2;
    for (const layer of this.#layers) {
      layer?.widen(this.#stride);
      if (layer !== undefined) this.#place(layer);
    }
  }
}

export interface TalliedLayer {
  readonly tally: LayerTally;
  /** Also those that were counted because dummies are to be kept. */
  readonly dummies: readonly DummyRun[];
}
