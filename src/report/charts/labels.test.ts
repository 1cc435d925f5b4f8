import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Point, placeLabels } from './labels.ts';

const SIZE = { width: 460, height: 320 };
const LINE = 12;
const CHARACTER = 6.2;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly middle: number;
}

function boxes(points: readonly Point[]): Box[] {
  return placeLabels(points, SIZE).map(({ x, y }, i) => {
    return { left: x, right: x + points[i]!.text.length * CHARACTER, middle: y };
  });
}

const overlaps = (a: Box, b: Box): boolean =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1e-9 &&
  Math.abs(a.middle - b.middle) < LINE - 1e-9;

const point = (text: string): fc.Arbitrary<Point> =>
  fc.record({
    x: fc.integer({ min: 0, max: SIZE.width }),
    y: fc.integer({ min: 0, max: SIZE.height }),
    text: fc.constant(text),
  });

test('six names as long as real ones never lie on one another, wherever their points are', () => {
  const names = ['f32 b1', 'f32 b8', 'int8-g128 b1', 'int8-g128 b8', 'int4-g128 b1', 'b8'];
  fc.assert(
    fc.property(fc.tuple(...names.map(point)), (points) => {
      const placed = boxes(points);
      for (const [i, a] of placed.entries()) {
        for (const b of placed.slice(i + 1)) expect(overlaps(a, b)).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

test('every label stays inside, where its text fits at all', () => {
  fc.assert(
    fc.property(fc.array(point('int4-g128 b8'), { minLength: 1, maxLength: 6 }), (points) => {
      for (const { left, right, middle } of boxes(points)) {
        expect(left).toBeGreaterThanOrEqual(0);
        expect(right).toBeLessThanOrEqual(SIZE.width + 1e-9);
        expect(middle).toBeGreaterThanOrEqual(0);
        expect(middle).toBeLessThanOrEqual(SIZE.height);
      }
    }),
    { numRuns: 500 },
  );
});

test('a hundred points on one place: every one gets a label, and it ends', () => {
  const points = Array.from({ length: 100 }, () => ({ x: 10, y: 10, text: 'x'.repeat(80) }));
  expect(placeLabels(points, SIZE)).toHaveLength(100);
});
