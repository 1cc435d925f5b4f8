/** The memory and the calls of count-routes.wasm, which checks and counts rows of blocks. */
import { readFileSync } from 'node:fs';
import type { Cells } from '../analyze/routing/cell-store.ts';
import {
  columnBytes,
  columnsIn,
  type RouteBlock,
  type RouteColumns,
} from '../analyze/routing/route-block.ts';
import type { TallyKernel } from '../analyze/routing/route-tally.ts';
import { BLOCK_ROWS } from './block-builder.ts';
import type { CheckKernel } from './route-checks.ts';
import { PAGE_BYTES, type WasmMemory, wasm } from './web-assembly.ts';

type Export =
  | 'openBlock'
  | 'openChecks'
  | 'openTally'
  | 'setOrder'
  | 'setLayer'
  | 'check'
  | 'tally';

/** 1 GiB, of which only addresses are taken at first: grids beyond it are on the heap. */
const MOST_PAGES = 1 << 14;
/** Grown by so many pages at least. */
const MORE_PAGES = 1 << 6;
/** Addresses below are the module's own. */
const FIRST_BYTE = 1 << 12;
const LAYERS = 1 << 16;
const IDS = 1 << 16;

let compiled: object | undefined;

function moduleOf(): object {
  compiled ??= new wasm.Module(readFileSync(new URL('./count-routes.wasm', import.meta.url)));
  return compiled;
}

/** Its memory is a shared one, which stays where it is when it grows: views of it stay good. */
export class RouteKernel implements CheckKernel, TallyKernel {
  readonly bad: Uint8Array;
  readonly #memory: WasmMemory<SharedArrayBuffer>;
  readonly #call: Readonly<Record<Export, (...values: number[]) => number>>;
  readonly #columns: RouteColumns<ArrayBufferLike>;
  readonly #orders: number;
  readonly #stamps: number;
  #end = FIRST_BYTE;

  constructor(topK: number) {
    const pages = { initial: MORE_PAGES, maximum: MOST_PAGES, shared: true };
    this.#memory = new wasm.Memory<SharedArrayBuffer>(pages);
    const instance = new wasm.Instance(moduleOf(), { env: { memory: this.#memory } });
    this.#call = instance.exports as Record<Export, (...values: number[]) => number>;
    const columns = this.take(columnBytes(BLOCK_ROWS, topK));
    this.#columns = columnsIn(columns.buffer, BLOCK_ROWS, topK, columns.at);
    const bad = this.take(BLOCK_ROWS);
    this.bad = new Uint8Array(bad.buffer, bad.at, BLOCK_ROWS);
    this.#orders = this.take(8 * LAYERS).at;
    this.#stamps = this.take(4 * IDS).at;
    this.#call.openTally(this.take(4 * LAYERS).at);
  }

  /** Zeros of the memory, or of the heap where there is no room for so many. */
  take(bytes: number): Cells {
    const at = this.#end;
    const end = at + Math.max(16, (bytes + 15) & ~15);
    const lacking = Math.ceil((end - this.#memory.buffer.byteLength) / PAGE_BYTES);
    if (end > MOST_PAGES * PAGE_BYTES) return { buffer: new ArrayBuffer(bytes), at: 0 };
    if (lacking > 0) {
      const most = MOST_PAGES - this.#memory.buffer.byteLength / PAGE_BYTES;
      this.#memory.grow(Math.min(most, Math.max(MORE_PAGES, lacking)));
    }
    this.#end = end;
    return { buffer: this.#memory.buffer, at };
  }

  holds(cells: ArrayBufferView): boolean {
    return cells.buffer instanceof SharedArrayBuffer;
  }

  /** A copy of the block, to be checked and counted. */
  place(block: RouteBlock): RouteBlock {
    const own = this.#columns;
    const { rows, topK } = block;
    own.rows = rows;
    for (const name of ['request', 'token', 'line', 'layer', 'phase'] as const) {
      own[name].set(block[name].subarray(0, rows));
    }
    own.ids.set(block.ids.subarray(0, rows * topK));
    own.weights.set(block.weights.subarray(0, rows * topK));
    const [columns, bad] = [own.request.byteOffset, this.bad.byteOffset];
    this.#call.openBlock(columns, BLOCK_ROWS, rows, topK, bad);
    return own;
  }

  openChecks(of: Parameters<CheckKernel['openChecks']>[0]): void {
    const { values, most, sums, tolerance } = of;
    this.#call.openChecks(values, this.#orders, this.#stamps, most, sums, tolerance);
  }

  setOrder(layer: number, cells: number, rows: number): void {
    this.#call.setOrder(layer, cells, rows);
  }

  setLayer(layer: number, state: number): void {
    this.#call.setLayer(layer, state);
  }

  check(from: number): number {
    return this.#call.check(from);
  }

  tally(from: number): number {
    return this.#call.tally(from);
  }
}
