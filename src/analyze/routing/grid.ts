/** Counts in rows that grow: [row][column]. */

/** Cells that all grids of one trace may have together (256 MB). */
export const MAX_CELLS = 64_000_000;

/** What grids share, so that many requests over many layers stay within bounds. */
export class CellBudget {
  left: number;
  constructor(cells = MAX_CELLS) {
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
    this.data = new Uint32Array(of.rows * of.stride);
  }

  /** Makes room for this row; false: the budget is used up, and the row is not there. */
  reach(row: number): boolean {
    if (row < this.rows) return true;
    const rows = Math.max(2 * this.rows, row + 1, 8);
    const more = (rows - this.rows) * this.stride;
    if (more > this.#budget.left) return false;
    this.#budget.left -= more;
    const data = new Uint32Array(rows * this.stride);
    data.set(this.data);
    this.data = data;
    this.rows = rows;
    return true;
  }

  /** More columns, the old ones where they were. */
  widen(stride: number): void {
    this.data = widened(this.data, { rows: this.rows, from: this.stride, to: stride });
    this.stride = stride;
  }

  row(index: number): Uint32Array {
    return this.data.subarray(index * this.stride, (index + 1) * this.stride);
  }
}

function widened(data: Uint32Array, of: { rows: number; from: number; to: number }): Uint32Array {
  const wide = new Uint32Array(of.rows * of.to);
  for (let row = 0; row < of.rows; row++) {
    wide.set(data.subarray(row * of.from, (row + 1) * of.from), row * of.to);
  }
  return wide;
}
