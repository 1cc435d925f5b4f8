/** Counts in rows that grow: [row][column]. */
import { type CellStore, HEAP, uint32In } from './cell-store.ts';

/** Cells that all grids of one trace may have together (256 MB). */
export const MAX_CELLS = 64_000_000;

/** What grids share, so that many requests over many layers stay within bounds. */
export class CellBudget {
  left: number;
  /** Where the cells are. */
  readonly store: CellStore;

  constructor(store: CellStore = HEAP, cells: number = MAX_CELLS) {
    this.store = store;
    this.left = cells;
  }
}

export class Grid {
  data: Uint32Array;
  /** Rows that there is room for. */
  rows: number;
  stride: number;
  readonly #budget: CellBudget;

  constructor(of: { rows: number; stride: number; budget: CellBudget }) {
    this.rows = of.rows;
    this.stride = of.stride;
    this.#budget = of.budget;
    this.data = uint32In(this.#budget.store, of.rows * of.stride);
  }

  /** Makes room for this row; false: the budget is used up, and the row is not there. */
  reach(row: number): boolean {
    if (row < this.rows) return true;
    const rows = Math.max(2 * this.rows, row + 1, 8);
    const more = (rows - this.rows) * this.stride;
    if (more > this.#budget.left) return false;
    this.#budget.left -= more;
    const data = uint32In(this.#budget.store, rows * this.stride);
    data.set(this.data);
    this.data = data;
    this.rows = rows;
    return true;
  }

  /** More columns, the old ones where they were. */
  widen(stride: number): void {
    const wide = uint32In(this.#budget.store, this.rows * stride);
    for (let row = 0; row < this.rows; row++) wide.set(this.row(row), row * stride);
    this.data = wide;
    this.stride = stride;
  }

  row(index: number): Uint32Array {
    return this.data.subarray(index * this.stride, (index + 1) * this.stride);
  }
}
