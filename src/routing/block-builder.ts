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
  /** Columns that are another's, so that blocks are copies; null: blocks are handed over. */
  readonly #home: (() => RouteColumns) | null;
  #rest = emptyRest();
  #namesTold = 0;

  constructor(topK: number, home: (() => RouteColumns) | null = null) {
    this.topK = topK;
    this.#home = home;
    this.columns = home === null ? this.#empty() : home();
  }

  /** The columns at home may be elsewhere now. */
  moved(): void {
    if (this.#home === null) return;
    const { rows } = this.columns;
    this.columns = this.#home();
    this.columns.rows = rows;
  }

  /** No row fits any more: take the block. */
  get isFull(): boolean {
    return this.columns.rows === BLOCK_ROWS;
  }

  /** Was it a route? */
  add(parsed: ParsedLine, line: number): boolean {
    this.#rest.slowLines++;
    switch (parsed.kind) {
      case 'route':
        return this.#route(parsed.route, line);
      case 'meta':
        if (this.#rest.metas.length < MAX_METAS) this.#rest.metas.push({ line, ...parsed });
        else this.problem(line, 'header', 'another meta line');
        return false;
      case 'problem':
        this.problem(line, parsed.problem, parsed.message);
    }
    return false;
  }

  problem(line: number, kind: ProblemKind, message: string): void {
    const { problems, counts } = this.#rest;
    if (problems.length < SHOWN_PROBLEMS) problems.push({ line, kind, message });
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  /** Hands the block over; `buffer`: for it, or for the next one. */
  take(buffer?: ArrayBuffer): FilledBlock {
    const rest = this.#takeRest();
    const filled = this.columns;
    const other = buffer ? columnsIn(buffer, BLOCK_ROWS, this.topK) : this.#empty();
    if (this.#home === null) {
      this.columns = other;
      return { columns: filled, ...rest };
    }
    const bytes = columnBytes(BLOCK_ROWS, this.topK) - 8;
    const from = filled.request.byteOffset;
    new Uint8Array(other.buffer).set(new Uint8Array(filled.buffer, from, bytes));
    other.rows = filled.rows;
    filled.rows = 0;
    return { columns: other, ...rest };
  }

  /** A block of columns that were filled elsewhere, with names of the table. */
  wrap(columns: RouteColumns): FilledBlock {
    return { columns, ...this.#takeRest() };
  }

  #takeRest(): Rest {
    const rest = this.#rest;
    this.#rest = emptyRest();
    for (; this.#namesTold < this.names.size; this.#namesTold++) {
      rest.names.push(this.names.name(this.#namesTold));
    }
    return rest;
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

type Rest = Omit<FilledBlock, 'columns'>;

function emptyRest(): Rest {
  return { metas: [], problems: [], counts: new Map(), names: [], slowLines: 0 };
}
