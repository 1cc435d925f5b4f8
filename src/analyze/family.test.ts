import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Comparison, Verdict } from './comparison.ts';
import { holm, judgeFamily, NOT_AFTER_HOLM } from './family.ts';

const probability = fc.double({ min: 0, max: 1, noNaN: true });
const family = fc.array(fc.option(probability), { maxLength: 12 });

describe('Holm', () => {
  test('keeps the order, never lowers a p, never exceeds Bonferroni or 1', () => {
    fc.assert(
      fc.property(family, (ps) => {
        const adjusted = holm(ps);
        const tests = ps.filter((p) => p !== null).length;
        for (const [i, p] of ps.entries()) {
          if (p === null) expect(adjusted[i]).toBeNull();
          else {
            expect(adjusted[i]).toBeGreaterThanOrEqual(p);
            expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, tests * p));
            for (const [j, q] of ps.entries()) {
              if (q !== null && p < q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
            }
          }
        }
      }),
    );
  });

  test('of one test is that test; what has none does not count', () => {
    expect(holm([null, 0.03, null])).toEqual([null, 0.03, null]);
    expect(holm([])).toEqual([]);
  });
});

describe('a family', () => {
  const compared = (p: number | null, verdict: Verdict): Comparison => {
    const counted = { n: 9, units: 20, unitOf: 'rounds', test: p === null ? null : 't' };
    return { value: 1.2, ci95: [1.1, 1.3], unit: 'ratio', ...counted, p, pHolm: null, verdict };
  };

  test('better and worse need the corrected test too; equivalent and refused stay', () => {
    const judged = judgeFamily([
      compared(0.001, 'worse'),
      compared(0.03, 'better'),
      compared(0.04, 'equivalent'),
      compared(null, 'refused'),
    ]);
    expect(judged.map(({ verdict }) => verdict)).toEqual([
      'worse',
      'inconclusive',
      'equivalent',
      'refused',
    ]);
    expect(judged.map(({ pHolm }) => pHolm)).toEqual([0.003, 0.06, 0.06, null]);
    expect(judged[1]!.reason).toBe(NOT_AFTER_HOLM);
  });

  test('the same family judged twice is judged the same', () => {
    const once = judgeFamily([compared(0.001, 'worse'), compared(0.03, 'better')]);
    expect(judgeFamily(once)).toEqual(once);
  });
});
