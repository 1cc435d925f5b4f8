import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mean, quantile, sum } from './describe.ts';

const finite = fc.double({ min: -1e9, max: 1e9, noNaN: true });

/** Doubles are whole multiples of a power of two: added as integers, nothing is lost. */
function exactSum(values: readonly number[]): number {
  const scale = 2n ** 1074n;
  const whole = values.reduce((total, x) => total + toMultiples(x), 0n);
  // 2^1074 does not fit into a double: the quotient with 60 more bits does.
  return Number((whole << 60n) / scale) / 2 ** 60;
}

function toMultiples(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & (2n ** 52n - 1n);
  const size = exponent === 0n ? fraction : (fraction | (2n ** 52n)) << (exponent - 1n);
  return bits >> 63n ? -size : size;
}

test('a sum is off by at most 2 ulp of the sum of sizes, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(finite, { maxLength: 200 }), (values) => {
      const sizes = values.reduce((total, x) => total + Math.abs(x), 0);
      const off = Math.abs(sum(values) - exactSum(values));
      expect(off).toBeLessThanOrEqual(2 * Number.EPSILON * sizes + 2 ** -59);
    }),
  );
});

test('what plain addition loses is kept', () => {
  expect(sum([1, 1e100, 1, -1e100])).toBe(2);
  expect(sum(new Array<number>(10).fill(0.1))).toBe(1);
  expect(sum([])).toBe(0);
});

test('the mean of nothing is no number', () => {
  expect(mean([])).toBeNaN();
  expect(mean([1, 2, 4])).toBe(7 / 3);
});

test('quantiles lie among the values, rise with q, and end at both ends', () => {
  const shares = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1 }), shares, shares, (values, p, q) => {
      const sorted = values.toSorted((a, b) => a - b);
      const [low, high] = [quantile(sorted, Math.min(p, q)), quantile(sorted, Math.max(p, q))];
      expect(low).toBeLessThanOrEqual(high);
      // −0 and 0 are one value in another order.
      expect(quantile(sorted, 0) + 0).toBe(sorted[0]! + 0);
      expect(quantile(sorted, 1) + 0).toBe(sorted.at(-1)! + 0);
    }),
  );
  expect(quantile([], 0.5)).toBeNaN();
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
});
