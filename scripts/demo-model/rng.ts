/**
 * Seeded random numbers for the demo data. The stream depends on the seed string alone (no
 * Math.random, no clock), so one seed gives the same bytes on every machine.
 */
export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: string) {
    this.a = hash32(seed, 0x811c9dc5);
    this.b = hash32(seed, 0x9e3779b9);
    this.c = hash32(seed, 0x7f4a7c15);
    // Seeds that differ in one character start close together; a few rounds part them.
    for (let round = 0; round < 16; round++) this.u32();
  }

  /** One step of the sfc32 generator (public domain, Chris Doty-Humphrey). */
  u32(): number {
    const out = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** A whole number in 0..n-1. The product is below 2^53, so the division is exact. */
  int(n: number): number {
    return Math.floor((this.u32() * n) / 4294967296);
  }

  /** A whole number in lo..hi, both included. */
  range(lo: number, hi: number): number {
    return lo + this.int(hi - lo + 1);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 4294967296;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('cannot pick from an empty list');
    return items[this.int(items.length)] as T;
  }

  /** k different items in random order (all of them when k exceeds the length). */
  sample<T>(items: readonly T[], k: number): T[] {
    const pool = [...items];
    const count = Math.min(k, pool.length);
    for (let i = 0; i < count; i++) {
      const j = i + this.int(pool.length - i);
      const kept = pool[i] as T;
      pool[i] = pool[j] as T;
      pool[j] = kept;
    }
    return pool.slice(0, count);
  }

  /** Picks a key with a probability proportional to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const keys = Object.keys(weights) as K[];
    let left = this.int(keys.reduce((sum, key) => sum + weights[key], 0));
    for (const key of keys) {
      left -= weights[key];
      if (left < 0) return key;
    }
    throw new Error('weights must be whole numbers that sum to more than zero');
  }
}

/** FNV-1a over the code units, with a final avalanche so that all bits depend on all input. */
function hash32(text: string, basis: number): number {
  let h = basis | 0;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
