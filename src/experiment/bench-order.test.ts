import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderOfRound, type Slice } from './bench-order.ts';

const matrix = fc
  .record({
    variants: fc.integer({ min: 1, max: 6 }),
    sizes: fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 }),
  })
  .map(({ variants, sizes }) =>
    Array.from({ length: variants }, (_, variant) =>
      sizes.map((batchSize): Slice => ({ variant, batchSize })),
    ).flat(),
  );
const at = fc.record({ round: fc.integer({ min: 0, max: 100 }), seed: fc.integer() });
const text = ({ variant, batchSize }: Slice): string => `${variant}:${batchSize}`;

test('every slice once, in an order that seed and round decide', () => {
  fc.assert(
    fc.property(matrix, at, (slices, of) => {
      const order = orderOfRound(slices, of);
      expect(order.map(text).sort()).toEqual(slices.map(text).sort());
      expect(orderOfRound(slices, of)).toEqual(order);
    }),
  );
});

test('the first round goes through the batch sizes of each variant in ascending order', () => {
  fc.assert(
    fc.property(matrix, fc.integer(), (slices, seed) => {
      const order = orderOfRound(slices, { round: 0, seed });
      for (const variant of new Set(slices.map((slice) => slice.variant))) {
        const sizes = order.filter((slice) => slice.variant === variant).map((s) => s.batchSize);
        expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
      }
    }),
  );
});

test('no variant has a place of its own: over many rounds each is everywhere as often', () => {
  const slices = [0, 1, 2, 3].map((variant): Slice => ({ variant, batchSize: 1 }));
  const rounds = 2_000;
  const counts = slices.map(() => [0, 0, 0, 0]);
  for (let round = 1; round <= rounds; round++) {
    for (const [place, { variant }] of orderOfRound(slices, { round, seed: 42 }).entries()) {
      counts[variant]![place]!++;
    }
  }
  // 500 expected, standard deviation 19: five of them.
  for (const count of counts.flat()) expect(Math.abs(count - rounds / 4)).toBeLessThan(100);
});
