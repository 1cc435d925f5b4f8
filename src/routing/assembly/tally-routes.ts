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

/** Is the row the one that is held? */
function isHeld(state: usize, row: u32): bool {
  let own = ids + ((<usize>(row * topK)) << 1);
  let held = <usize>load<u32>(state, RUN_IDS);
  for (let i: u32 = 0; i < topK; i++) {
    if (load<u16>(held) !== load<u16>(own)) return false;
    held += 2;
    own += 2;
  }
  own = weights + ((<usize>(row * topK)) << 2);
  held = <usize>load<u32>(state, RUN_WEIGHTS);
  for (let i: u32 = 0; i < topK; i++) {
    if (load<f32>(held) !== load<f32>(own)) return false;
    held += 4;
    own += 4;
  }
  return true;
}

/** Is there room for the row that is held? Begins a block of rows where one is full. */
function hasRoom(state: usize): bool {
  if (load<u32>(state, REQUESTS) !== 0) {
    if (load<u32>(state, RUN_REQUEST) >= load<u32>(state, REQUEST_ROWS)) return false;
  }
  if (load<u32>(state, IN_BLOCK) < load<u32>(state, BLOCK_ROWS)) return true;
  const block = load<u32>(state, BLOCK) + 1;
  if (block === MAX_BLOCKS) return false;
  store<u32>(state, block, BLOCK);
  store<u32>(state, 0, IN_BLOCK);
  return true;
}

/** Counts the row that is held, which is one. */
function count(state: usize): void {
  const stride = load<u32>(state, STRIDE);
  const phase = load<u32>(state, RUN_PHASE);
  increment(state + SHORT_RUNS);
  increment(state + ROUTES);
  increment(state + PHASE_ROUTES + ((<usize>phase) << 2));
  increment(state + IN_BLOCK);
  const phaseAt = <usize>load<u32>(state, PHASES) + ((<usize>(phase * stride)) << 2);
  const block = load<u32>(state, BLOCK);
  const blockAt = <usize>load<u32>(state, BLOCKS) + ((<usize>(block * stride)) << 2);
  const request = load<u32>(state, RUN_REQUEST);
  let requestAt = <usize>load<u32>(state, REQUESTS);
  if (requestAt !== 0) requestAt += (<usize>(request * stride)) << 2;
  const sums = <usize>load<u32>(state, WEIGHT_SUMS);
  const pairs = <usize>load<u32>(state, PAIRS);
  const first = <usize>load<u32>(state, RUN_IDS);
  let weightAt = <usize>load<u32>(state, RUN_WEIGHTS);
  const end = first + ((<usize>topK) << 1);
  for (let at = first; at < end; at += 2) {
    const id = <usize>load<u16>(at);
    const place = id << 2;
    increment(phaseAt + place);
    increment(blockAt + place);
    if (requestAt !== 0) increment(requestAt + place);
    const sum = sums + (id << 3);
    store<f64>(sum, load<f64>(sum) + <f64>load<f32>(weightAt));
    weightAt += 4;
    if (pairs === 0) continue;
    for (let other = first; other < at; other += 2) {
      increment(pairs + ((<usize>(<u32>load<u16>(other) * stride)) << 2) + place);
    }
  }
}

function hold(state: usize, row: u32): void {
  const first = <usize>(row * topK);
  const idAt = ids + (first << 1);
  const weightAt = weights + (first << 2);
  const toIds = <usize>load<u32>(state, RUN_IDS);
  const toWeights = <usize>load<u32>(state, RUN_WEIGHTS);
  for (let i: usize = 0; i < <usize>topK; i++) {
    store<u16>(toIds + (i << 1), load<u16>(idAt + (i << 1)));
    store<f32>(toWeights + (i << 2), load<f32>(weightAt + (i << 2)));
  }
  const at = (<usize>row) << 2;
  store<u32>(state, 1, RUN_LENGTH);
  store<u32>(state, load<u32>(requests + at), RUN_REQUEST);
  store<u32>(state, load<u8>(phases + row), RUN_PHASE);
  store<u32>(state, load<u32>(tokens + at), RUN_TOKEN);
  store<u32>(state, load<u32>(lines + at), RUN_FIRST);
  store<u32>(state, load<u32>(lines + at), RUN_LAST);
}

/** How many experts the token before in the request did not have. */
function follow(state: usize, row: u32, request: u32): void {
  const last = <usize>load<u32>(state, LAST);
  if (last === 0) return;
  const next = load<u32>(tokens + ((<usize>row) << 2)) + 1;
  const before = last + ((<usize>(request * (topK + 1))) << 2);
  const follows = next > 1 && load<u32>(before) === next - 1;
  store<u32>(before, next);
  const first = ids + ((<usize>(row * topK)) << 1);
  const end = before + 4 + ((<usize>topK) << 2);
  if (follows) {
    let same: u32 = 0;
    for (let i: u32 = 0; i < topK; i++) {
      const id = <u32>load<u16>(first + ((<usize>i) << 1));
      for (let at = before + 4; at < end; at += 4) same += u32(load<u32>(at) === id);
    }
    increment(state + TRANSITIONS);
    store<f64>(state, load<f64>(state, SWITCHED) + <f64>(topK - same), SWITCHED);
  }
  for (let at = before + 4, own = first; at < end; at += 4, own += 2) {
    store<u32>(at, load<u16>(own));
  }
}

/** False: it is left as it is. */
function add(state: usize, row: u32): bool {
  const length = load<u32>(state, RUN_LENGTH);
  const request = load<u32>(requests + ((<usize>row) << 2));
  if (length > 1) return false;
  if (load<u32>(state, LAST) !== 0 && request >= load<u32>(state, LAST_ROWS)) return false;
  if (length === 1) {
    if (isHeld(state, row) || !hasRoom(state)) return false;
    count(state);
  }
  hold(state, row);
  follow(state, row, request);
  return true;
}

/** The first row from `from` on that is left. */
export function tally(from: u32): u32 {
  let row = from;
  for (; row < rows; row++) {
    if (load<u8>(bad + row) !== 0) break;
    if (<u32>load<u8>(phases + row) >= FIRST_DUMMY_PHASE) break;
    const layer = <usize>load<u16>(layers + ((<usize>row) << 1));
    const state = <usize>load<u32>(states + (layer << 2));
    if (state === 0 || !add(state, row)) break;
  }
  return row;
}
