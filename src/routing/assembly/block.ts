/** The block that is counted: columns as route-block.ts lays them out. */
export let topK: u32 = 0;
export let rows: u32 = 0;
export let requests: usize = 0;
export let tokens: usize = 0;
export let lines: usize = 0;
export let weights: usize = 0;
export let layers: usize = 0;
export let ids: usize = 0;
export let phases: usize = 0;
/** A byte a row: 1 where it must not be counted. */
export let bad: usize = 0;

/** From here on a phase is the server's own. */
export const FIRST_DUMMY_PHASE: u32 = 3;

/** Columns from `columns` on, with room for `capacity` rows, `count` of them filled. */
export function openBlock(columns: usize, capacity: u32, count: u32, k: u32, badAt: usize): void {
  const n = <usize>capacity;
  topK = k;
  rows = count;
  requests = columns;
  tokens = requests + 4 * n;
  lines = tokens + 4 * n;
  weights = lines + 4 * n;
  layers = weights + 4 * n * k;
  ids = layers + 2 * n;
  phases = ids + 2 * n * k;
  bad = badAt;
}
