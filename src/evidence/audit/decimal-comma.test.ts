import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditDocument } from './audit.ts';
import { usesDecimalCommas, withDecimalCommas, withDecimalPoints } from './decimal-comma.ts';
import { corrected } from './fix.ts';
import { readDocument } from './read-document.ts';

const THIN = '\u202f';

function audited(text: string, name = 'log.md') {
  const document = readDocument(text, { path: name, absolutePath: `/nowhere/${name}` });
  const audit = auditDocument(document, { documents: [document], logs: null });
  return { document, ...audit };
}

describe('a document with decimal commas', () => {
  it.each([
    ['table cells', ['| 28,42 | 5,58 | 0,196× |'], true],
    ['labels and units', ['Perplexity: 12,3456', '- took 3,5 s', 'of 1.234,5 tokens/s'], true],
    ['the decimals of one point', ['| 28,42 | 5,58 | 0.196× |'], false],
    ['thousands of an English one', ['| 6,211 | 7,747 | 13,672 |'], false],
    ['millions of an English one', ['Time: 3,5 s', 'a: 0,1 s', 'b: 0,2 s', 'n: 1,131,008'], false],
    [
      'versions of programs',
      ['PyTorch: 2.9', 'vLLM 0.15', 'Loss: 0,25', '| 1,5 s | 3,25 % |'],
      true,
    ],
    ['lists', ['batch sizes {1,4,8,16,32}', 'layers 0,5', 'at (0,5) and (1,25)'], false],
    ['two numbers', ['| 28,42 | 5,58 |'], false],
    ['code', ['```', '| 1,5 | 2,5 | 3,5 |', '```', '`a: 1,5 s`'], false],
  ])('%s', (_name, lines, expected) => expect(usesDecimalCommas(lines)).toBe(expected));

  it.each([
    ['28,42 tokens/s', '28.42 tokens/s'],
    ['1.234,56 und 12.345 Token', '1,234.56 und 12,345 Token'],
    [`1${THIN}234,56 et 12${THIN}345`, '1,234.56 et 12,345'],
    ['12 345,6 s in 12 345 rows', '12,345.6 s in 12 345 rows'],
    ['6,211 Sekunden', '6.211 Sekunden'],
    [
      'Llama-3.1-8B, v0.15.1, PyTorch 2.9, 12.05.2024',
      'Llama-3.1-8B, v0.15.1, PyTorch 2.9, 12.05.2024',
    ],
    ['{1,4,8} und `1,5` und https://a.org/1,5', '{1,4,8} und `1,5` und https://a.org/1,5'],
  ])('%s is read as %s', (line, read) => expect(withDecimalPoints([line])).toEqual([read]));

  it('is read character for character, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 })), (lines) => {
        const read = withDecimalPoints(lines);
        expect(read.map((line) => line.length)).toEqual(lines.map((line) => line.length));
        usesDecimalCommas(lines);
      }),
    );
  });

  it('takes time linear in a line of many numbers, or of marks that never close', () => {
    for (const piece of ['1,5 ', '1.234,5|', '1.1', '`', '7 123 ']) {
      const line = piece.repeat(200_000);
      expect(withDecimalPoints([line])[0]).toHaveLength(line.length);
      usesDecimalCommas([line]);
    }
  });

  it('has its numbers back in its own marks', () => {
    expect(withDecimalCommas('1,234.5 of Llama-3.1')).toBe('1.234,5 of Llama-3.1');
    const texts = fc.double({ min: 1000, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(texts, (x) => {
        const text = `${x.toLocaleString('en-US', { minimumFractionDigits: 2 })} s`;
        expect(withDecimalPoints([withDecimalCommas(text)])).toEqual([text]);
      }),
    );
  });
});

const TABLE = [
  '| Model | Precision | Speed (tokens/sec) | Speedup |',
  '|---|---|---|---|',
  '| A | FP16 | 1.028,42 | 1,0× |',
  '| A | INT8 | 205,58 | 0,52× |',
].join('\n');

describe('an audit of one', () => {
  it('finds a false speedup, shows it as written, and mends it with a comma', () => {
    const { document, findings, decimalCommas } = audited(TABLE);
    expect(decimalCommas).toBe(true);
    expect(findings).toMatchObject([
      {
        check: 'speedup',
        severity: 'refuted',
        written: 'Speedup 0,52',
        replacement: '0,20',
        place: { line: 4, column: 23, text: '| A | INT8 | 205,58 | 0,52× |' },
      },
    ]);
    expect(corrected(document, findings)[0]?.text).toContain('| A | INT8 | 205,58 | 0,20× |');
  });

  it('accuses nothing that is right', () => {
    const right = TABLE.replace('0,52', '0,20');
    expect(audited(right).findings).toEqual([]);
    expect(audited(right).held).toBeGreaterThan(0);
  });

  it('reads CSV with semicolons, and never splits the cells of one with commas', () => {
    const rows = 'model;loss;perplexity\nA;1,5000;4,4817\nB;2,0000;7,3891\n';
    expect(audited(rows, 'a.csv')).toMatchObject({ decimalCommas: true, findings: [], held: 4 });
    const wrong = audited(rows.replace('7,3891', '8,3891'), 'a.csv').findings;
    expect(wrong).toMatchObject([
      { check: 'perplexity-loss', written: 'perplexity 8,3891 beside loss 2,0000' },
    ]);
    expect(audited('a,b\n1,5\n2,5\n3,5\n', 'b.csv').decimalCommas).toBe(false);
  });
});
