import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineListener, LineScanner, MAX_LINE_BYTES } from './line-scanner.ts';
import { buildAutomaton } from './needles.ts';

interface Seen {
  text: string;
  number: number;
  start: number;
  end: number;
  isWhole: boolean;
}

function scan(bytes: Buffer, chunks: readonly number[], needles: readonly string[] = []) {
  const seen: Seen[] = [];
  const listener: LineListener = {
    isSkimming: false,
    skim: () => -1,
    wantUntil: needles.length > 0 ? 0 : Number.POSITIVE_INFINITY,
    onLine: ({ text, number, start, end, isWhole }) => {
      seen.push({ text, number, start, end, isWhole });
    },
  };
  const scanner = new LineScanner(buildAutomaton([needles]), listener);
  let at = 0;
  for (const size of [...chunks, bytes.length]) {
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    scanner.push(chunk, chunk.length);
    // What was handed over must not hang on the chunk.
    chunk.fill(0x3f);
    at += chunk.length;
  }
  scanner.end();
  return { seen, lines: scanner.lines, segments: scanner.segments };
}

const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '\r\n', 'bc', '\0') });
const cuts = fc.array(fc.nat({ max: 5 }), { maxLength: 20 });

describe('lines of bytes', () => {
  it('are those of a split, in whatever chunks the bytes come', () => {
    fc.assert(
      fc.property(text, cuts, (content, chunks) => {
        const bytes = Buffer.from(content);
        const { seen, segments } = scan(bytes, chunks);
        const expected = content.split(/\r\n|\n|\r/);
        if (expected.at(-1) === '') expected.pop();
        expect(seen.map((line) => line.text)).toEqual(expected);
        expect(segments).toBe(expected.length);
      }),
    );
  });

  it('carry their byte range and the number that `wc -l` and editors give them', () => {
    fc.assert(
      fc.property(text, cuts, (content, chunks) => {
        const bytes = Buffer.from(content);
        const { seen, lines } = scan(bytes, chunks);
        for (const line of seen) {
          expect(bytes.toString('utf8', line.start, line.end)).toBe(line.text);
          const before = bytes.subarray(0, line.start).filter((byte) => byte === 10).length;
          expect(line.number).toBe(before + 1);
        }
        const feeds = bytes.filter((byte) => byte === 10).length;
        expect(lines).toBe(feeds + (content === '' || content.endsWith('\n') ? 0 : 1));
      }),
    );
  });

  it('are handed over only if they hold a needle, also one that two chunks share', () => {
    const { seen } = scan(Buffer.from('one\ntwo needle\nthree\n'), [10], ['needle']);
    expect(seen.map((line) => [line.number, line.text])).toEqual([[2, 'two needle']]);
  });

  it('are the same from chunks so large that two parts are scanned at once', () => {
    const piece = fc.constantFrom('x'.repeat(500), '\n', '\r', '\r\n', 'needle', 'nee', 'dle', ' ');
    const content = fc.array(piece, { minLength: 60, maxLength: 120 }).map((all) => all.join(''));
    fc.assert(
      fc.property(content, (text) => {
        const bytes = Buffer.from(text);
        const small = Array.from({ length: Math.ceil(bytes.length / 1000) }, () => 1000);
        expect(scan(bytes, [], ['needle'])).toEqual(scan(bytes, small, ['needle']));
        expect(scan(bytes, [])).toEqual(scan(bytes, small));
      }),
    );
  });

  it('are cut after 16 KiB, and the needle is looked for in all of them', () => {
    const bytes = Buffer.from(`${'x'.repeat(3 * MAX_LINE_BYTES)}needle\nnext needle\n`);
    const { seen } = scan(bytes, [1000, MAX_LINE_BYTES], ['needle']);
    expect(seen.map(({ isWhole, start, end }) => ({ isWhole, bytes: end - start }))).toEqual([
      { isWhole: false, bytes: MAX_LINE_BYTES },
      { isWhole: true, bytes: 11 },
    ]);
  });
});
