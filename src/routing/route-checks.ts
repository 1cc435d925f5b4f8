/** What must hold of rows that were read: experts, weights, and the order of tokens. */
import { type CellStore, float64In, HEAP } from '../analyze/routing/cell-store.ts';
import { CellBudget, Grid } from '../analyze/routing/grid.ts';
import { FIRST_DUMMY_PHASE, PHASES, type RouteBlock } from '../analyze/routing/route-block.ts';
import type { ProblemLog } from './trace-problem.ts';

/** Sums of weights in bfloat16 (8 bits of precision) or written with three digits. */
const SUM_TOLERANCE = 0.01;
const MAX_IDS = 65_536;

/** Places of doubles that the kernel reads and writes too (assembly/check-routes.ts). */
const VALUE = { lowSum: 0, highSum: 1, sumsToOne: 2, maxId: 3, gaps: 4, phaseRows: 5 } as const;
const VALUES = VALUE.phaseRows + PHASES.length;

/** What the sum of the weights of a row must be, as the kernel has it. */
const SUMS = { any: 0, one: 1, atMostOne: 2 } as const;

/** Checks rows as RouteChecks does, those in which nothing is wrong. */
export interface CheckKernel extends CellStore {
  /** Are these cells in its memory? */
  holds(cells: ArrayBufferView): boolean;
  /** `values`: where the doubles are; ids are below `most`. */
  openChecks(of: { values: number; most: number; sums: number; tolerance: number }): void;
  /** Where the last tokens of the requests of a layer are; 0: its rows are left to the caller. */
  setOrder(layer: number, cells: number, rows: number): void;
  /** Checks the rows of the block from this one on; the first that is left to the caller. */
  check(from: number): number;
  /** 1 for each row of the block that must not be counted. */
  readonly bad: Uint8Array;
}

export interface CheckedAgainst {
  /** Number of experts; null: nothing says it. */
  readonly experts: number | null;
  /** Are the weights of a row made to sum to 1? null: nothing says it. */
  readonly normalized: boolean | null;
  /** Weights that come from a sigmoid may sum to more than 1. */
  readonly boundedSum: boolean;
  /** Layers that the header names; null: it names none. */
  readonly layers: readonly number[] | null;
  readonly problems: ProblemLog;
  /** Holds each block that is checked; null: rows are checked one by one here. */
  readonly kernel?: CheckKernel | null;
}

/** Of one request: how its tokens are numbered. */
interface Restarts {
  readonly line: number;
  readonly layers: Map<number, number>;
}

export class RouteChecks {
  /** 1 for each row of the last block that must not be counted. */
  bad: Uint8Array = new Uint8Array(0);
  rows = 0;
  readonly phaseRows: Float64Array;
  readonly restarts = new Map<number, Restarts>();
  /** False: there were too many requests to follow the tokens of each. */
  followedAll = true;
  readonly #against: CheckedAgainst;
  readonly #named: ReadonlySet<number> | null;
  readonly #stamps = new Float64Array(MAX_IDS);
  readonly #budget: CellBudget;
  readonly #kernel: CheckKernel | null;
  readonly #values: Float64Array;
  /** By layer: [request][token + 1, rows − 1 + first token]. */
  readonly #last: (Grid | undefined)[] = [];
  #stamp = 0;

  constructor(against: CheckedAgainst) {
    this.#against = against;
    const { kernel = null, experts } = against;
    this.#kernel = kernel;
    this.#budget = new CellBudget(kernel ?? HEAP);
    this.#values = float64In(this.#budget.store, VALUES);
    this.#values[VALUE.lowSum] = Number.POSITIVE_INFINITY;
    this.#values[VALUE.highSum] = Number.NEGATIVE_INFINITY;
    this.phaseRows = this.#values.subarray(VALUE.phaseRows);
    kernel?.openChecks({
      ...{ values: this.#values.byteOffset, most: experts ?? MAX_IDS },
      ...{ sums: sumsOf(against), tolerance: SUM_TOLERANCE },
    });
    this.#named = against.layers === null ? null : new Set(against.layers);
  }

  /** Layers that have rows. */
  get layers(): number[] {
    return this.#last.flatMap((grid, layer) => (grid === undefined ? [] : [layer]));
  }

  get lowSum(): number {
    return this.#values[VALUE.lowSum] as number;
  }

  get highSum(): number {
    return this.#values[VALUE.highSum] as number;
  }

  /** Rows whose weights sum to 1. */
  get sumsToOne(): number {
    return this.#values[VALUE.sumsToOne] as number;
  }

  /** Largest id of the rows that are not refused. */
  get maxId(): number {
    return this.#values[VALUE.maxId] as number;
  }

  /** Tokens that are missing between two of one request and layer. */
  get gaps(): number {
    return this.#values[VALUE.gaps] as number;
  }

  check(block: RouteBlock): void {
    const { rows } = block;
    if (this.#kernel !== null) this.bad = this.#kernel.bad;
    else if (this.bad.length < rows) this.bad = new Uint8Array(block.layer.length);
    this.rows += rows;
    for (let row = this.#special(0); row < rows; row = this.#special(row + 1)) {
      this.#checkRow(block, row);
    }
  }

  /** The first row from this one on that the kernel leaves. */
  #special(row: number): number {
    // It follows all requests, or is not asked.
    return this.#kernel !== null && this.followedAll ? this.#kernel.check(row) : row;
  }

  #checkRow(block: RouteBlock, row: number): void {
    const { topK, ids, weights } = block;
    const most = this.#against.experts ?? MAX_IDS;
    const stamps = this.#stamps;
    const values = this.#values;
    this.phaseRows[block.phase[row] as number]!++;
    const from = row * topK;
    const stamp = ++this.#stamp;
    let sum = 0;
    let largest = 0;
    let at = from;
    for (; at < from + topK; at++) {
      const id = ids[at] as number;
      if (id >= most || stamps[id] === stamp) break;
      stamps[id] = stamp;
      if (id > largest) largest = id;
      sum += weights[at] as number;
    }
    this.bad[row] = 0;
    if (at < from + topK) this.#refuseExpert(block, row, ids[at] as number);
    else if (!(sum < Number.POSITIVE_INFINITY)) this.#refuse(block, row);
    else {
      if (largest > (values[VALUE.maxId] as number)) values[VALUE.maxId] = largest;
      this.#sum(block, row, sum);
      this.#order(block, row);
    }
  }

  #refuseExpert(block: RouteBlock, row: number, id: number): void {
    const most = this.#against.experts ?? MAX_IDS;
    const message = id >= most ? `expert ${id} of ${most}` : `expert ${id} stands twice`;
    this.#add(block, row, 'expert', message);
    this.bad[row] = 1;
  }

  #refuse(block: RouteBlock, row: number): void {
    this.#add(block, row, 'weight', 'a weight is not finite');
    this.bad[row] = 1;
  }

  #sum(block: RouteBlock, row: number, sum: number): void {
    const values = this.#values;
    if (sum < this.lowSum) values[VALUE.lowSum] = sum;
    if (sum > this.highSum) values[VALUE.highSum] = sum;
    const isOne = Math.abs(sum - 1) <= SUM_TOLERANCE;
    if (isOne) values[VALUE.sumsToOne]!++;
    const sums = sumsOf(this.#against);
    if (sums === SUMS.one && !isOne) {
      this.#add(block, row, 'sum', () => `weights sum to ${sum.toFixed(4)}, not 1`);
    } else if (sums === SUMS.atMostOne && sum > 1 + SUM_TOLERANCE) {
      this.#add(block, row, 'sum', () => `probabilities sum to ${sum.toFixed(4)}, more than 1`);
    }
  }

  /** Tokens of a request rise in each layer; a server's own rows are no request's. */
  #order(block: RouteBlock, row: number): void {
    const layer = block.layer[row] as number;
    const grid = this.#last[layer] ?? this.#begin(block, row);
    if ((block.phase[row] as number) >= FIRST_DUMMY_PHASE) return;
    const request = block.request[row] as number;
    if (!this.followedAll || !grid.reach(request)) {
      this.followedAll = false;
      return;
    }
    this.#place(layer, grid);
    const token = block.token[row] as number;
    const { data } = grid;
    const next = data[2 * request] as number;
    const first = data[2 * request + 1] as number;
    if (next === 0) data[2 * request + 1] = token;
    else if (token > next) this.#values[VALUE.gaps]! += token - next;
    else if (token < next) {
      this.#back(block, row, { next, first });
      if (token > 0) return;
      data[2 * request + 1] = 0;
    }
    data[2 * request] = token + 1;
  }

  #back(block: RouteBlock, row: number, { next, first }: { next: number; first: number }): void {
    const token = block.token[row] as number;
    const request = block.request[row] as number;
    if (token === 0) {
      const line = block.line[row] as number;
      const restarts = this.restarts.get(request) ?? { line, layers: new Map() };
      const layer = block.layer[row] as number;
      restarts.layers.set(layer, (restarts.layers.get(layer) ?? 0) + 1);
      this.restarts.set(request, restarts);
      return;
    }
    const layer = block.layer[row] as number;
    const again = token === next - 1;
    const said = again ? 'stands twice' : `comes after token ${next - 1}`;
    const from = again ? '' : `, the first being ${first}`;
    const message = `token ${token} of a request ${said} in layer ${layer}${from}`;
    this.#add(block, row, again ? 'duplicate' : 'order', message);
  }

  #begin(block: RouteBlock, row: number): Grid {
    const layer = block.layer[row] as number;
    if (this.#named !== null && !this.#named.has(layer)) {
      this.#add(block, row, 'header', `layer ${layer} is not among layers_logged of the header`);
    }
    const grid = new Grid({ rows: 0, stride: 2, budget: this.#budget });
    this.#last[layer] = grid;
    this.#place(layer, grid);
    return grid;
  }

  #place(layer: number, { data, rows }: Grid): void {
    const kernel = this.#kernel;
    kernel?.setOrder(layer, kernel.holds(data) ? data.byteOffset : 0, rows);
  }

  #add(
    block: RouteBlock,
    row: number,
    kind: Parameters<ProblemLog['add']>[1],
    message: string | (() => string),
  ): void {
    this.#against.problems.add(block.line[row] as number, kind, message);
  }
}

function sumsOf({ normalized, boundedSum }: CheckedAgainst): number {
  if (normalized === true) return SUMS.one;
  return normalized === false && boundedSum ? SUMS.atMostOne : SUMS.any;
}
