import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAutomaton, CR, LF } from './needles.ts';

/** The slow way: which dialects have a needle in this line. */
function marksBySearch(line: string, needles: readonly (readonly string[])[]): number {
  return needles.reduce(
    (marks, words, i) => (words.some((word) => line.includes(word)) ? marks | (1 << i) : marks),
    0,
  );
}

function marksOfLines(text: string, needles: readonly (readonly string[])[]): number[] {
  const { classes, next, speaking, lineFeed, marksOf } = buildAutomaton(needles);
  const lines: number[] = [];
  let state = 0;
  let marks = 0;
  for (const byte of Buffer.from(text, 'latin1')) {
    state = next[state + (classes[byte] as number)] as number;
    if (state >= lineFeed) {
      expect([LF, CR]).toContain(byte);
      lines.push(marks);
      marks = 0;
    } else if (state >= speaking) marks |= marksOf[state] as number;
  }
  return [...lines, marks];
}

describe('the automaton of needles', () => {
  it('marks the lines that a search would mark, whatever the needles and the text', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', ' '),
      minLength: 1,
      maxLength: 4,
    });
    const needles = fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'x', '\n', '\r', 'ÿ') });
    fc.assert(
      fc.property(needles, text, (words, content) => {
        const expected = content.split(/[\n\r]/).map((line) => marksBySearch(line, words));
        expect(marksOfLines(content, words)).toEqual(expected);
      }),
    );
  });

  it('finds a needle inside another, and one that begins where another ends', () => {
    expect(marksOfLines('xhers', [['he'], ['hers'], ['she'], ['ers']])).toEqual([0b1011]);
  });

  it('does not find a needle across a line break', () => {
    expect(marksOfLines('ab\ncd', [['abcd'], ['b'], ['c']])).toEqual([0b010, 0b100]);
  });

  it('refuses more dialects than a mark has bits', () => {
    expect(() => buildAutomaton(Array.from({ length: 32 }, () => ['x']))).toThrow(RangeError);
  });
});
