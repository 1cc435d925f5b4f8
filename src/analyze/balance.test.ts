import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { balanceScores, bestBalance, type FieldEntry, minmax } from './balance.ts';

const entry = (id: string, throughput: number, p95Ms: number): FieldEntry => {
  return { id, throughput, p95Ms };
};

const finite = fc.double({ min: 0.001, max: 1e9, noNaN: true });
const fields = fc.array(fc.record({ throughput: finite, p95Ms: finite }), { minLength: 2 });
const named = (all: readonly Omit<FieldEntry, 'id'>[]): FieldEntry[] =>
  all.map((each, i) => ({ id: String(i), ...each }));

describe('scores', () => {
  test('by hand: the fastest that does most has 1, the slowest that does least 0', () => {
    const field = [entry('a', 10, 100), entry('b', 30, 50), entry('c', 20, 75)];
    expect(balanceScores(field)).toEqual([0, 1, 0.5]);
    expect(bestBalance(field)).toEqual({ scores: [0, 1, 0.5], winner: 1, flips: [] });
  });

  test('equal values tell nobody apart', () => {
    expect(minmax([3, 3])).toEqual([0.5, 0.5]);
    expect(balanceScores([entry('a', 5, 10), entry('b', 5, 20)])).toEqual([0.75, 0.25]);
    const same = [entry('a', 5, 10), entry('b', 5, 10)];
    expect(bestBalance(same)).toEqual({ scores: [0.5, 0.5], winner: 0, flips: [] });
  });

  test('stay in 0 … 1, whatever the units', () => {
    fc.assert(
      // A power of two scales without rounding: values that differ by their last bit still do.
      fc.property(fields, fc.integer({ min: -7, max: 7 }), (all, power) => {
        const scores = balanceScores(named(all));
        for (const score of scores) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        const scaled = all.map((each) => ({ ...each, p95Ms: each.p95Ms * 2 ** power }));
        for (const [i, score] of balanceScores(named(scaled)).entries()) {
          expect(score).toBeCloseTo(scores[i] as number, 6);
        }
      }),
    );
  });

  test('NaN and infinity are in no field', () => {
    expect(() => balanceScores([entry('a', Number.NaN, 1), entry('b', 1, 1)])).toThrow(RangeError);
    expect(() => balanceScores([entry('a', 1, Infinity), entry('b', 1, 1)])).toThrow('a has no');
  });
});

describe('the winner', () => {
  test('needs somebody to win against', () => {
    expect(bestBalance([])).toBeNull();
    expect(bestBalance([entry('a', 1, 1)])).toBeNull();
  });

  test('hangs on the field: without the slow one another wins, and that is said', () => {
    // The slow one stretches the scale of P95, so that what b loses there hardly counts.
    const field = [entry('a', 100, 50), entry('b', 120, 80), entry('slow', 40, 1_000)];
    const found = bestBalance(field);
    expect(field[found?.winner ?? -1]?.id).toBe('b');
    expect(found?.flips).toEqual([{ without: 'slow', winner: 'a' }]);
  });

  test('flips are those that leaving one out really gives', () => {
    fc.assert(
      fc.property(fields, (all) => {
        const field = named(all);
        const found = bestBalance(field);
        const best = field[found?.winner ?? -1] as FieldEntry;
        for (const left of field) {
          const rest = field.filter((each) => each !== left);
          const then = bestBalance(rest);
          const flip = found?.flips.find(({ without }) => without === left.id);
          if (left === best || then === null) expect(flip).toBeUndefined();
          else expect(flip?.winner ?? best.id).toBe(rest[then.winner]?.id);
        }
      }),
    );
  });
});
