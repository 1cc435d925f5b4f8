/**
 * Lines of a known shape → columns: the hot loop of a trace. Every field of a line is read where
 * the shape has it; a line that is of another shape ends the scan, and JSON.parse has it.
 */
import { integer, readInteger, readNumber, value } from './numbers.ts';

/** Fields, as route-template.ts numbers them. */
const REQUEST: u32 = 0;
const TOKEN: u32 = 1;
const LAYER: u32 = 2;
const IDS: u32 = 3;
const WEIGHTS: u32 = 4;
const PHASE: u32 = 5;
const SKIP_TEXT: u32 = 6;

/** Why a scan ended. */
const DONE: u32 = 0;
const OTHER_SHAPE: u32 = 1;
const NEW_NAME: u32 = 2;

const MOST_LAYER: u32 = 65535;
const MOST_EXPERT: u32 = 65535;
/** Bytes of a step: literal, its length, field, separator, its length. */
const STEP_BYTES: usize = 20;
/** Bytes of a slot of the table of names: hash, place, length, number + 1. */
const SLOT_BYTES: usize = 16;

let topK: u32 = 0;
let requests: usize = 0;
let tokens: usize = 0;
let lines: usize = 0;
let weights: usize = 0;
let layers: usize = 0;
let ids: usize = 0;
let phases: usize = 0;
/** Phases as bytes: count, then for each a length and 8 bytes. */
let phaseTable: usize = 0;
let slots: usize = 0;
let slotMask: u32 = 0;

/** The row that is filled, and the line that is read. */
let row: u32 = 0;
let line: u32 = 0;
let reason: u32 = DONE;
let knownFrom: usize = 0;
let knownLength: usize = 0;
let known: u32 = 0;

/** Where the memory of the caller begins. */
export function heap(): usize {
  return __heap_base;
}

/** Columns as route-block.ts lays them out from `columns` on, `capacity` rows. */
export function open(columns: usize, capacity: u32, k: u32, phaseAt: usize): void {
  const n = <usize>capacity;
  topK = k;
  requests = columns;
  tokens = requests + 4 * n;
  lines = tokens + 4 * n;
  weights = lines + 4 * n;
  layers = weights + 4 * n * k;
  ids = layers + 2 * n;
  phases = ids + 2 * n * k;
  phaseTable = phaseAt;
}

/** `size`: slots, a power of two; all zero. */
export function openNames(at: usize, size: u32): void {
  slots = at;
  slotMask = size - 1;
}

export function rowsFilled(): u32 {
  return row;
}

export function linesRead(): u32 {
  return line;
}

export function whyEnded(): u32 {
  return reason;
}

/** Of the name that is not known: where it is. */
export function nameFrom(): usize {
  return knownFrom;
}

export function nameLength(): usize {
  return knownLength;
}

function hashOf(at: usize, length: usize): u32 {
  let hash: u32 = <u32>length;
  for (let i: usize = 0; i < length; i++) {
    hash = (hash ^ load<u8>(at + i)) * 0x01000193;
  }
  return hash ^ (hash >>> 15);
}

/** The caller sees to it that there is room, and that `at` stays what it is. */
export function addName(at: usize, length: usize, number: u32): void {
  const hash = hashOf(at, length);
  let slot = hash & slotMask;
  while (load<u32>(slots + <usize>slot * SLOT_BYTES, 12) !== 0) slot = (slot + 1) & slotMask;
  const to = slots + <usize>slot * SLOT_BYTES;
  store<u32>(to, hash);
  store<u32>(to, <u32>at, 4);
  store<u32>(to, <u32>length, 8);
  store<u32>(to, number + 1, 12);
}

/** Number + 1; 0: it is not in the table. */
function lookUp(at: usize, length: usize): u32 {
  const hash = hashOf(at, length);
  let slot = hash & slotMask;
  let entry = slots + <usize>slot * SLOT_BYTES;
  while (load<u32>(entry, 12) !== 0) {
    if (load<u32>(entry) === hash && load<u32>(entry, 8) === <u32>length) {
      if (memory.compare(<usize>load<u32>(entry, 4), at, length) === 0) break;
    }
    slot = (slot + 1) & slotMask;
    entry = slots + <usize>slot * SLOT_BYTES;
  }
  return load<u32>(entry, 12);
}

function matches(literal: usize, length: usize, at: usize): bool {
  if (length >= 8) {
    const last = length - 8;
    for (let i: usize = 0; i < last; i += 8) {
      if (load<u64>(literal + i) !== load<u64>(at + i)) return false;
    }
    return load<u64>(literal + last) === load<u64>(at + last);
  }
  for (let i: usize = 0; i < length; i++) {
    if (load<u8>(literal + i) !== load<u8>(at + i)) return false;
  }
  return true;
}

/** End of a text in ASCII without escapes; 0: it is another. */
function textEnd(at: usize): usize {
  let p = at;
  let code = load<u8>(p);
  while (code !== 34) {
    if (code < 32 || code > 126 || code === 92) return 0;
    code = load<u8>(++p);
  }
  return p;
}

function readRequest(at: usize): usize {
  if (knownLength > 0 && load<u8>(at + knownLength) === 34) {
    if (memory.compare(knownFrom, at, knownLength) === 0) {
      store<u32>(requests + ((<usize>row) << 2), known);
      return at + knownLength;
    }
  }
  const end = textEnd(at);
  if (end === 0) return 0;
  const number = lookUp(at, end - at);
  knownFrom = at;
  knownLength = end - at;
  if (number === 0) {
    reason = NEW_NAME;
    return 0;
  }
  known = number - 1;
  store<u32>(requests + ((<usize>row) << 2), known);
  return end;
}

function readPhase(at: usize): usize {
  const end = textEnd(at);
  if (end === 0) return 0;
  const count = load<u32>(phaseTable);
  for (let i: u32 = 0; i < count; i++) {
    const entry = phaseTable + 4 + <usize>i * 12;
    const length = <usize>load<u32>(entry);
    if (length !== end - at || memory.compare(entry + 4, at, length) !== 0) continue;
    store<u8>(phases + row, <u8>i);
    return end;
  }
  return 0;
}

function readIds(step: usize, at: usize): usize {
  const separator = <usize>load<u32>(step, 12);
  const length = <usize>load<u32>(step, 16);
  let to = ids + ((<usize>row * topK) << 1);
  let p = at;
  for (let i: u32 = 0; i < topK; i++) {
    if (i > 0) {
      if (!matches(separator, length, p)) return 0;
      p += length;
    }
    p = readInteger(p);
    if (p === 0 || integer > MOST_EXPERT) return 0;
    store<u16>(to, <u16>integer);
    to += 2;
  }
  return p;
}

function readWeights(step: usize, at: usize): usize {
  const separator = <usize>load<u32>(step, 12);
  const length = <usize>load<u32>(step, 16);
  let to = weights + ((<usize>row * topK) << 2);
  let p = at;
  for (let i: u32 = 0; i < topK; i++) {
    if (i > 0) {
      if (!matches(separator, length, p)) return 0;
      p += length;
    }
    p = readNumber(p);
    if (p === 0) return 0;
    store<f32>(to, <f32>value);
    to += 4;
  }
  return p;
}

function readField(field: u32, step: usize, at: usize): usize {
  if (field === REQUEST) return readRequest(at);
  if (field === IDS) return readIds(step, at);
  if (field === WEIGHTS) return readWeights(step, at);
  if (field === PHASE) return readPhase(at);
  if (field === SKIP_TEXT) return textEnd(at);
  if (field !== TOKEN && field !== LAYER) return readNumber(at);
  const end = readInteger(at);
  if (end === 0) return 0;
  if (field === TOKEN) {
    store<u32>(tokens + ((<usize>row) << 2), integer);
    return end;
  }
  if (integer > MOST_LAYER) return 0;
  store<u16>(layers + ((<usize>row) << 1), <u16>integer);
  return end;
}

/** Behind the line, or 0. `template`: steps, literal of the end, its length, then the steps. */
function readLine(template: usize, at: usize): usize {
  const steps = load<u32>(template);
  store<u8>(phases + row, 0);
  let p = at;
  let step = template + 12;
  for (let i: u32 = 0; i < steps; i++) {
    const length = <usize>load<u32>(step, 4);
    if (!matches(<usize>load<u32>(step), length, p)) return 0;
    p = readField(load<u32>(step, 8), step, p + length);
    if (p === 0) return 0;
    step += STEP_BYTES;
  }
  const length = <usize>load<u32>(template, 8);
  return matches(<usize>load<u32>(template, 4), length, p) ? p + length : 0;
}

/**
 * Reads lines from `at` until one is of another shape, begins at `limit` or later, does not end
 * before `to`, or until `capacity` rows are filled; returns where it stopped. Behind `to` stand
 * zeros, which no value goes on with. `fromRow`, `fromLine`: the first to fill, and its number.
 */
export function scan(
  template: usize,
  at: usize,
  limit: usize,
  to: usize,
  fromRow: u32,
  capacity: u32,
  fromLine: u32,
): usize {
  row = fromRow;
  line = fromLine;
  // What stood there may have been overwritten.
  knownLength = 0;
  reason = DONE;
  let p = at;
  while (p < limit && row < capacity) {
    const end = readLine(template, p);
    if (end === 0 || end > to) {
      if (reason === DONE) reason = OTHER_SHAPE;
      break;
    }
    store<u32>(lines + ((<usize>row) << 2), line);
    row++;
    line++;
    p = end;
  }
  return p;
}
