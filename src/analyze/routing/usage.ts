/** How evenly experts are used: measures of one histogram. */
import { chiSquareTail } from './chi-square.ts';

export interface ExpertUse {
  readonly expert: number;
  readonly count: number;
  /** Of all choices; they sum to 1 over the experts. */
  readonly share: number;
}

export interface Usage {
  readonly routes: number;
  /** −Σ p log2 p, and −Σ p ln p; never one called by the name of the other. */
  readonly entropyBits: number | null;
  readonly entropyNats: number | null;
  /** Entropy over log(experts): 1 is uniform. */
  readonly entropyNormalized: number | null;
  readonly top: readonly ExpertUse[];
  readonly unused: number;
  /** Largest count over the mean count: 1 is even. */
  readonly maxOverMean: number | null;
  /** Standard deviation (of the population of experts) over the mean count. */
  readonly cv: number | null;
}

const TOP = 10;

/** `counts`: one an expert, `routes` rows of the same number of experts. */
export function usageOf(counts: ArrayLike<number>, routes: number, top: number = TOP): Usage {
  const experts = counts.length;
  const total = sumOf(counts);
  const nats = total > 0 ? entropyNats(counts, total) : null;
  const mean = total / experts;
  return {
    routes,
    entropyBits: nats === null ? null : nats / Math.LN2,
    entropyNats: nats,
    entropyNormalized: nats === null || experts < 2 ? null : nats / Math.log(experts),
    top: mostUsed(counts, top).map((expert) => {
      const count = counts[expert] as number;
      return { expert, count, share: count / total };
    }),
    unused: unusedIn(counts),
    maxOverMean: total > 0 ? maxOf(counts) / mean : null,
    cv: total > 0 ? cvOf(counts, mean) : null,
  };
}

/** Experts that are used most, first; of two that are used as often, the lower one. */
function mostUsed(counts: ArrayLike<number>, top: number): number[] {
  const order: number[] = [];
  for (let expert = 0; expert < counts.length; expert++) {
    const count = counts[expert] as number;
    if (count === 0) continue;
    let at = order.length;
    while (at > 0 && (counts[order[at - 1] as number] as number) < count) at--;
    if (at === top) continue;
    order.splice(at, 0, expert);
    if (order.length > top) order.pop();
  }
  return order;
}

function unusedIn(counts: ArrayLike<number>): number {
  let unused = 0;
  for (let expert = 0; expert < counts.length; expert++) if (counts[expert] === 0) unused++;
  return unused;
}

export function sumOf(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] as number;
  return sum;
}

/** ln N − (Σ n ln n) / N, which needs one logarithm a count. */
export function entropyNats(counts: ArrayLike<number>, total: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const n = counts[i] as number;
    if (n > 1) sum += n * Math.log(n);
  }
  return Math.max(0, Math.log(total) - sum / total);
}

export function maxOf(counts: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < counts.length; i++) max = Math.max(max, counts[i] as number);
  return max;
}

export function cvOf(counts: ArrayLike<number>, mean: number): number {
  let squares = 0;
  for (let i = 0; i < counts.length; i++) squares += ((counts[i] as number) - mean) ** 2;
  return Math.sqrt(squares / counts.length) / mean;
}

export interface UniformTest {
  /** Pearson's Σ (n − mean)² / mean, as it stands. */
  readonly chiSquare: number;
  readonly degreesOfFreedom: number;
  /** Of chiSquare × (E − 1) / (E − k). */
  readonly p: number;
}

/**
 * Against routes whose k experts are drawn without a preference. The k of one route are distinct,
 * so that a count varies less than k independent draws would: by (E − k) / (E − 1), which the
 * statistic is divided by before it is looked up. Routes are taken as independent, which those of
 * one request are not: with many routes, p says that it is not exactly uniform, and the entropy
 * with its interval says how far from it.
 */
export function uniformTest(counts: ArrayLike<number>, topK: number): UniformTest | null {
  const experts = counts.length;
  const total = sumOf(counts);
  if (total === 0 || experts <= topK) return null;
  const mean = total / experts;
  let chiSquare = 0;
  for (let i = 0; i < experts; i++) chiSquare += ((counts[i] as number) - mean) ** 2 / mean;
  const degreesOfFreedom = experts - 1;
  const drawn = (chiSquare * (experts - 1)) / (experts - topK);
  return { chiSquare, degreesOfFreedom, p: chiSquareTail(drawn, degreesOfFreedom) };
}
