import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mcnemar, tango } from './paired-proportions.ts';

const counts = fc
  .integer({ min: 1, max: 500 })
  .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n })))
  .chain(([n, differing]) =>
    fc.integer({ min: 0, max: differing }).map((gained) => {
      return { n, gained, lost: differing - gained };
    }),
  );
const swapped = ({ n, gained, lost }: { n: number; gained: number; lost: number }) => {
  return { n, gained: lost, lost: gained };
};

describe('Tango’s interval', () => {
  test('holds the difference, stays inside [−1, 1], has a width, mirrors', () => {
    fc.assert(
      fc.property(counts, (all) => {
        const [low, high] = tango(all);
        const value = (all.gained - all.lost) / all.n;
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(high - low).toBeGreaterThan(0);
        const [mirrored] = tango(swapped(all));
        expect(mirrored).toBeCloseTo(-high, 9);
      }),
    );
  });

  test('where no item differs: ± z² / (n + z²)', () => {
    const z2 = 1.959963984540054 ** 2;
    for (const n of [1, 10, 1_000]) {
      expect(tango({ n, gained: 0, lost: 0 })[1]).toBeCloseTo(z2 / (n + z2), 12);
    }
  });
});

describe('McNemar', () => {
  test('asks only for the items that differ, and not which of the two they favour', () => {
    fc.assert(
      fc.property(counts, (all) => {
        const found = mcnemar(all);
        expect(mcnemar(swapped(all))).toEqual(found);
        expect(found.midP).toBeLessThanOrEqual(found.exact);
        expect(found.midP).toBeGreaterThan(0);
        expect(found.exact).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('five of five are not enough for the exact test, six are', () => {
    expect(mcnemar({ gained: 5, lost: 0 }).exact).toBeCloseTo(0.0625, 12);
    expect(mcnemar({ gained: 0, lost: 6 }).exact).toBeCloseTo(0.03125, 12);
    expect(mcnemar({ gained: 0, lost: 0 })).toEqual({ exact: 1, midP: 1 });
  });
});
