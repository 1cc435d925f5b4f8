/** Two systems on the same items, each right or wrong: only the items on which they differ tell. */
import { type Interval, Z95 } from './intervals.ts';

export interface PairedCounts {
  readonly n: number;
  /** Items that only the variant has right, and that only the baseline has. */
  readonly gained: number;
  readonly lost: number;
}

export interface McNemar {
  /** Conditional exact test: two-sided binomial of `gained` among those that differ, p = 1/2. */
  readonly exact: number;
  /** The same, counting half of the probability of what was seen (Fagerland et al. 2013). */
  readonly midP: number;
}

/**
 * McNemar's test. The exact p never rejects more often than it says, and where few items differ it
 * rejects far more rarely; the mid-p is close to what it says, and may exceed it a little.
 * No item that differs: p = 1. Relative error below 1e-11 up to 10⁵ of them.
 */
export function mcnemar({ gained, lost }: Omit<PairedCounts, 'n'>): McNemar {
  const differing = gained + lost;
  const fewer = Math.min(gained, lost);
  // ln C(differing, fewer) / 2^differing, then downwards by ratios of neighbours.
  let log = -differing * Math.LN2;
  for (let i = 1; i <= fewer; i++) log += Math.log((differing - fewer + i) / i);
  const last = Math.exp(log);
  let term = last;
  let tail = last;
  for (let k = fewer; k > 0; k--) {
    term *= k / (differing - k + 1);
    tail += term;
  }
  return { exact: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - last) };
}

/**
 * Score interval of the difference of two paired proportions (Tango 1998), 95 %: all Δ that the
 * score test does not reject. Unlike a bootstrap it keeps a width where no item differs:
 * ± z² / (n + z²). Bisected to the last bits.
 */
export function tango(counts: PairedCounts): Interval {
  const { n, gained, lost } = counts;
  const centre = (gained - lost) / n;
  const low = lost === n ? -1 : crossing(counts, -1, centre, Z95);
  const high = gained === n ? 1 : crossing(counts, centre, 1, -Z95);
  return [low, high];
}

/** Where the score, which falls with Δ, is `z`. */
function crossing(counts: PairedCounts, from: number, to: number, z: number): number {
  let [low, high] = [from, to];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (score(counts, middle) > z) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** (gained − lost − nΔ) / √(n (2q + Δ(1 − Δ))), q: likeliest share of `lost` under Δ. */
function score({ n, gained, lost }: PairedCounts, delta: number): number {
  const a = 2 * n;
  const b = -gained - lost + (2 * n - gained + lost) * delta;
  const c = -lost * delta * (1 - delta);
  const q = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a);
  return (gained - lost - n * delta) / Math.sqrt(n * (2 * q + delta * (1 - delta)));
}
