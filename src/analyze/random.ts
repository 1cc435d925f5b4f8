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
