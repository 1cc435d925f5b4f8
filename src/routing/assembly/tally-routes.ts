/**
 * Counts rows that are nothing special: not refused, not a server's own, unlike the row before in
 * their layer. Any other, and one that needs more room, is left to layer-tally.ts as it was.
 */
import {
  bad,
  FIRST_DUMMY_PHASE,
  ids,
  layers,
  lines,
  phases,
  requests,
  rows,
  tokens,
  topK,
  weights,
} from './block.ts';

/** Bytes of the numbers of a layer: four times the places in layer-state.ts. */
const RUN_LENGTH: usize = 0;
const RUN_REQUEST: usize = 4;
const RUN_PHASE: usize = 8;
const RUN_TOKEN: usize = 12;
const RUN_FIRST: usize = 16;
const RUN_LAST: usize = 20;
const BLOCK: usize = 24;
const IN_BLOCK: usize = 28;
const BLOCK_ROWS: usize = 32;
const SHORT_RUNS: usize = 36;
const ROUTES: usize = 40;
const PHASE_ROUTES: usize = 44;
const TRANSITIONS: usize = 56;
const SWITCHED: usize = 64;
const STRIDE: usize = 72;
const WEIGHT_SUMS: usize = 76;
const PHASES: usize = 80;
const BLOCKS: usize = 84;
const REQUESTS: usize = 88;
const REQUEST_ROWS: usize = 92;
const PAIRS: usize = 96;
const LAST: usize = 100;
const LAST_ROWS: usize = 104;
const RUN_IDS: usize = 108;
const RUN_WEIGHTS: usize = 112;

/** Of rows for the bootstrap: when all are full, they are put together, which is not done here. */
const MAX_BLOCKS: u32 = 128;

/** By layer: where its numbers are. */
let states: usize = 0;

export function openTally(statesAt: usize): void {
  states = statesAt;
}

export function setLayer(layer: u32, state: u32): void {
  store<u32>(states + ((<usize>layer) << 2), state);
}

function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}

/** Have both rows the same experts and weights? */
function areSame(idsA: usize, idsB: usize, weightsA: usize, weightsB: usize): bool {
  const bytes = (<usize>topK) << 1;
  for (let i: usize = 0; i < bytes; i += 2) {
    if (load<u16>(idsA + i) !== load<u16>(idsB + i)) return false;
    if (load<f32>(weightsA + (i << 1)) !== load<f32>(weightsB + (i << 1))) return false;
  }
  return true;
}

/** Counts the experts of a row, and each pair of them; 0 for grids that there are none of. */
function count(
  first: usize,
  weightsAt: usize,
  phase: usize,
  block: usize,
  request: usize,
  sums: usize,
  pairs: usize,
  stride: u32,
): void {
  const bytes = (<usize>topK) << 1;
  for (let i: usize = 0; i < bytes; i += 2) {
    const id = <usize>load<u16>(first + i);
    const place = id << 2;
    increment(phase + place);
    increment(block + place);
    if (request !== 0) increment(request + place);
    const sum = sums + (id << 3);
    store<f64>(sum, load<f64>(sum) + <f64>load<f32>(weightsAt + (i << 1)));
    if (pairs === 0) continue;
    for (let j: usize = 0; j < i; j += 2) {
      increment(pairs + ((<usize>(<u32>load<u16>(first + j) * stride)) << 2) + place);
    }
  }
}

/** How many experts the token before had too: those of four bytes each. */
function sameAs(idAt: usize, before: usize): u32 {
  let same: u32 = 0;
  const bytes = (<usize>topK) << 1;
  for (let i: usize = 0; i < bytes; i += 2) {
    const id = <u32>load<u16>(idAt + i);
    for (let j: usize = 0; j < bytes; j += 2) same += u32(load<u32>(before + (j << 1)) === id);
  }
  return same;
}

/** Pairs of tokens that follow one another, and experts of the second that the first had not. */
let transitions: u32 = 0;
let switched: u64 = 0;

/** `before`: token + 1 and experts of the token before in the request. */
function follow(row: u32, idAt: usize, before: usize): void {
  const next = load<u32>(tokens + ((<usize>row) << 2)) + 1;
  if (next > 1 && load<u32>(before) === next - 1) {
    transitions++;
    switched += <u64>(topK - sameAs(idAt, before + 4));
  }
  store<u32>(before, next);
  for (let i: usize = 0; i < <usize>topK; i++) {
    store<u32>(before + 4 + (i << 2), load<u16>(idAt + (i << 1)));
  }
}

/** Keeps a row of the block as the one that is held. */
function hold(state: usize, row: u32): void {
  const own = <usize>(row * topK);
  const toIds = <usize>load<u32>(state, RUN_IDS);
  const toWeights = <usize>load<u32>(state, RUN_WEIGHTS);
  for (let i: usize = 0; i < <usize>topK; i++) {
    store<u16>(toIds + (i << 1), load<u16>(ids + ((own + i) << 1)));
    store<f32>(toWeights + (i << 2), load<f32>(weights + ((own + i) << 2)));
  }
  const at = (<usize>row) << 2;
  store<u32>(state, 1, RUN_LENGTH);
  store<u32>(state, load<u32>(requests + at), RUN_REQUEST);
  store<u32>(state, load<u8>(phases + row), RUN_PHASE);
  store<u32>(state, load<u32>(tokens + at), RUN_TOKEN);
  store<u32>(state, load<u32>(lines + at), RUN_FIRST);
  store<u32>(state, load<u32>(lines + at), RUN_LAST);
}

function add(state: usize, counted: u32): void {
  store<u32>(state, load<u32>(state, SHORT_RUNS) + counted, SHORT_RUNS);
  store<u32>(state, load<u32>(state, ROUTES) + counted, ROUTES);
  store<u32>(state, load<u32>(state, TRANSITIONS) + transitions, TRANSITIONS);
  store<f64>(state, load<f64>(state, SWITCHED) + <f64>switched, SWITCHED);
}

/**
 * Rows of one layer from `from` on; the first that is left, or of another layer. A row is counted
 * when the one behind it turns out to be another; until then it is the one that is held.
 */
function stretch(state: usize, layer: u32, from: u32): u32 {
  let length = load<u32>(state, RUN_LENGTH);
  if (length > 1) return from;
  const k = topK;
  const stride = load<u32>(state, STRIDE);
  const sums = <usize>load<u32>(state, WEIGHT_SUMS);
  const pairs = <usize>load<u32>(state, PAIRS);
  const phaseCounts = <usize>load<u32>(state, PHASES);
  const blockCounts = <usize>load<u32>(state, BLOCKS);
  const requestCounts = <usize>load<u32>(state, REQUESTS);
  const requestRows = load<u32>(state, REQUEST_ROWS);
  const last = <usize>load<u32>(state, LAST);
  const lastRows = load<u32>(state, LAST_ROWS);
  const blockRows = load<u32>(state, BLOCK_ROWS);
  let block = load<u32>(state, BLOCK);
  let inBlock = load<u32>(state, IN_BLOCK);
  let heldIds = <usize>load<u32>(state, RUN_IDS);
  let heldWeights = <usize>load<u32>(state, RUN_WEIGHTS);
  let heldRequest = load<u32>(state, RUN_REQUEST);
  let heldPhase = load<u32>(state, RUN_PHASE);
  let counted: u32 = 0;
  transitions = 0;
  switched = 0;
  let row = from;
  for (; row < rows; row++) {
    if (<u32>load<u16>(layers + ((<usize>row) << 1)) !== layer) break;
    const phase = <u32>load<u8>(phases + row);
    if (load<u8>(bad + row) !== 0 || phase >= FIRST_DUMMY_PHASE) break;
    const request = load<u32>(requests + ((<usize>row) << 2));
    if (last !== 0 && request >= lastRows) break;
    const idAt = ids + ((<usize>(row * k)) << 1);
    const weightAt = weights + ((<usize>(row * k)) << 2);
    if (length !== 0) {
      if (areSame(heldIds, idAt, heldWeights, weightAt)) break;
      if (requestCounts !== 0 && heldRequest >= requestRows) break;
      if (inBlock >= blockRows) {
        if (block + 1 === MAX_BLOCKS) break;
        block++;
        inBlock = 0;
      }
      inBlock++;
      counted++;
      increment(state + PHASE_ROUTES + ((<usize>heldPhase) << 2));
      count(
        heldIds,
        heldWeights,
        phaseCounts + ((<usize>(heldPhase * stride)) << 2),
        blockCounts + ((<usize>(block * stride)) << 2),
        requestCounts === 0 ? 0 : requestCounts + ((<usize>(heldRequest * stride)) << 2),
        sums,
        pairs,
        stride,
      );
    }
    length = 1;
    heldIds = idAt;
    heldWeights = weightAt;
    heldRequest = request;
    heldPhase = phase;
    if (last !== 0) follow(row, idAt, last + ((<usize>(request * (k + 1))) << 2));
  }
  if (row === from) return from;
  hold(state, row - 1);
  store<u32>(state, block, BLOCK);
  store<u32>(state, inBlock, IN_BLOCK);
  add(state, counted);
  return row;
}

/** The first row from `from` on that is left. */
export function tally(from: u32): u32 {
  let row = from;
  while (row < rows) {
    const layer = <u32>load<u16>(layers + ((<usize>row) << 1));
    const state = <usize>load<u32>(states + ((<usize>layer) << 2));
    if (state === 0) break;
    const end = stretch(state, layer, row);
    if (end === row) break;
    row = end;
  }
  return row;
}
