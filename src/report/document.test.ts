import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../record/canonical.ts';
import { findNumerals } from '../record/find-numerals.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';
import { type Cited, DocumentBuilder, type DocumentEvidence, type Piece } from './document.ts';
import { plainText } from './plain.ts';

const NAMES = { document: 'LOG.md', experiment: 'e' };
const reference = { from: 'metric', run: 'r', metric: 'loss', part: 'value' } as const;
const cited = (value: number | null, format: NumberFormat): Cited => ({ value, format, reference });

const formats: fc.Arbitrary<NumberFormat> = fc.oneof(
  fc.record({
    style: fc.constantFrom('fixed', 'percent', 'bytes-mib' as const),
    digits: fc.integer({ min: 0, max: 6 }),
  }),
  fc.record({ style: fc.constant('significant' as const), digits: fc.integer({ min: 1, max: 8 }) }),
  fc.constant({ style: 'integer' as const }),
);
const values = fc.option(fc.double({ min: -1e12, max: 1e12, noNaN: true }));
const numbers = fc.tuple(values, formats).map(([value, format]) => cited(value, format));
const words = fc.oneof(
  fc.string({ unit: fc.constantFrom(...' ab.,|±×≥*[]()#-1234567890\n') }),
  fc.constantFrom(' 12 tokens ', '× ', ' [', ', ', '] %', 'int8-g128', '2026-11-20', '| ', '3. '),
);
const pieces: fc.Arbitrary<Piece> = fc.array(fc.oneof(words, numbers, fc.array(numbers)), {
  maxLength: 8,
});
const cells = fc.array(pieces, { minLength: 2, maxLength: 2 });
const steps = fc.array(
  fc.oneof(
    fc.record({ add: pieces }),
    fc.record({ heading: pieces }),
    fc.record({ table: fc.array(cells, { maxLength: 3 }) }),
    fc.record({ prose: fc.array(words).map((lines) => lines.join('\n')) }),
  ),
  { maxLength: 10 },
);

function built(all: readonly object[]): {
  text: string;
  evidence: DocumentEvidence;
} {
  const doc = new DocumentBuilder();
  for (const step of all as readonly Record<string, Piece>[]) {
    if (step.add) doc.add(step.add);
    if (step.heading) doc.heading(2, step.heading);
    if (step.table) doc.table(['a', 'b 7'], step.table as readonly Piece[][]);
    if (typeof step.prose === 'string') doc.prose('notes/a.md', step.prose);
  }
  return doc.build(NAMES);
}

describe('any document', () => {
  test('every citation’s text stands at its place', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { text, evidence } = built(all);
        const lines = text.split('\n');
        for (const { line, column, text: numeral, format } of evidence.numbers) {
          expect(lines[line - 1]!.startsWith(numeral, column - 1)).toBe(true);
          expect(format).toBeDefined();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('every numeral is cited, a constant, or prose', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { text, evidence } = built(all);
        const constants = new Map(evidence.constants.map((c) => [`${c.line}:${c.column}`, c.text]));
        for (const { line, column, text: numeral } of findNumerals(text)) {
          const inProse = evidence.prose.some(({ from, to }) => line >= from && line <= to);
          const inCitation = evidence.numbers.some(
            (c) => c.line === line && column >= c.column && column < c.column + c.text.length,
          );
          const constant = constants.get(`${line}:${column}`);
          expect(inProse || inCitation || constant === numeral).toBe(true);
          // Nobody vouches for prose: no constant may stand there.
          if (inProse) expect(constant).toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the sidecar has the hash of the whole text, which ends in one newline', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { text, evidence } = built(all);
        expect(evidence.sha256).toBe(sha256Hex(text));
        expect(text.endsWith('\n')).toBe(true);
      }),
    );
  });
});

describe('lines', () => {
  test('a template reads like the document', () => {
    const doc = new DocumentBuilder();
    const value = cited(8.84659, { style: 'fixed', digits: 2 });
    doc.line`Perplexity ${value} [${cited(null, { style: 'integer' })}], 3 runs.`;
    const { text, evidence } = doc.build(NAMES);
    expect(text).toBe('Perplexity 8.85 [—], 3 runs.\n');
    expect(evidence.numbers).toEqual([
      {
        line: 1,
        column: 12,
        text: '8.85',
        reference,
        format: { style: 'fixed', digits: 2 },
      },
    ]);
    expect(evidence.constants).toEqual([{ line: 1, column: 22, text: '3' }]);
  });

  test('one blank line around headings and tables, never two, none at the start', () => {
    const doc = new DocumentBuilder();
    doc.heading(1, 'A');
    doc.heading(2, 'B');
    doc.table(['x'], [['1']]);
    doc.heading(2, 'C');
    doc.add('end');
    expect(doc.build(NAMES).text).toBe('# A\n\n## B\n\n| x |\n| --- |\n| 1 |\n\n## C\n\nend\n');
  });

  test('text of several lines becomes one; a bar does not end a cell', () => {
    const doc = new DocumentBuilder();
    doc.add('one\n  two\r\nthree\n');
    doc.table(['x'], [[['a|b ', ['c|d']]]]);
    expect(doc.build(NAMES).text).toBe('one two three\n\n| x |\n| --- |\n| a\\|b c\\|d |\n\n');
  });

  test('prose stands as it is, and its lines are known', () => {
    const doc = new DocumentBuilder();
    doc.add('before 1');
    doc.prose('notes/a.md', 'I saw 7.\r\n\nThen 8.\n');
    doc.add('after 2');
    const { text, evidence } = doc.build(NAMES);
    expect(text).toBe('before 1\nI saw 7.\r\n\nThen 8.\nafter 2\n');
    expect(evidence.prose).toEqual([
      { from: 2, to: 4, file: 'notes/a.md', sha256: sha256Hex('I saw 7.\r\n\nThen 8.\n') },
    ]);
    expect(evidence.constants.map((constant) => constant.text)).toEqual(['1', '2']);
  });
});

test('plain text is what stands in the document, without emphasis', () => {
  fc.assert(
    fc.property(numbers, (number) => {
      const plain = plainText(['**', number, '** ']);
      const want = number.value === null ? '—' : renderNumber(number.value, number.format);
      expect(plain).toBe(`${want} `);
    }),
  );
});
