import { describe, expect, it } from 'vitest';
import { basicToRe2, recipesIn } from './recipe.ts';

const recipes = (...lines: string[]) =>
  recipesIn([{ language: 'bash', line: 10, lines }]).map((r) => [r.pattern, r.files]);

describe('grep as data', () => {
  it.each([
    ['grep "Saving" a.log', 'Saving', ['a.log']],
    ['grep -c "Quantizing layer" logs/a.log', 'Quantizing layer', ['logs/a.log']],
    ['grep -E "mean|std" a.log b.log', 'mean|std', ['a.log', 'b.log']],
    ['grep "mean\\|std" a.log', 'mean|std', ['a.log']],
    ['grep "f(x)" a.log', 'f\\(x\\)', ['a.log']],
    ['grep -F "a.b" a.log', 'a\\.b', ['a.log']],
    ['grep -w done a.log', '\\b(?:done)\\b', ['a.log']],
    ['grep -A 3 -e one -e two a.log', 'one|two', ['a.log']],
    ['cat a.log | grep x', 'x', ['a.log']],
    ['  grep "x y" "my file.log" | tail -1', 'x y', ['my file.log']],
    ['grep x a.log; rm -rf /', 'x', ['a.log']],
    ['if grep -q x a.log; then', 'x', ['a.log']],
    ['$ grep x a.log', 'x', ['a.log']],
  ])('%s', (line, pattern, files) => expect(recipes(line)).toEqual([[pattern, files]]));

  it.each(['# grep x a.log', 'echo grep', 'ls | grep x', 'python grep.py'])('%s is none', (line) =>
    expect(recipes(line)).toEqual([]),
  );

  it('loops are unrolled, over words and ranges', () => {
    const loop = (list: string) =>
      recipes(`for i in ${list}; do`, '  grep "up" gpu$i.log | tail -1', 'done', 'grep "$i" a.log');
    const turns = [
      ['up', ['gpu0.log']],
      ['up', ['gpu1.log']],
      ['$i', ['a.log']],
    ];
    expect(loop('0 1')).toEqual(turns);
    expect(loop('{0..1}')).toEqual(turns);
    expect(loop('$(seq 0 1)')).toEqual(turns);
  });

  it('a loop on one line is one', () => {
    const line = 'for i in 0 1; do grep "up" gpu$i.log; done';
    expect(recipes(line, 'grep x a.log')).toEqual([
      ['up', ['gpu0.log']],
      ['up', ['gpu1.log']],
      ['x', ['a.log']],
    ]);
  });

  it('other languages are not shell', () => {
    const block = { language: 'python', line: 1, lines: ['grep x a.log'] };
    expect(recipesIn([block])).toEqual([]);
  });
});

it.each([
  ['a\\+b', 'a+b'],
  ['a+b', 'a\\+b'],
  ['\\(a\\|b\\)\\{2\\}', '(a|b){2}'],
  ['[0-9]*', '[0-9]*'],
])('basic %s is %s', (basic, re2) => expect(basicToRe2(basic)).toBe(re2));
