import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeIn, renderDiscrepancy } from './discrepancy.ts';

test('line, column and text of any offset', () => {
  const texts = fc.array(
    fc.string({ maxLength: 20 }).map((s) => s.replaceAll('\n', '_')),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(texts, fc.nat(), (lines, pick) => {
      const content = lines.join('\n');
      const start = pick % (content.length + 1);
      const place = placeIn('f', content, { start, end: start + 1 });
      expect(lines[place.line - 1]).toBe(place.text);
      expect(lines.slice(0, place.line - 1).join('\n').length + Number(place.line > 1)).toBe(
        start - place.column + 1,
      );
    }),
  );
});

describe('as a reader sees it', () => {
  const changed = (text: string, column: number, width: number) =>
    renderDiscrepancy({
      code: 'number-differs',
      message: 'perplexity.value of run a/b/c',
      place: { file: 'LOG.md', line: 3, column, text, width },
      expected: '8.85',
      found: '8.58',
    });

  test('place, line, a caret under the number, both numbers', () => {
    expect(changed('| f32 | 8.58 |', 9, 4).split('\n')).toEqual([
      'LOG.md:3:9',
      'perplexity.value of run a/b/c',
      '    | f32 | 8.58 |',
      '            ^^^^',
      '    expected 8.85, found 8.58',
    ]);
  });

  test('of a long line only what is around the number, with the caret still under it', () => {
    const text = `${'a'.repeat(200)}8.58${'b'.repeat(200)}`;
    const [, , line, caret] = changed(text, 201, 4).split('\n');
    expect(line).toBe(`    …${'a'.repeat(40)}8.58${'b'.repeat(40)}…`);
    expect(line!.slice(caret!.indexOf('^'), caret!.lastIndexOf('^') + 1)).toBe('8.58');
  });

  test('without a place the message alone', () => {
    expect(renderDiscrepancy({ code: 'file-missing', message: 'gone' })).toBe('gone');
    expect(renderDiscrepancy({ code: 'x', message: 'm', expected: '1' })).toBe(
      'm\n    expected 1, found —',
    );
  });
});
