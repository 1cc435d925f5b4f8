/** What the recorded scores of candidates mean as probabilities. */
import type { ItemRow } from '../record/rows.ts';
import { sum } from './describe.ts';
import type { Samples } from './samples.ts';

/** The candidates of an item, in the order of its scores. */
export function candidatesOf(item: ItemRow, { labelSets }: Samples): readonly string[] {
  return item.choices ?? labelSets.at(-1)?.labels ?? [];
}

/**
 * Softmax of the scores in f64: p of each candidate given that the answer is one of them. For
 * log likelihoods this is p(candidate) / Σ p(candidates); for logits it is what the head means.
 * null where a score is not finite or none is recorded.
 */
export function probabilitiesOf({ scores }: ItemRow): number[] | null {
  if (!scores || scores.length === 0 || scores.includes(null)) return null;
  const finite = scores as number[];
  const top = finite.reduce((a, b) => Math.max(a, b));
  const powers = finite.map((score) => Math.exp(score - top));
  const total = sum(powers);
  return powers.map((power) => power / total);
}

/** Σ p over the candidates of an item that was scored by likelihood: how much falls on them. */
export function massOf({ scores }: ItemRow): number | null {
  if (!scores || scores.includes(null)) return null;
  return sum((scores as number[]).map(Math.exp));
}

/** Index of the largest value, the first of a tie. */
export function firstLargest(values: readonly number[]): number {
  let best = 0;
  for (const [i, value] of values.entries()) if (value > (values[best] as number)) best = i;
  return best;
}
