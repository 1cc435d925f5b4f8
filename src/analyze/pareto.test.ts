import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Objective, type ParetoPoint, paretoFront } from './pareto.ts';

const OBJECTIVES: Objective[] = [
  { name: 'p95', better: 'lower' },
  { name: 'rate', better: 'higher' },
];
const point = (id: string, p95: number | null, rate: number | null): ParetoPoint => {
  return { id, values: { p95, rate } };
};

test('who is beaten in everything is named with who beats it', () => {
  const found = paretoFront([point('a', 1, 1), point('b', 2, 2), point('c', 3, 1)], OBJECTIVES);
  expect(found.front).toEqual(['a', 'b']);
  expect(found.dominated).toEqual([{ id: 'c', by: 'a' }]);
});

test('equal points do not beat each other', () => {
  expect(paretoFront([point('a', 1, 1), point('b', 1, 1)], OBJECTIVES).front).toEqual(['a', 'b']);
});

test('an unknown figure is neither good nor bad: not placed, and said', () => {
  const found = paretoFront([point('a', 1, 1), point('b', 0, null)], OBJECTIVES);
  expect(found.front).toEqual(['a']);
  expect(found.unplaced).toEqual([{ id: 'b', missing: ['rate'] }]);
  const nan = paretoFront([point('a', 1, 1), point('b', Number.NaN, 2)], OBJECTIVES);
  expect(nan.unplaced).toEqual([{ id: 'b', missing: ['p95'] }]);
});

test('what nobody has is no objective', () => {
  const found = paretoFront([point('a', 1, null), point('b', 2, null)], OBJECTIVES);
  expect(found.objectives.map(({ name }) => name)).toEqual(['p95']);
  expect(found.front).toEqual(['a']);
  expect(paretoFront([], OBJECTIVES).front).toEqual([]);
});

test('nobody on the front is beaten, everybody off it is', () => {
  const value = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value)), (values) => {
      const points = values.map(([p95, rate], i) => point(String(i), p95, rate));
      const { front } = paretoFront(points, OBJECTIVES);
      const beats = ([p, r]: number[], [q, s]: number[]): boolean =>
        (p as number) <= (q as number) && (r as number) >= (s as number) && (p !== q || r !== s);
      for (const [i, own] of values.entries()) {
        expect(front.includes(String(i))).toBe(!values.some((other) => beats(other, own)));
      }
    }),
  );
});
