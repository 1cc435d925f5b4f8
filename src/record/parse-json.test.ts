import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from './parse-json.ts';

test('gives what JSON.parse gives, whatever the strings hold', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
  expect(parseJson(JSON.stringify({ a: '[{"\\'.repeat(300) }))).toBeTypeOf('object');
  expect(parseJson(JSON.stringify(Array(1000).fill([])))).toHaveLength(1000);
});

test.each([191, 5000, 200_000])('refuses a nesting of %d', (depth) => {
  expect(() => parseJson('['.repeat(depth) + ']'.repeat(depth))).toThrow(SyntaxError);
  expect(() => parseJson(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)).toThrow();
});

test('accepts a nesting of 190', () => {
  expect(parseJson('['.repeat(190) + ']'.repeat(190))).toBeInstanceOf(Array);
});

test.each(['1e999', '[-1e+400]', '{"a": 1E309}', `[${'9'.repeat(310)}]`])('refuses %s', (text) => {
  expect(() => parseJson(text)).toThrow('a number that no double holds');
});

test('accepts what only looks like it', () => {
  const text = '{"1e999": "1e999", "n": [1e100, 1e-400, 1e+001]}';
  expect(parseJson(text)).toEqual(JSON.parse(text));
});
