/** Do two traces route differently? Jensen-Shannon divergence by layer, with a permutation test. */
import { MIN_UNITS } from '../intervals.ts';
import { below, type RandomU32, sfc32 } from '../random.ts';

/** Counts of [unit][expert], dense; units are requests by name, or blocks, which have none: ''. */
export interface NamedCounts {
  readonly names: readonly string[];
  readonly data: Float64Array;
}

export interface Divergence {
  /** 0: the same shares; 1 bit: no expert in common. */
  readonly jsdBits: number;
  /** Its mean over permutations: what chance alone gives between such samples. */
  readonly chanceBits: number;
  readonly p: number | null;
  /** Times the number of tests that are as strong (Holm 1979). */
  readonly pHolm: number | null;
  /** Why there is no p. */
  readonly reason: string | null;
  /** Are the units of both the same requests, exchanged pair by pair? */
  readonly paired: boolean;
  readonly units: readonly [number, number];
  readonly permutations: number;
}

export const PERMUTATIONS = 999;

/** JSD of two histograms, in bits: H(½P + ½Q) − ½H(P) − ½H(Q). */
export function jsdBits(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [na, nb] = [0, 0];
  for (let e = 0; e < a.length; e++) {
    na += a[e] as number;
    nb += b[e] as number;
  }
  if (na === 0 || nb === 0) return 0;
  let sum = 0;
  for (let e = 0; e < a.length; e++) {
    const p = (a[e] as number) / na;
    const q = (b[e] as number) / nb;
    const m = (p + q) / 2;
    if (p > 0) sum += (p / 2) * Math.log2(p / m);
    if (q > 0) sum += (q / 2) * Math.log2(q / m);
  }
  return Math.max(0, sum);
}

/**
 * Null hypothesis: it makes no difference which of the two traces a unit is from. Where both have
 * the same requests, the two sides of a request are exchanged with a chance of one half; else all
 * units are dealt out anew. Requests are exchanged whole, since their tokens hang together. The
 * arrangement seen counts as one of them, so that p is never 0.
 */
export function divergence(
  a: NamedCounts,
  b: NamedCounts,
  of: { experts: number; seed: number },
): Omit<Divergence, 'pHolm'> {
  const { experts, seed } = of;
  const pairs = pairsOf(a.names, b.names);
  const paired = pairs !== null;
  const random = sfc32(seed);
  const all = paired ? inPairs({ a, b, pairs, experts }) : oneAfterOther(a, b);
  const size = paired ? pairs.length : a.names.length;
  const total = all.length / experts;
  const side = new Uint8Array(total).fill(1, size);
  const seen = jsdOf(all, side, experts);
  const units = [a.names.length, b.names.length] as const;
  const base = { jsdBits: seen, paired, units, permutations: PERMUTATIONS };
  if (Math.min(...units) < MIN_UNITS) {
    const reason = `a test needs ${MIN_UNITS} units of each`;
    return { ...base, chanceBits: 0, p: null, reason, permutations: 0 };
  }
  let [reaching, chance] = [1, 0];
  for (let r = 0; r < PERMUTATIONS; r++) {
    if (paired) exchange(side, size, random);
    else shuffle(side, random);
    const drawn = jsdOf(all, side, experts);
    chance += drawn;
    if (drawn >= seen - 1e-12) reaching++;
  }
  const p = reaching / (PERMUTATIONS + 1);
  return { ...base, chanceBits: chance / PERMUTATIONS, p, reason: null };
}

/** Adjusts the p of all layers together. */
export function holm(all: readonly Omit<Divergence, 'pHolm'>[]): Divergence[] {
  const order = all.flatMap(({ p }, i) => (p === null ? [] : [{ p, i }]));
  order.sort((x, y) => x.p - y.p);
  const adjusted = new Map<number, number>();
  let least = 0;
  for (const [rank, { p, i }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (order.length - rank)));
    adjusted.set(i, least);
  }
  return all.map((each, i) => ({ ...each, pHolm: adjusted.get(i) ?? null }));
}

/** Where the requests of both are the same: which of `b` is which of `a`. */
function pairsOf(a: readonly string[], b: readonly string[]): number[] | null {
  if (a.length !== b.length || a.length === 0) return null;
  const places = new Map(b.map((name, i) => [name, i]));
  const pairs = a.map((name) => places.get(name));
  return pairs.every((place) => place !== undefined) && places.size === b.length ? pairs : null;
}

interface PairedCounts {
  readonly a: NamedCounts;
  readonly b: NamedCounts;
  readonly pairs: readonly number[];
  readonly experts: number;
}

/** Rows of `a`, then those of `b` in the order of `a`. */
function inPairs({ a, b, pairs, experts }: PairedCounts): Float64Array {
  const all = new Float64Array(2 * pairs.length * experts);
  all.set(a.data);
  for (const [i, place] of pairs.entries()) {
    const row = b.data.subarray(place * experts, (place + 1) * experts);
    all.set(row, (pairs.length + i) * experts);
  }
  return all;
}

function oneAfterOther(a: NamedCounts, b: NamedCounts): Float64Array {
  const all = new Float64Array(a.data.length + b.data.length);
  all.set(a.data);
  all.set(b.data, a.data.length);
  return all;
}

function jsdOf(all: Float64Array, side: Uint8Array, experts: number): number {
  const sums = [new Float64Array(experts), new Float64Array(experts)] as const;
  for (let unit = 0; unit < side.length; unit++) {
    const into = sums[side[unit] as 0 | 1];
    const from = unit * experts;
    for (let e = 0; e < experts; e++) into[e]! += all[from + e] as number;
  }
  return jsdBits(sums[0], sums[1]);
}

function exchange(side: Uint8Array, size: number, random: RandomU32): void {
  for (let i = 0; i < size; i++) {
    const one = below(random, 2);
    side[i] = one;
    side[size + i] = 1 - one;
  }
}

function shuffle(side: Uint8Array, random: RandomU32): void {
  for (let i = side.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    const held = side[i] as number;
    side[i] = side[j] as number;
    side[j] = held;
  }
}
