import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { permuteGroups, signFlip } from './permutation.ts';

const draws = { permutations: 499, seed: 1 };
/** Halves add up without rounding, so that ties are ties. */
const halves = fc.integer({ min: -8, max: 8 }).map((x) => x / 2);

/** All 2^n signs, one after another. */
function plainSigns(differences: readonly number[]): number {
  const seen = Math.abs(differences.reduce((a, b) => a + b, 0));
  let reaching = 0;
  for (let signs = 0; signs < 2 ** differences.length; signs++) {
    const total = differences.reduce((a, d, i) => a + ((signs >> i) & 1 ? d : -d), 0);
    if (Math.abs(total) >= seen) reaching++;
  }
  return reaching / 2 ** differences.length;
}

describe('signs', () => {
  test('two halves counted together are all signs counted one by one', () => {
    fc.assert(
      fc.property(fc.array(halves, { maxLength: 10 }), (differences) => {
        expect(signFlip(differences, draws)).toEqual({ p: plainSigns(differences), exact: true });
      }),
    );
  });

  test('turned around, all at once or in another order, they give the same p', () => {
    const differences = [0.3, -0.1, 0.7, 0.2, -0.4, 0.9, 0.1];
    const { p } = signFlip(differences, draws);
    expect(
      signFlip(
        differences.map((d) => -d),
        draws,
      ).p,
    ).toBe(p);
    expect(signFlip(differences.toReversed(), draws).p).toBe(p);
  });

  test('no difference, and a difference that all share', () => {
    expect(signFlip([0, 0, 0], draws).p).toBe(1);
    expect(signFlip([], draws).p).toBe(1);
    expect(signFlip([2, 2, 2, 2, 2, 2], draws).p).toBe(2 / 64);
    expect(signFlip(new Array<number>(30).fill(1), draws)).toEqual({ p: 2 ** -29, exact: true });
  });

  test('drawn ones are close to counted ones, and never 0', () => {
    const thirty = Array.from({ length: 30 }, (_, i) => Math.sin(i) + 0.25);
    const counted = signFlip(thirty, draws);
    // A difference of nothing changes no sum, but there are too many signs to count.
    const drawn = signFlip([...thirty, 0], { ...draws, permutations: 9_999 });
    expect([counted.exact, drawn.exact]).toEqual([true, false]);
    // Four standard errors of 9,999 draws.
    const error = Math.sqrt((counted.p * (1 - counted.p)) / 9_999);
    expect(Math.abs(drawn.p - counted.p)).toBeLessThan(4 * error);
    const far = new Array<number>(40).fill(1);
    expect(signFlip(far, draws)).toEqual({ p: 1 / 500, exact: false });
  });
});

describe('groups', () => {
  test('exchange of the names changes nothing; p is a share of all splits', () => {
    const some = fc.array(halves, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(some, some, (a, b) => {
        const { p, exact } = permuteGroups(a, b, draws);
        expect(exact).toBe(true);
        expect(permuteGroups(b, a, draws).p).toBeCloseTo(p, 12);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('apart as far as can be: the two ways of the most extreme split', () => {
    expect(permuteGroups([1, 2, 3], [7, 8, 9], draws)).toEqual({ p: 2 / 20, exact: true });
    expect(permuteGroups([5, 5], [5, 5, 5], draws).p).toBe(1);
    const low = Array.from({ length: 20 }, (_, i) => i);
    const high = low.map((x) => x + 100);
    expect(permuteGroups(low, high, draws)).toEqual({ p: 1 / 500, exact: false });
  });
});
