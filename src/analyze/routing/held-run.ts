/**
 * Rows of one layer that are the same as the row before: held back until it is known how many they
 * are, because a server's warm-up writes thousands of them and a request hardly ever two.
 */
import { FIRST_DUMMY_PHASE, type RouteBlock } from './route-block.ts';

export interface HeldRun {
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
  /** Of its first and last row. */
  readonly lines: readonly [number, number];
  readonly length: number;
  /** Rows by `request × FIRST_DUMMY_PHASE + phase`. */
  readonly rows: ReadonlyMap<number, number>;
  /** Rows between two restarts of token_idx. */
  readonly segments: readonly number[];
}

export class RunHolder {
  length = 0;
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
  /** Of the first row. */
  request = 0;
  phase = 0;
  #rows: Map<number, number> | null = null;
  #segments: number[] = [];
  #inSegment = 0;
  #token = 0;
  #first = 0;
  #last = 0;

  constructor(topK: number) {
    this.ids = new Uint16Array(topK);
    this.weights = new Float32Array(topK);
  }

  /** Experts and weights are those of this row. */
  holds(block: RouteBlock, row: number): boolean {
    const { ids, weights } = this;
    const at = row * block.topK;
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] !== block.ids[at + i] || weights[i] !== block.weights[at + i]) return false;
    }
    return this.length > 0;
  }

  start(block: RouteBlock, row: number): void {
    const { ids, weights } = this;
    const at = row * block.topK;
    for (let i = 0; i < ids.length; i++) {
      ids[i] = block.ids[at + i] as number;
      weights[i] = block.weights[at + i] as number;
    }
    this.length = 1;
    this.request = block.request[row] as number;
    this.phase = block.phase[row] as number;
    this.#token = block.token[row] as number;
    this.#first = block.line[row] as number;
    this.#last = this.#first;
  }

  repeat(block: RouteBlock, row: number): void {
    const key = keyOf(block, row);
    const token = block.token[row] as number;
    if (this.length === 1) {
      this.#rows = new Map([[this.request * FIRST_DUMMY_PHASE + this.phase, 1]]);
      this.#segments = [];
      this.#inSegment = 1;
    }
    const rows = this.#rows as Map<number, number>;
    rows.set(key, (rows.get(key) ?? 0) + 1);
    if (token < this.#token) {
      this.#segments.push(this.#inSegment);
      this.#inSegment = 0;
    }
    this.#inSegment++;
    this.#token = token;
    this.#last = block.line[row] as number;
    this.length++;
  }

  /** Only of a run of two rows or more. */
  taken(): HeldRun {
    return {
      ids: this.ids.slice(),
      weights: this.weights.slice(),
      lines: [this.#first, this.#last],
      length: this.length,
      rows: this.#rows ?? new Map(),
      segments: [...this.#segments, this.#inSegment],
    };
  }
}

function keyOf(block: RouteBlock, row: number): number {
  return (block.request[row] as number) * FIRST_DUMMY_PHASE + (block.phase[row] as number);
}
