/**
 * Best balance of throughput and tail latency. It is a rank inside a field, not a property of a
 * candidate: who else is measured decides the scales. So the field is printed with every score, and
 * what leaving one out would change is said.
 */

export interface FieldEntry {
  readonly id: string;
  /** Samples a second; any unit, if all have the same. */
  readonly throughput: number;
  readonly p95Ms: number;
}

/** Leaving `without` out makes `winner` the winner. */
export interface Flip {
  readonly without: string;
  readonly winner: string;
}

export interface Balance {
  /** In the order of the field, each 0 … 1. */
  readonly scores: readonly number[];
  /** Index in the field; of equal scores the one with the lower P95, then the first. */
  readonly winner: number;
  readonly flips: readonly Flip[];
}

/** 0 … 1 from least to largest; 0.5 for all where they are equal and tell nobody apart. */
export function minmax(values: readonly number[]): number[] {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values.map((value) => (range === 0 ? 0.5 : (value - least) / range));
}

/**
 * (minmax(throughput) + 1 − minmax(P95)) / 2 of each entry. Throws RangeError for NaN or infinite
 * figures: such a candidate is not in a field.
 */
export function balanceScores(field: readonly FieldEntry[]): number[] {
  for (const { id, throughput, p95Ms } of field) {
    if (Number.isFinite(throughput) && Number.isFinite(p95Ms)) continue;
    throw new RangeError(`${id} has no finite throughput and P95`);
  }
  const throughput = minmax(field.map((entry) => entry.throughput));
  const latency = minmax(field.map((entry) => entry.p95Ms));
  return field.map((_, i) => ((throughput[i] as number) + 1 - (latency[i] as number)) / 2);
}

/** null for fewer than two: there is nothing to balance between. */
export function bestBalance(field: readonly FieldEntry[]): Balance | null {
  if (field.length < 2) return null;
  const scores = balanceScores(field);
  const winner = winnerOf(field, scores);
  const flips = field.flatMap((left, i): Flip[] => {
    const rest = field.filter((_, j) => j !== i);
    // Without the winner another one wins of course, and of two nothing is left to rank.
    if (i === winner || rest.length < 2) return [];
    const then = rest[winnerOf(rest, balanceScores(rest))] as FieldEntry;
    return then === field[winner] ? [] : [{ without: left.id, winner: then.id }];
  });
  return { scores, winner, flips };
}

function winnerOf(field: readonly FieldEntry[], scores: readonly number[]): number {
  let best = 0;
  for (const [i, score] of scores.entries()) {
    const ahead = score - (scores[best] as number);
    const faster = (field[i] as FieldEntry).p95Ms < (field[best] as FieldEntry).p95Ms;
    if (ahead > 0 || (ahead === 0 && faster)) best = i;
  }
  return best;
}
