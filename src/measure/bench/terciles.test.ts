import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseByTercile } from './terciles.ts';

const lengths = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 200 });
const options = fc.record({ count: fc.integer({ min: 1, max: 250 }), seed: fc.integer() });

describe('prompts by thirds of their lengths', () => {
  test('as many as asked for, or all; none twice; the counts add up', () => {
    fc.assert(
      fc.property(lengths, options, (all, of) => {
        const { chosen, counts } = chooseByTercile(all, of);
        expect(chosen).toHaveLength(Math.min(of.count, all.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        for (const index of chosen) expect(all[index]).toBeDefined();
        expect(counts.short + counts.medium + counts.long).toBe(chosen.length);
      }),
    );
  });

  test('the counts are those of the thirds that the borders make', () => {
    fc.assert(
      fc.property(lengths, options, (all, of) => {
        const { chosen, counts, borders } = chooseByTercile(all, of);
        const [low, high] = borders;
        expect(low).toBeLessThanOrEqual(high);
        const found = chosen.map((index) => all[index]!);
        expect(found.filter((length) => length <= low)).toHaveLength(counts.short);
        expect(found.filter((length) => length > high)).toHaveLength(counts.long);
      }),
    );
  });

  test('a third has its share, unless it has fewer', () => {
    fc.assert(
      fc.property(lengths, options, (all, of) => {
        const { counts, borders } = chooseByTercile(all, of);
        const third = Math.floor(of.count / 3);
        const short = all.filter((length) => length <= borders[0]).length;
        expect(counts.short).toBeGreaterThanOrEqual(Math.min(third, short));
        const long = all.filter((length) => length > borders[1]).length;
        expect(counts.long).toBeGreaterThanOrEqual(Math.min(of.count - 2 * third, long));
      }),
    );
  });

  test('the same seed draws the same, another one another order', () => {
    const all = Array.from({ length: 90 }, (_, i) => i + 1);
    const draw = (seed: number) => chooseByTercile(all, { count: 30, seed }).chosen;
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
  });

  test('a remainder goes to the long ones', () => {
    const all = Array.from({ length: 99 }, (_, i) => i + 1);
    const { counts, borders } = chooseByTercile(all, { count: 32, seed: 42 });
    expect(counts).toEqual({ short: 10, medium: 10, long: 12 });
    // Type 7 over 1 … 99: 1 + 0.33 · 98 and 1 + 0.67 · 98.
    expect(borders[0]).toBeCloseTo(33.34, 10);
    expect(borders[1]).toBeCloseTo(66.66, 10);
  });

  test('the order is shuffled: long ones do not come last', () => {
    const all = Array.from({ length: 99 }, (_, i) => i + 1);
    const { chosen } = chooseByTercile(all, { count: 30, seed: 42 });
    expect(chosen).not.toEqual([...chosen].sort((a, b) => a - b));
  });
});
