import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNumerals } from './find-numerals.ts';
import { type NumberFormat, renderNumber } from './numerals.ts';

const texts = (text: string): string[] => findNumerals(text).map((numeral) => numeral.text);

describe('renderNumber', () => {
  it.each<[number, NumberFormat, string]>([
    [31.456, { style: 'fixed', digits: 2 }, '31.46'],
    [-0.04, { style: 'fixed', digits: 1 }, '0.0'],
    [-2.5, { style: 'fixed', digits: 0 }, '-3'],
    [2.5, { style: 'fixed', digits: 0 }, '3'],
    [1e21, { style: 'fixed', digits: 2 }, '1e21'],
    [1234.5, { style: 'significant', digits: 3 }, '1230'],
    [1.5, { style: 'significant', digits: 3 }, '1.50'],
    [9.999e14, { style: 'significant', digits: 2 }, '1.0e15'],
    [0.00001234, { style: 'significant', digits: 2 }, '0.000012'],
    [1.5e-8, { style: 'significant', digits: 2 }, '1.5e-8'],
    [123456, { style: 'scientific', digits: 3 }, '1.23e5'],
    [0.9531, { style: 'percent', digits: 1 }, '95.3'],
    [2 ** 30 * 1.5, { style: 'bytes-gib', digits: 2 }, '1.50'],
    [2 ** 20 * 10, { style: 'bytes-mib', digits: 0 }, '10'],
    [1.5e9, { style: 'bytes-gb', digits: 1 }, '1.5'],
    [1.5e6, { style: 'bytes-mb', digits: 1 }, '1.5'],
    [1234567, { style: 'integer' }, '1,234,567'],
    [-123, { style: 'integer' }, '-123'],
    [-0.4, { style: 'integer' }, '0'],
    [0.1 + 0.2, { style: 'plain' }, '0.30000000000000004'],
    [-0, { style: 'plain' }, '0'],
  ])('%d as %j is %s', (value, format, expected) => {
    expect(renderNumber(value, format)).toBe(expected);
  });

  it('refuses what is no number', () => {
    expect(() => renderNumber(Number.NaN, { style: 'integer' })).toThrow(RangeError);
  });
});

describe('findNumerals', () => {
  it.each<[string, string[]]>([
    ['1,234 of 1,234,567.8 and 1234', ['1,234', '1,234,567.8', '1234']],
    ['lr 1.5e-5, 2E+3, −3.2, -4, +5', ['1.5e-5', '2E+3', '−3.2', '-4', '+5']],
    [
      '95 %, 95%, 1.8×, ±0.3, ~5, <0.5, $7, n=42',
      ['95', '95', '1.8', '0.3', '5', '0.5', '7', '42'],
    ],
    ['| 3 | -3.5 | **4** | _5_ | `6` |', ['3', '-3.5', '4', '5', '6']],
    ['[0.12,-0.34] (1, 2) 1,2,3 [1e-5,2e-5]', '0.12 -0.34 1 2 1 2 3 1e-5 2e-5'.split(' ')],
    ['10-20, 1–5, 32/48, 3:1, 2×3', '10 20 1 5 32 48 3 1 2 3'.split(' ')],
    ['It was 5. Then .5, then 6!', ['5', '.5', '6']],
    ['int8-g128 f32 W4A8 p95 3ms 8h 1_000 x-1', []],
    ['2026-11-20 2026/11/20 20/11/2026 2026-11-20T05:34:00Z 05:34 05:34:00.5', []],
    ['v1 1.30.0 127.0.0.1 #12 @3 http://127.0.0.1:8080/5 see https://h/9.', []],
    ['ba7816bf8f01cfea 20261120T053400Z-ab12cd runs/e/c/1', []],
    ['1. one\n  2) two\n## 3. three\n> 4. four\n5.5 five', ['5.5']],
    ['', []],
  ])('%j', (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it('says where: lines and columns from 1, in UTF-16 code units', () => {
    expect(findNumerals('a 𝑥 7\r\n| −1 |')).toEqual([
      { line: 1, column: 6, text: '7' },
      { line: 2, column: 3, text: '−1' },
    ]);
  });

  it('gives what stands at the place that it gives, in any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.stringMatching(/^[0-9.,eE+\-−:/ _~#@a-c\n|*`]{0,12}$/),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join(' ');
        const lines = text.split('\n');
        let last = [0, 0];
        for (const { line, column, text: found } of findNumerals(text)) {
          expect(lines[line - 1]?.slice(column - 1, column - 1 + found.length)).toBe(found);
          expect(found).toMatch(/\d/);
          expect(line > last[0]! || column > last[1]!).toBe(true);
          last = [line, column];
        }
      }),
      { numRuns: 500 },
    );
  });

  const format: fc.Arbitrary<NumberFormat> = fc.oneof(
    fc.record({
      style: fc.constantFrom('significant' as const, 'scientific' as const),
      digits: fc.integer({ min: 1, max: 15 }),
    }),
    fc.record({
      style: fc.constantFrom('fixed' as const, 'percent' as const, 'bytes-gib' as const),
      digits: fc.integer({ min: 0, max: 8 }),
    }),
    fc.constantFrom({ style: 'integer' as const }, { style: 'plain' as const }),
  );
  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });

  it('finds every rendered number, whole and alone, between what documents put around it', () => {
    const before = fc.constantFrom('', 'x ', '| ', '**', '(', '`', 'n = ', '[', '≈ ', '> 3 ms, ');
    const after = fc.constantFrom('', '.', ',', ' ms', ' %', '%', '×', ' |', '**', ')', '`', ':');
    fc.assert(
      fc.property(value, format, before, after, (x, how, left, right) => {
        const numeral = renderNumber(x, how);
        expect(texts(`see ${left}${numeral}${right}`).at(-1)).toBe(numeral);
      }),
      { numRuns: 1000 },
    );
  });

  it('renders within half a unit of the last digit', () => {
    const small = fc.double({ noNaN: true, min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(small, fc.integer({ min: 0, max: 6 }), (x, digits) => {
        const shown = Number(renderNumber(x, { style: 'fixed', digits }));
        expect(Math.abs(shown - x)).toBeLessThanOrEqual(0.5 * 10 ** -digits * (1 + 1e-9) + 1e-7);
        const grouped = renderNumber(x, { style: 'integer' }).replaceAll(',', '');
        expect(Math.abs(Number(grouped) - x)).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});

it('finds in a line of ASCII what it finds in one with other characters', () => {
  const part = fc.constantFrom(
    '1',
    '23',
    '.',
    ',',
    '-',
    '+',
    '/',
    ':',
    ' ',
    'e',
    'x',
    '_',
    '#',
    '|',
    '(',
    '%',
    '://',
    '12:30',
    '2026-11-29',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const line = parts.join('');
      expect(findNumerals(`${line}|é`)).toEqual(findNumerals(line));
    }),
  );
});
