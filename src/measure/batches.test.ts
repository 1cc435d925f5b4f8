import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packBatches } from './batches.ts';

const lengths = fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 200 });
const targets = fc.integer({ min: 1, max: 4_096 });

test('every sequence is in exactly one batch', () => {
  fc.assert(
    fc.property(lengths, targets, (all, target) => {
      const packed = packBatches(all, target).flat();
      expect(packed.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
    }),
  );
});

test('a batch with its padding fits the target, unless one sequence alone does not', () => {
  fc.assert(
    fc.property(lengths, targets, (all, target) => {
      for (const batch of packBatches(all, target)) {
        expect(batch.length).toBeGreaterThan(0);
        const widest = Math.max(...batch.map((index) => all[index]!));
        if (batch.length > 1) expect(batch.length * widest).toBeLessThanOrEqual(target);
      }
    }),
  );
});

test('the longest comes first, equal lengths keep their order', () => {
  fc.assert(
    fc.property(lengths, targets, (all, target) => {
      const order = packBatches(all, target).flat();
      const want = all.map((_, i) => i).toSorted((a, b) => all[b]! - all[a]! || a - b);
      expect(order).toEqual(want);
    }),
  );
});

test('equal lengths fill whole batches; nothing makes no batch', () => {
  expect(packBatches([4, 4, 4, 4, 4], 8)).toEqual([[0, 1], [2, 3], [4]]);
  expect(packBatches([9, 3, 3], 8)).toEqual([[0], [1, 2]]);
  expect(packBatches([], 8)).toEqual([]);
});
