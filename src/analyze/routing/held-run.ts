/**
 * Rows of one layer that are the same as the row before: held back until it is known how many they
 * are, because a server's warm-up writes thousands of them and a request hardly ever two.
 */
import type { CellStore } from './cell-store.ts';
import { type LayerState, WORD } from './layer-state.ts';
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
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
  readonly #words: Uint32Array;
  #rows: Map<number, number> | null = null;
  #segments: number[] = [];
  #inSegment = 0;

  constructor(of: { topK: number; state: LayerState; store: CellStore }) {
    const { topK, store } = of;
    const { buffer, at } = store.take(16 * topK);
    this.weights = new Float32Array(buffer, at, topK);
    this.ids = new Uint16Array(buffer, at + 4 * topK, topK);
    this.#words = of.state.words;
  }

  get length(): number {
    return this.#words[WORD.runLength] as number;
  }

  set length(rows: number) {
    this.#words[WORD.runLength] = rows;
  }

  /** Of the first row. */
  get request(): number {
    return this.#words[WORD.runRequest] as number;
  }

  get phase(): number {
    return this.#words[WORD.runPhase] as number;
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
    const words = this.#words;
    words[WORD.runLength] = 1;
    words[WORD.runRequest] = block.request[row] as number;
    words[WORD.runPhase] = block.phase[row] as number;
    words[WORD.runToken] = block.token[row] as number;
    words[WORD.runFirst] = block.line[row] as number;
    words[WORD.runLast] = block.line[row] as number;
  }

  repeat(block: RouteBlock, row: number): void {
    const words = this.#words;
    const key = keyOf(block, row);
    const token = block.token[row] as number;
    if (this.length === 1) {
      this.#rows = new Map([[this.request * FIRST_DUMMY_PHASE + this.phase, 1]]);
      this.#segments = [];
      this.#inSegment = 1;
    }
    const rows = this.#rows as Map<number, number>;
    rows.set(key, (rows.get(key) ?? 0) + 1);
    if (token < (words[WORD.runToken] as number)) {
      this.#segments.push(this.#inSegment);
      this.#inSegment = 0;
    }
    this.#inSegment++;
    words[WORD.runToken] = token;
    words[WORD.runLast] = block.line[row] as number;
    words[WORD.runLength]!++;
  }

  /** Only of a run of two rows or more. */
  taken(): HeldRun {
    return {
      ids: this.ids.slice(),
      weights: this.weights.slice(),
      lines: [this.#words[WORD.runFirst] as number, this.#words[WORD.runLast] as number],
      length: this.length,
      rows: this.#rows ?? new Map(),
      segments: [...this.#segments, this.#inSegment],
    };
  }
}

function keyOf(block: RouteBlock, row: number): number {
  return (block.request[row] as number) * FIRST_DUMMY_PHASE + (block.phase[row] as number);
}
