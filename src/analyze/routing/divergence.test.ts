import { describe, expect, it } from 'vitest';
import { type Divergence, divergence, holm, jsdBits, type NamedCounts } from './divergence.ts';

let state = 99;
const random = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** Units of `tokens` choices among `experts`, each unit with its own liking. */
function made(units: number, of: { experts: number; shift: number; names: string }): NamedCounts {
  const data = new Float64Array(units * of.experts);
  for (let u = 0; u < units; u++) {
    for (let t = 0; t < 60; t++) {
      const liked =
        ((u % 3) + of.shift + Math.floor(random() * random() * of.experts)) % of.experts;
      data[u * of.experts + liked]!++;
    }
  }
  return { names: Array.from({ length: units }, (_, u) => `${of.names}${u}`), data };
}

describe('Jensen-Shannon divergence', () => {
  it('is 0 for the same shares, 1 bit for nothing in common', () => {
    expect(jsdBits([1, 2, 3], [2, 4, 6])).toBeCloseTo(0, 12);
    expect(jsdBits([5, 0], [0, 7])).toBe(1);
    // H(3/8, 3/8, 1/4) − (H(1/2, 1/2) + H(1/4, 1/4, 1/2)) / 2 = 1.5612781 − (1 + 1.5) / 2
    expect(jsdBits([2, 2, 0], [1, 1, 2])).toBeCloseTo(0.31127812445913283, 12);
  });
});

describe('the permutation test', () => {
  it('finds a shift, paired and unpaired; not one where there is none', () => {
    const of = { experts: 16, seed: 3 };
    const a = made(20, { experts: 16, shift: 0, names: 'r' });
    const b = made(20, { experts: 16, shift: 4, names: 'r' });
    const c = made(24, { experts: 16, shift: 0, names: 'q' });
    const shifted = divergence(a, b, of);
    expect(shifted).toMatchObject({ paired: true, units: [20, 20] });
    expect(shifted.p).toBeLessThan(0.01);
    expect(shifted.jsdBits).toBeGreaterThan(shifted.chanceBits);
    expect(divergence(a, c, of).paired).toBe(false);
  });

  it('is right about as often as it says where there is no difference', () => {
    let small = 0;
    for (let i = 0; i < 100; i++) {
      const a = made(12, { experts: 8, shift: 0, names: 'r' });
      const b = made(12, { experts: 8, shift: 0, names: 'r' });
      if ((divergence(a, b, { experts: 8, seed: i }).p as number) <= 0.1) small++;
    }
    // Binomial(100, 0.1) exceeds 19 once in 500 times.
    expect(small).toBeLessThanOrEqual(19);
  });

  it('needs ten units of each', () => {
    const a = made(9, { experts: 8, shift: 0, names: 'r' });
    expect(divergence(a, a, { experts: 8, seed: 1 })).toMatchObject({ p: null });
  });

  it('is adjusted for all layers by Holm’s steps', () => {
    const each = (p: number | null) => ({ p }) as Omit<Divergence, 'pHolm'>;
    const adjusted = holm([0.04, 0.01, null, 0.03].map(each)).map(({ pHolm }) => pHolm);
    expect(adjusted).toEqual([0.06, 0.03, null, 0.06]);
  });
});
