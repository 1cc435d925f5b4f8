/**
 * Permutation tests: how often chance alone, with the names of the two cells exchanged, gives as
 * large a difference as was seen. They ask for exchangeability and for no distribution.
 */
import { sum } from './describe.ts';
import { indexStream } from './random.ts';

export interface Permuted {
  /** Two-sided. */
  readonly p: number;
  /** All arrangements were counted; else `permutations` were drawn, and the seen one with them. */
  readonly exact: boolean;
}

export interface PermutationDraws {
  /** Arrangements to draw where there are too many to count. */
  readonly permutations: number;
  readonly seed: number;
}

/** Up to this many pairs, all 2^n signs are counted (two halves of 2^15, so no 2^30 steps). */
const EXACT_PAIRS = 30;

/** Up to this many ways to split into two groups, all are counted. */
const EXACT_SPLITS = 50_000;

/** Sums that differ by less than this share of Σ|x| are the same: they differ in rounding alone. */
const TIE = 1e-12;

/**
 * Paired: under no difference each difference could as well have had the other sign. Statistic:
 * |Σ differences|. Null hypothesis: the differences are symmetric around 0. p = 1 for no
 * differences at all.
 */
export function signFlip(differences: readonly number[], draws: PermutationDraws): Permuted {
  const limit = Math.abs(sum(differences)) - TIE * sum(differences.map(Math.abs));
  if (limit <= 0) return { p: 1, exact: true };
  return differences.length <= EXACT_PAIRS
    ? { p: countedSigns(differences, limit), exact: true }
    : { p: drawnSigns(differences, { ...draws, limit }), exact: false };
}

/** Share of all signs with |Σ| ≥ limit: sums of two halves, sorted, paired from both ends. */
function countedSigns(differences: readonly number[], limit: number): number {
  const middle = Math.floor(differences.length / 2);
  const left = signedSums(differences.slice(0, middle)).sort();
  const right = signedSums(differences.slice(middle)).sort();
  let reaching = 0;
  let from = right.length;
  for (const a of left) {
    while (from > 0 && a + (right[from - 1] as number) >= limit) from--;
    reaching += right.length - from;
  }
  // All signs turned around give the other tail.
  return (2 * reaching) / (left.length * right.length);
}

/** Σ ± values under all 2^n signs. */
function signedSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(2 ** values.length);
  for (const [i, value] of values.entries()) {
    const half = 2 ** i;
    for (let k = 0; k < half; k++) {
      const before = sums[k] as number;
      sums[k] = before - value;
      sums[k + half] = before + value;
    }
  }
  return sums;
}

/** Signs are drawn eight at a time: one byte looks up the sum of eight signed differences. */
function drawnSigns(
  differences: readonly number[],
  { permutations, seed, limit }: PermutationDraws & { limit: number },
): number {
  const groups: Float64Array[] = [];
  for (let i = 0; i < differences.length; i += 8) {
    const eight = Array.from({ length: 8 }, (_, k) => differences[i + k] ?? 0);
    groups.push(signedSums(eight));
  }
  const fill = indexStream(seed);
  const bytes = new Int32Array(groups.length);
  let reaching = 1;
  for (let r = 0; r < permutations; r++) {
    fill(bytes, 256);
    let total = 0;
    for (const [g, sums] of groups.entries()) total += sums[bytes[g] as number] as number;
    if (Math.abs(total) >= limit) reaching++;
  }
  return reaching / (permutations + 1);
}

/**
 * Unpaired: under no difference each value could as well have been the other group's. Statistic:
 * |mean of a − mean of b|; both groups need a value.
 */
export function permuteGroups(
  a: readonly number[],
  b: readonly number[],
  draws: PermutationDraws,
): Permuted {
  const all = [...a, ...b];
  const total = sum(all);
  const size = a.length;
  // |mean a − mean b| rises with the distance of a's sum from its share of the total.
  const away = (of: number): number => Math.abs(of - (total * size) / all.length);
  const limit = away(sum(a)) - TIE * sum(all.map(Math.abs));
  if (limit <= 0) return { p: 1, exact: true };
  const reaches = (of: number): boolean => away(of) >= limit;
  if (splits(all.length, size) > EXACT_SPLITS) {
    return { p: drawnGroups(all, { ...draws, size, reaches }), exact: false };
  }
  let [reaching, count] = [0, 0];
  const visit = (from: number, left: number, so: number): void => {
    if (left === 0) {
      count++;
      if (reaches(so)) reaching++;
      return;
    }
    for (let i = from; i <= all.length - left; i++) visit(i + 1, left - 1, so + (all[i] as number));
  };
  visit(0, size, 0);
  return { p: reaching / count, exact: true };
}

function splits(n: number, size: number): number {
  let ways = 1;
  for (let i = 1; i <= size && ways <= EXACT_SPLITS; i++) ways = (ways * (n - size + i)) / i;
  return ways;
}

/** The first `size` values of a Fisher-Yates shuffle are the first group. */
function drawnGroups(
  all: readonly number[],
  of: PermutationDraws & { size: number; reaches: (sum: number) => boolean },
): number {
  const values = Float64Array.from(all);
  const fill = indexStream(of.seed);
  const one = new Int32Array(1);
  let reaching = 1;
  for (let r = 0; r < of.permutations; r++) {
    let total = 0;
    for (let i = 0; i < of.size; i++) {
      fill(one, values.length - i);
      const j = i + (one[0] as number);
      const taken = values[j] as number;
      values[j] = values[i] as number;
      values[i] = taken;
      total += taken;
    }
    if (of.reaches(total)) reaching++;
  }
  return reaching / (of.permutations + 1);
}
