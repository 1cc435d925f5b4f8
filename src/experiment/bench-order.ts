/** In which order slices run: whatever the machine does meanwhile hits all variants alike. */
import { seededDraw, shuffled } from '../measure/bench/draw.ts';

export interface Slice {
  /** Number of the variant in its group. */
  readonly variant: number;
  readonly batchSize: number;
}

/**
 * All slices of one round, in an order of its own that seed and round decide. In the first round
 * each variant goes through its batch sizes in ascending order: the runtime keeps memory that a
 * larger batch took, and peak memory is read in that round.
 */
export function orderOfRound<T extends Slice>(
  slices: readonly T[],
  at: { round: number; seed: number },
): T[] {
  // An odd multiplier keeps neighbouring rounds and seeds apart (Knuth's 2^32 / φ).
  const draw = seededDraw(Math.imul(at.round + 1, 0x9e3779b1) ^ at.seed);
  const order = shuffled(slices, draw);
  if (at.round > 0) return order;
  const waiting = new Map<number, T[]>();
  for (const slice of order.toSorted((a, b) => a.batchSize - b.batchSize)) {
    waiting.set(slice.variant, [...(waiting.get(slice.variant) ?? []), slice]);
  }
  return order.map(({ variant }) => waiting.get(variant)?.shift() as T);
}
