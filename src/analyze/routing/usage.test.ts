import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquareTail } from './chi-square.ts';
import { uniformTest, usageOf } from './usage.ts';
import { usageIntervals } from './usage-intervals.ts';

describe('measures of a histogram', () => {
  it('uniform: log2 E bits, ln E nats, ratio 1', () => {
    const use = usageOf(new Array(60).fill(7), 105);
    expect(use.entropyBits).toBeCloseTo(Math.log2(60), 12);
    expect(use.entropyNats).toBeCloseTo(Math.log(60), 12);
    expect(use).toMatchObject({ unused: 0, maxOverMean: 1, cv: 0 });
    expect(use.entropyNormalized).toBeCloseTo(1, 12);
  });

  it('one expert: 0 bits; nothing at all: null', () => {
    expect(usageOf([0, 5, 0], 5)).toMatchObject({
      ...{ entropyBits: 0, entropyNormalized: 0, unused: 2, maxOverMean: 3 },
      top: [{ expert: 1, count: 5, share: 1 }],
    });
    expect(usageOf([0, 0], 0)).toMatchObject({ entropyBits: null, maxOverMean: null, top: [] });
  });

  it('is −Σ p log p whatever the counts, and bits are nats / ln 2', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 2, maxLength: 80 }), (counts) => {
        const total = counts.reduce((a, b) => a + b, 0);
        fc.pre(total > 0);
        const use = usageOf(counts, total);
        const plain = counts.filter((n) => n > 0).map((n) => -(n / total) * Math.log2(n / total));
        expect(use.entropyBits).toBeCloseTo(
          plain.reduce((a, b) => a + b, 0),
          9,
        );
        expect(use.entropyBits).toBeCloseTo((use.entropyNats as number) / Math.LN2, 12);
      }),
    );
  });

  it('ties in the top go to the lower number', () => {
    expect(usageOf([3, 9, 3, 3], 18, 3).top.map(({ expert }) => expert)).toEqual([1, 0, 2]);
  });
});

describe('χ²', () => {
  // Q(a + 1, z) = Q(a, z) + z^a e^−z / Γ(a + 1) from erfc(√z) or e^−z on, in Python's math.
  it.each([
    [3.84, 1, 0.05004352124870509],
    [59, 59, 0.47551199729533217],
    [100, 59, 0.0006869731108532187],
    [503.5, 59, 8.559700990721576e-72],
    [130, 128, 0.43408510381869847],
    [1.5, 127, 1],
  ])('tail beyond %d at %d degrees of freedom', (x, df, p) => {
    expect(chiSquareTail(x, df) / p).toBeCloseTo(1, 9);
  });

  it('counts of k distinct experts vary less than independent draws: corrected for', () => {
    // 12 of 16 experts a route: the uncorrected statistic would call anything uniform.
    const test = uniformTest([110, 90, 100, 100, 110, 90, 100, 100], 6);
    expect(test?.chiSquare).toBeCloseTo(4, 12);
    expect(test?.p).toBeCloseTo(chiSquareTail(14, 7), 12);
  });
});

describe('intervals', () => {
  const units = (n: number) => Array.from({ length: n }, (_, i) => i);
  it('need ten units', () => {
    const data = new Uint32Array(9 * 4).fill(3);
    expect(
      usageIntervals({ data, stride: 4, experts: 4, units: units(9) }, 1).entropyBits,
    ).toBeNull();
  });

  it('hold the entropy of what was drawn from in about 95 of 100 samples', () => {
    // 20 requests of 30 routes to 8 experts with known shares.
    const shares = [0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02];
    const truth = shares.reduce((h, p) => h - p * Math.log2(p), 0);
    let state = 12345;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let held = 0;
    for (let sample = 0; sample < 200; sample++) {
      const data = new Uint32Array(20 * 8);
      for (let i = 0; i < 600; i++) {
        let left = random();
        let expert = 0;
        while (expert < 7 && left >= shares[expert]!) left -= shares[expert++]!;
        data[(i % 20) * 8 + expert]!++;
      }
      const counts = { data, stride: 8, experts: 8, units: units(20) };
      const [low, high] = usageIntervals(counts, sample).entropyBits as [number, number];
      if (low <= truth && truth <= high) held++;
    }
    // Binomial(200, 0.95) is below 179 once in 400 times.
    expect(held).toBeGreaterThanOrEqual(179);
  });
});

it('names the experts that are used most as sorting all of them does', () => {
  const counts = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(counts, fc.nat(12), (each, top) => {
      const sorted = each
        .map((count, expert) => ({ expert, count }))
        .filter(({ count }) => count > 0)
        .toSorted((a, b) => b.count - a.count || a.expert - b.expert)
        .slice(0, top);
      const { top: found, unused } = usageOf(each, 1, top);
      expect(found.map(({ expert, count }) => ({ expert, count }))).toEqual(sorted);
      expect(unused).toBe(each.filter((count) => count === 0).length);
    }),
  );
});
