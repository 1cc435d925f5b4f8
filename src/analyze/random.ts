/**
 * sfc32 (Chris Doty-Humphrey's small fast counting generator, PractRand), 128 bits of state.
 * Seeded, so that every interval in a summary can be drawn again bit for bit.
 */
export type RandomU32 = () => number;

export function sfc32(seed: number): RandomU32 {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = (): number => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Uniform integer in [0, n), n < 2^32, by Lemire's multiply-shift; bias < n / 2^32. */
export function below(random: RandomU32, n: number): number {
  return Math.floor((random() / 2 ** 32) * n);
}

/** Fills `into` with the next draws of `below(sfc32(seed), n)`: the same bits, in order. */
export type IndexStream = (into: Int32Array, n: number) => void;

/**
 * Many draws at once, for the loops in which a bootstrap spends its time: the state is in local
 * variables, and an index is one multiplication (n / 2^32 only moves the exponent, so that it is
 * exactly `below`). n < 2^31.
 */
export function indexStream(seed: number): IndexStream {
  const state = new Int32Array([0x9e3779b9, 0x243f6a88, seed >>> 0, 1]);
  const fill: IndexStream = (into, n) => {
    const scale = n / 2 ** 32;
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let counter = state[3] as number;
    for (let i = 0; i < into.length; i++) {
      const out = (a + b + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + out) | 0;
      into[i] = (out >>> 0) * scale;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = counter;
  };
  fill(new Int32Array(12), 1);
  return fill;
}
