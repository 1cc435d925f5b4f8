/** What must hold of rows that were read: experts, weights, and the order of tokens. */
import { CellBudget, Grid } from '../analyze/routing/grid.ts';
import { FIRST_DUMMY_PHASE, type RouteBlock } from '../analyze/routing/route-block.ts';
import type { ProblemLog } from './trace-problem.ts';

/** Sums of weights in bfloat16 (8 bits of precision) or written with three digits. */
const SUM_TOLERANCE = 0.01;
const MAX_IDS = 65_536;

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
}

/** Of one request: how its tokens are numbered. */
interface Restarts {
  readonly line: number;
  readonly layers: Map<number, number>;
}

export class RouteChecks {
  /** 1 for each row of the last block that must not be counted. */
  bad = new Uint8Array(0);
  lowSum = Number.POSITIVE_INFINITY;
  highSum = Number.NEGATIVE_INFINITY;
  /** Rows whose weights sum to 1. */
  sumsToOne = 0;
  rows = 0;
  /** Largest id of the rows that are not refused. */
  maxId = 0;
  readonly phaseRows = new Float64Array(FIRST_DUMMY_PHASE + 2);
  /** Tokens that are missing between two of one request and layer. */
  gaps = 0;
  readonly restarts = new Map<number, Restarts>();
  /** False: there were too many requests to follow the tokens of each. */
  followedAll = true;
  readonly #against: CheckedAgainst;
  readonly #named: ReadonlySet<number> | null;
  readonly #stamps = new Float64Array(MAX_IDS);
  readonly #budget = new CellBudget();
  /** By layer: [request][token + 1, rows − 1 + first token]. */
  readonly #last: (Grid | undefined)[] = [];
  #stamp = 0;

  constructor(against: CheckedAgainst) {
    this.#against = against;
    this.#named = against.layers === null ? null : new Set(against.layers);
  }

  /** Layers that have rows. */
  get layers(): number[] {
    return this.#last.flatMap((grid, layer) => (grid === undefined ? [] : [layer]));
  }

  check(block: RouteBlock): void {
    const { rows, topK, ids, weights } = block;
    if (this.bad.length < rows) this.bad = new Uint8Array(block.layer.length);
    const { bad } = this;
    const stamps = this.#stamps;
    const most = this.#against.experts ?? MAX_IDS;
    let stamp = this.#stamp;
    let { maxId } = this;
    this.rows += rows;
    for (let row = 0; row < rows; row++) {
      this.phaseRows[block.phase[row] as number]!++;
      const from = row * topK;
      let sum = 0;
      let largest = 0;
      let at = from;
      stamp++;
      for (; at < from + topK; at++) {
        const id = ids[at] as number;
        if (id >= most || stamps[id] === stamp) break;
        stamps[id] = stamp;
        if (id > largest) largest = id;
        sum += weights[at] as number;
      }
      bad[row] = 0;
      if (at < from + topK) this.#refuseExpert(block, row, ids[at] as number);
      else if (!(sum < Number.POSITIVE_INFINITY)) this.#refuse(block, row);
      else {
        if (largest > maxId) maxId = largest;
        this.#sum(block, row, sum);
        this.#order(block, row);
      }
    }
    this.#stamp = stamp;
    this.maxId = maxId;
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
    if (sum < this.lowSum) this.lowSum = sum;
    if (sum > this.highSum) this.highSum = sum;
    const isOne = Math.abs(sum - 1) <= SUM_TOLERANCE;
    if (isOne) this.sumsToOne++;
    const { normalized, boundedSum } = this.#against;
    if (normalized === true && !isOne) {
      this.#add(block, row, 'sum', () => `weights sum to ${sum.toFixed(4)}, not 1`);
    } else if (normalized === false && boundedSum && sum > 1 + SUM_TOLERANCE) {
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
    const token = block.token[row] as number;
    const { data } = grid;
    const next = data[2 * request] as number;
    const first = data[2 * request + 1] as number;
    if (next === 0) data[2 * request + 1] = token;
    else if (token > next) this.gaps += token - next;
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
    return grid;
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
