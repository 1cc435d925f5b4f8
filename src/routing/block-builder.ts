/** A block of columns while it is filled, and what stands in a file beside its routes. */
import { columnBytes, columnsIn, type RouteColumns } from '../analyze/routing/route-block.ts';
import { NameTable } from './name-table.ts';
import type { ParsedLine, ParsedRoute } from './parse-line.ts';
import { type ProblemKind, SHOWN_PROBLEMS, type TraceProblem } from './trace-problem.ts';

/** Rows of a block: its columns stay in the cache between the one who fills and who counts. */
export const BLOCK_ROWS = 16_384;
/** Headers beyond these are one problem, not many texts. */
const MAX_METAS = 8;

/** Lines count from 0 where the source of the block begins. */
export interface FilledBlock {
  readonly columns: RouteColumns;
  readonly metas: { readonly line: number; readonly value: Readonly<Record<string, unknown>> }[];
  /** The first of this block; `counts` has all. */
  readonly problems: TraceProblem[];
  readonly counts: Map<ProblemKind, number>;
  /** Names first seen in this block, in order. */
  readonly names: string[];
  /** Lines that were not read by their shape. */
  slowLines: number;
}

export class BlockBuilder {
  readonly topK: number;
  readonly names = new NameTable();
  columns: RouteColumns;
  #block: FilledBlock;
  #namesTold = 0;

  constructor(topK: number) {
    this.topK = topK;
    this.columns = this.#empty();
    this.#block = blockOf(this.columns);
  }

  /** No row fits any more: take the block. */
  get isFull(): boolean {
    return this.columns.rows === BLOCK_ROWS;
  }

  /** Was it a route? */
  add(parsed: ParsedLine, line: number): boolean {
    this.#block.slowLines++;
    switch (parsed.kind) {
      case 'route':
        return this.#route(parsed.route, line);
      case 'meta':
        if (this.#block.metas.length < MAX_METAS) this.#block.metas.push({ line, ...parsed });
        else this.problem(line, 'header', 'another meta line');
        return false;
      case 'problem':
        this.problem(line, parsed.problem, parsed.message);
    }
    return false;
  }

  problem(line: number, kind: ProblemKind, message: string): void {
    const { problems, counts } = this.#block;
    if (problems.length < SHOWN_PROBLEMS) problems.push({ line, kind, message });
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  /** Hands the block over; `buffer`: of the next one. */
  take(buffer?: ArrayBuffer): FilledBlock {
    const taken = this.#block;
    for (; this.#namesTold < this.names.size; this.#namesTold++) {
      taken.names.push(this.names.name(this.#namesTold));
    }
    this.columns = buffer ? columnsIn(buffer, BLOCK_ROWS, this.topK) : this.#empty();
    this.#block = blockOf(this.columns);
    return taken;
  }

  #empty(): RouteColumns {
    const buffer = new ArrayBuffer(columnBytes(BLOCK_ROWS, this.topK));
    return columnsIn(buffer, BLOCK_ROWS, this.topK);
  }

  #route(route: ParsedRoute, line: number): boolean {
    const { columns, topK } = this;
    if (route.ids.length !== topK) {
      this.problem(line, 'top-k', `${route.ids.length} experts, not ${topK}`);
      return false;
    }
    const row = columns.rows++;
    columns.request[row] = this.names.intern(route.request);
    columns.token[row] = route.token;
    columns.layer[row] = route.layer;
    columns.phase[row] = route.phase;
    columns.line[row] = line;
    columns.ids.set(route.ids, row * topK);
    columns.weights.set(route.weights, row * topK);
    return true;
  }
}

function blockOf(columns: RouteColumns): FilledBlock {
  return { columns, metas: [], problems: [], counts: new Map(), names: [], slowLines: 0 };
}
