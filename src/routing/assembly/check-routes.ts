/**
 * Checks of rows in which nothing is wrong; a row in which something is, or that needs more room,
 * is left to route-checks.ts as it was.
 */
import {
  bad,
  FIRST_DUMMY_PHASE,
  ids,
  layers,
  phases,
  requests,
  rows,
  tokens,
  topK,
  weights,
} from './block.ts';

/** What the sum of the weights of a row must be. */
const ONE: u32 = 1;
const AT_MOST_ONE: u32 = 2;

/** Doubles: lowest and highest sum, rows that sum to 1, largest id, gaps, rows of each phase. */
let values: usize = 0;
let most: u32 = 0;
let sums: u32 = 0;
let tolerance: f64 = 0;
/** By layer: where the tokens of its requests are, and of how many requests. */
let orders: usize = 0;
/** By id: the row that had it last. */
let stamps: usize = 0;
let stamp: u32 = 0;

export function openChecks(
  valuesAt: usize,
  ordersAt: usize,
  stampsAt: usize,
  mostIds: u32,
  sumsMust: u32,
  within: f64,
): void {
  values = valuesAt;
  orders = ordersAt;
  stamps = stampsAt;
  most = mostIds;
  sums = sumsMust;
  tolerance = within;
  stamp = 0;
}

export function setOrder(layer: u32, cells: u32, requestRows: u32): void {
  const entry = orders + ((<usize>layer) << 3);
  store<u32>(entry, cells);
  store<u32>(entry, requestRows, 4);
}

/** Is the token the next of its request, or a later one? `cell`: next token, first token. */
function follows(cell: usize, token: u32): bool {
  const next = load<u32>(cell);
  if (token < next) return false;
  if (next === 0) store<u32>(cell, token, 4);
  else if (token > next) store<f64>(values, load<f64>(values, 32) + <f64>(token - next), 32);
  store<u32>(cell, token + 1);
  return true;
}

/** The first row from `from` on that is left. */
export function check(from: u32): u32 {
  let low = load<f64>(values);
  let high = load<f64>(values, 8);
  let ones = load<f64>(values, 16);
  let maxId = <u32>load<f64>(values, 24);
  const k = topK;
  let row = from;
  for (; row < rows; row++) {
    let idAt = ids + ((<usize>(row * k)) << 1);
    let weightAt = weights + ((<usize>(row * k)) << 2);
    const end = idAt + ((<usize>k) << 1);
    let sum: f64 = 0;
    let largest: u32 = 0;
    stamp++;
    for (; idAt < end; idAt += 2) {
      const id = <u32>load<u16>(idAt);
      const slot = stamps + ((<usize>id) << 2);
      if (id >= most || load<u32>(slot) === stamp) break;
      store<u32>(slot, stamp);
      largest = max(largest, id);
      sum += <f64>load<f32>(weightAt);
      weightAt += 4;
    }
    if (idAt < end || !(sum < Infinity)) break;
    const isOne = abs(sum - 1) <= tolerance;
    if (sums === ONE ? !isOne : sums === AT_MOST_ONE && sum > 1 + tolerance) break;
    const order = orders + ((<usize>load<u16>(layers + ((<usize>row) << 1))) << 3);
    const cells = <usize>load<u32>(order);
    if (cells === 0) break;
    const phase = <u32>load<u8>(phases + row);
    if (phase < FIRST_DUMMY_PHASE) {
      const request = load<u32>(requests + ((<usize>row) << 2));
      if (request >= load<u32>(order, 4)) break;
      const token = load<u32>(tokens + ((<usize>row) << 2));
      if (!follows(cells + ((<usize>request) << 3), token)) break;
    }
    const phaseRows = values + 40 + ((<usize>phase) << 3);
    store<f64>(phaseRows, load<f64>(phaseRows) + 1);
    low = min(low, sum);
    high = max(high, sum);
    ones += <f64>(<i32>isOne);
    maxId = max(maxId, largest);
    store<u8>(bad + row, 0);
  }
  store<f64>(values, low);
  store<f64>(values, high, 8);
  store<f64>(values, ones, 16);
  store<f64>(values, <f64>maxId, 24);
  return row;
}
