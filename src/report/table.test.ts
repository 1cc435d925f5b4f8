import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textTable } from './table.ts';

test('columns are as wide as their widest cell, numbers to the right', () => {
  const table = textTable(
    [{ title: 'Scheme' }, { title: 'MiB', align: 'right' }],
    [
      ['f32', '10.01'],
      ['int8-g128', '2.7'],
    ],
  );
  expect(table.split('\n')).toEqual([
    'Scheme       MiB',
    '─────────  ─────',
    'f32        10.01',
    'int8-g128    2.7',
  ]);
});

test('every cell stands in its column, in all rows; no line ends in spaces', () => {
  const cell = fc.string({ unit: fc.constantFrom(...'ab12.×†—é✅'), maxLength: 9 });
  const rows = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 6 });
  fc.assert(
    fc.property(rows, (all) => {
      const titles = ['One', 'Two', 'Three'];
      const columns = titles.map(
        (title, i) => ({ title, align: i === 1 ? 'right' : 'left' }) as const,
      );
      const lines = textTable(columns, all).split('\n');
      const widths = lines[1]!.split('  ').map((rule) => rule.length);
      expect(lines).toHaveLength(all.length + 2);
      for (const [i, row] of [titles, ...all].entries()) {
        const line = lines[i === 0 ? 0 : i + 1]!;
        expect(line).toBe(line.trimEnd());
        let at = 0;
        for (const [c, width] of widths.entries()) {
          expect([...row[c]!].length).toBeLessThanOrEqual(width);
          expect(
            [...line]
              .slice(at, at + width)
              .join('')
              .trim(),
          ).toBe(row[c]!.trim());
          at += width + 2;
        }
      }
    }),
  );
});

test('a row may be shorter than the header, a table may have no rows', () => {
  expect(textTable([{ title: 'A' }, { title: 'B' }], [['x']]).split('\n')[2]).toBe('x');
  expect(textTable([{ title: 'A' }], []).split('\n')).toEqual(['A', '─']);
});
