import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditDocument } from './audit.ts';
import { openDocument, readDocument } from './read-document.ts';

const read = (name: string, text: string) =>
  readDocument(text, { path: name, absolutePath: `/none/${name}` });

describe('Markdown', () => {
  const text = [
    '# Log',
    '',
    '### acme/A (smoke baseline)',
    '- **Loss:** 0.1826',
    '  - Speed: 25.73 tokens/sec (±0.029s)',
    '',
    '| Model | Speed (tok/s) | Notes |',
    '|:--|--:|--|',
    '| `A` | 28.42 | has a \\| bar |',
    '',
    '```bash',
    'grep -c "x y" a.log',
    '```',
  ].join('\n');

  it('bullets, tables and code become records with places', () => {
    const { records, tables, code } = read('log.md', text);
    const section = records.find((r) => r.kind === 'section');
    expect(section?.fields.map((f) => [f.label, f.text, f.place.line, f.place.column])).toEqual([
      ['Loss', '0.1826', 4, 13],
      ['Speed', '25.73 tokens/sec (±0.029s)', 5, 12],
    ]);
    expect(section?.title).toBe('Log › acme/A (smoke baseline)');
    expect(tables[0]?.rows[0]?.fields.map((f) => f.text)).toEqual([
      '`A`',
      '28.42',
      'has a \\| bar',
    ]);
    expect(code).toEqual([{ language: 'bash', line: 12, lines: ['grep -c "x y" a.log'] }]);
  });
});

describe('CSV and JSON', () => {
  it('cells know their line and column', () => {
    const { records } = read('a.csv', 'model,loss,notes\nA,1.5,"says ""hi"", 2"\r\nB,2.5,x\n');
    expect(records.map((r) => r.fields.map((f) => [f.text, f.place.line, f.place.column]))).toEqual(
      [
        [
          ['A', 2, 1],
          ['1.5', 2, 3],
          ['says "hi", 2', 2, 8],
        ],
        [
          ['B', 3, 1],
          ['2.5', 3, 3],
          ['x', 3, 7],
        ],
      ],
    );
  });

  it('objects are records below one another; NaN is let through', () => {
    const { records } = read('a.json', '{"model": "A",\n "results": [{"loss": 1.5, "acc": NaN}]}');
    const inner = records.find((r) => r.title === 'results[0]');
    expect(inner?.fields[0]).toMatchObject({ label: 'loss', text: '1.5' });
    expect(inner?.fields[0]?.place).toMatchObject({ line: 2, column: 23 });
    expect(inner?.parent?.parent?.fields[0]?.text).toBe('A');
  });
});

it('UTF-8 that was misread as MacRoman is mended: a speedup keeps its ×', () => {
  const { text, encoding } = read('a.md', '| Speedup |\n|--|\n| 0.52√ó |\n\nFP8 ‚Üí BF16');
  expect(text).toContain('0.52×');
  expect(encoding).toMatch(/macintosh/);
});

it('no text makes the audit throw', () => {
  const piece = fc.constantFrom(
    '| a | b |\n',
    '|--|--|\n',
    '- Loss: 1.2\n',
    '- Perplexity: ',
    '3.3',
    '%',
    '±',
    '→',
    '`x.log` ',
    '```sh\n',
    'grep -E "(" a.log\n',
    '# H\n',
    '12/',
    '4×',
    ' ms',
    '\n',
  );
  const text = fc
    .array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 40 })
    .map((p) => p.join(''));
  fc.assert(
    fc.property(text, fc.constantFrom('a.md', 'a.csv'), (content, name) => {
      const document = read(name, content);
      auditDocument(document, { documents: [document], logs: null });
    }),
    { numRuns: 300 },
  );
});

it('a line of a million characters is no trouble', () => {
  for (const unit of ['1 ', '| ', 'a: 1, ', '1/2 ', '- ', '(', '`a.log` ']) {
    const document = read('a.md', unit.repeat(1_000_000 / unit.length));
    auditDocument(document, { documents: [document], logs: null });
  }
});

describe('bad files', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'assay-audit-'));
    writeFileSync(join(dir, 'nul.md'), 'a\0b');
    writeFileSync(join(dir, 'bad.json'), '{"a": 1');
    writeFileSync(join(dir, 'huge.md'), '');
    truncateSync(join(dir, 'huge.md'), 10 * 2 ** 30);
    symlinkSync('loop.md', join(dir, 'loop.md'));
    mkdirSync(join(dir, 'folder.md'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it.each([
    ['nul.md', 'NUL bytes'],
    ['bad.json', 'is not JSON'],
    ['huge.md', 'a document may have'],
    ['loop.md', 'go in a circle'],
    ['folder.md', 'is a directory'],
    ['absent.md', 'no such file'],
  ])('%s: one clear line', (name, says) => {
    expect(() => openDocument(join(dir, name), name)).toThrow(says);
  });
});
