import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compilePattern, evidenceOf, linesOf } from './line-search.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-lines-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function linesIn(content: Buffer): { number: number; start: number; end: number; text: string }[] {
  const path = join(dir, 'a.log');
  writeFileSync(path, content);
  return [...linesOf(path)].map(({ number, start, end, bytes }) => {
    return { number, start, end, text: bytes.toString('latin1') };
  });
}

it('lines are those that split at line breaks gives, wherever a piece of the file ends', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(Buffer.from('\n'), Buffer.from('a\r\n'), Buffer.alloc(700_000, 0x62)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const content = Buffer.concat(pieces);
      const expected = content.toString('latin1').split('\n');
      if (expected.at(-1) === '') expected.pop();
      const lines = linesIn(content);
      expect(lines.length).toBe(expected.length);
      let start = 0;
      for (const [i, line] of lines.entries()) {
        const whole = expected[i]!;
        expect(line).toEqual({
          number: i + 1,
          start,
          end: start + whole.length,
          text: whole.slice(0, 1 << 20),
        });
        start += whole.length + 1;
      }
    }),
    { numRuns: 60 },
  );
});

it('evidence is short, has no colours, and hashes its own bytes', () => {
  const path = join(dir, 'b.log');
  writeFileSync(path, `\u001b[31mERROR\u001b[0m ${'x'.repeat(1000)}\n`);
  const [line] = linesOf(path);
  const evidence = evidenceOf('b.log', line!);
  expect(evidence.text.startsWith('ERROR xxx')).toBe(true);
  expect(evidence.text.length).toBe(500);
  expect(evidence.end - evidence.start).toBe(line!.bytes.length);
});

it('patterns: captures, case, and no catastrophe', () => {
  expect(compilePattern('took (\\d+) s').groups('it took 12 s')).toEqual(['took 12 s', '12']);
  expect(compilePattern('ERROR', { ignoreCase: true }).test('an error')).toBe(true);
  expect(compilePattern('(a*)*b').test('a'.repeat(50_000))).toBe(false);
  expect(() => compilePattern('a(')).toThrow('no RE2 syntax');
});
