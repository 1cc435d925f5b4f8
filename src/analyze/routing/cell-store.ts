/** Where counts live: on the heap, or in memory that a compiled kernel counts in too. */

export interface Cells {
  readonly buffer: ArrayBufferLike;
  /** A multiple of 16. */
  readonly at: number;
}

export interface CellStore {
  /** So many bytes, all zero. */
  take(bytes: number): Cells;
}

export const HEAP: CellStore = { take: (bytes) => ({ buffer: new ArrayBuffer(bytes), at: 0 }) };

export function uint32In(store: CellStore, length: number): Uint32Array {
  const { buffer, at } = store.take(4 * length);
  return new Uint32Array(buffer, at, length);
}

export function float64In(store: CellStore, length: number): Float64Array {
  const { buffer, at } = store.take(8 * length);
  return new Float64Array(buffer, at, length);
}
