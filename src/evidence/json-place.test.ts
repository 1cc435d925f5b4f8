import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonLeaves, leafAt, leafOf, pathText } from './json-place.ts';

type Path = readonly (string | number)[];

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((at, key) => (at as Record<string | number, unknown>)[key], value);
}

/** Paths of everything that is no container, in the order of JSON.stringify. */
function leafPaths(value: unknown, path: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  return Object.keys(value).flatMap((key) =>
    leafPaths((value as Record<string, unknown>)[key], [
      ...path,
      Array.isArray(value) ? Number(key) : key,
    ]),
  );
}

const anyJson = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)));
const layouts = fc.constantFrom<string | number>(0, 2, '\t', ' \n\r\t'.slice(1, 3));

test('every leaf’s slice parses to the value at its path, and no leaf is left out', () => {
  fc.assert(
    fc.property(anyJson, layouts, (value, layout) => {
      const text = JSON.stringify(value, null, layout);
      const leaves = jsonLeaves(text);
      expect(leaves.map((leaf) => leaf.path)).toEqual(leafPaths(value));
      for (const { path, start, end } of leaves) {
        expect(JSON.parse(text.slice(start, end))).toEqual(valueAt(value, path));
      }
    }),
    { numRuns: 300 },
  );
});

test('an offset finds its leaf, a path finds it too', () => {
  fc.assert(
    fc.property(anyJson, (value) => {
      const leaves = jsonLeaves(JSON.stringify(value, null, 1));
      for (const leaf of leaves) {
        expect(leafAt(leaves, leaf.start)).toBe(leaf);
        expect(leafAt(leaves, leaf.end - 1)).toBe(leaf);
        expect(leafOf(leaves, leaf.path)).toBe(leaf);
      }
    }),
  );
});

describe('by hand', () => {
  const text = '{ "a\\"b" : [1.5e-3 , {"c":null}],\n"d":"x,]}\\\\" }';
  const leaves = jsonLeaves(text);

  test('quotes, brackets inside strings, spaces before colons', () => {
    expect(leaves.map(({ path, start, end }) => [path, text.slice(start, end)])).toEqual([
      [['a"b', 0], '1.5e-3'],
      [['a"b', 1, 'c'], 'null'],
      [['d'], '"x,]}\\\\"'],
    ]);
  });

  test('between leaves there is none', () => {
    expect(leafAt(leaves, 0)).toBeUndefined();
    expect(leafOf(leaves, ['a"b'])).toBeUndefined();
    expect(leafOf(leaves, ['d', 0])).toBeUndefined();
  });

  test('a path as a reader writes it', () => {
    expect(pathText(['metrics', 'perplexity', 'ci95', 0])).toBe('metrics.perplexity.ci95[0]');
    expect(pathText([3, 'logp', 12])).toBe('[3].logp[12]');
  });
});
