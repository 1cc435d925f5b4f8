import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineTemplate, numbersBefore } from './line-template.ts';
import { LogLine } from './log-line.ts';

function lineOf(text: string): LogLine {
  const bytes = Buffer.from(`pad${text}pad`);
  const line = new LogLine();
  line.set(bytes, 3, bytes.length - 3);
  return line;
}

const NUMBER = /\d+(?:\.\d+)?/g;
const text = fc.string({ unit: fc.constantFrom('1', '2', '0', '.', 'a', ' ', 'é', '-') });

describe('a template of a line', () => {
  it('has the numbers that a regular expression finds', () => {
    fc.assert(
      fc.property(text, (content) => {
        const numbers = [...content.matchAll(NUMBER)].map(([number]) => number);
        const template = LineTemplate.of(lineOf(content));
        if (numbers.some((number) => number.replace('.', '').length > 15)) return;
        expect([...(template?.values ?? [])]).toEqual(numbers.map(Number));
        expect(numbersBefore(content, content.length)).toBe(numbers.length);
      }),
    );
  });

  it('matches exactly the lines that are the same but for their numbers', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const template = LineTemplate.of(lineOf(a));
        const same = a.replace(NUMBER, '#') === b.replace(NUMBER, '#');
        const long = [...a.matchAll(NUMBER), ...b.matchAll(NUMBER)].some(([n]) => n.length > 15);
        if (template === null || long) return;
        expect(template.matches(lineOf(b))).toBe(same);
      }),
    );
  });

  it('reads decimals to the last bit', () => {
    const decimal = fc.tuple(fc.nat(999_999), fc.stringMatching(/^\d{1,9}$/));
    fc.assert(
      fc.property(decimal, ([whole, decimals]) => {
        const template = LineTemplate.of(lineOf(`x ${whole}.${decimals} y`));
        expect(template?.values[0]).toBe(Number(`${whole}.${decimals}`));
      }),
    );
  });

  it('is not made of numbers that a double cannot hold', () => {
    expect(LineTemplate.of(lineOf('id 1234567890123456 x'))).toBeNull();
  });
});
