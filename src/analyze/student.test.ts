import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { studentInterval, studentPoint } from './student.ts';

describe('points of Student’s t', () => {
  test('fall with the degrees of freedom towards those of the normal distribution', () => {
    const points = Array.from({ length: 400 }, (_, i) => studentPoint(0.95, i + 1));
    for (const [i, point] of points.slice(1).entries()) expect(point).toBeLessThan(points[i]!);
    expect(studentPoint(0.95, 1)).toBeCloseTo(12.706_204_736_432_1, 9);
    expect(studentPoint(0.95, 100_000)).toBeCloseTo(1.959_96, 3);
  });

  test('rise with the confidence', () => {
    const share = fc.double({ min: 0.01, max: 0.98, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 300 }), (confidence, df) => {
        expect(studentPoint(confidence + 0.01, df)).toBeGreaterThan(studentPoint(confidence, df));
      }),
    );
  });

  test('exist for whole degrees of freedom from 1 on', () => {
    for (const df of [0, -1, 1.5, Number.NaN]) expect(() => studentPoint(0.95, df)).toThrow('df');
  });
});

test('the interval of a mean holds the mean, moves and grows with the values', () => {
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2 });
  fc.assert(
    fc.property(values, fc.integer({ min: -50, max: 50 }), (all, shift) => {
      const [low, high] = studentInterval(all);
      const centre = all.reduce((a, b) => a + b, 0) / all.length;
      expect(low).toBeLessThanOrEqual(centre + 1e-9);
      expect(high).toBeGreaterThanOrEqual(centre - 1e-9);
      const moved = studentInterval(all.map((x) => 2 * x + shift));
      expect(moved[0]).toBeCloseTo(2 * low + shift, 6);
      expect(moved[1]).toBeCloseTo(2 * high + shift, 6);
    }),
  );
});
