import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RATE_CHARACTERS } from './bar-states.ts';
import { DIALECTS } from './dialects.ts';
import { FileScanner, scanBytes } from './scan-file.ts';

/** What could upset a parser: its own needles, numbers, brackets, breaks, bytes of no character. */
const pieces = [
  ...DIALECTS.flatMap(({ needles }) => needles),
  ...['\n', '\r', '\r\n', ' ', '  ', '|', '"', "'", ':', '%|█| 1/2 [00:01<00:01, 1it/s]', '[', '('],
  ...['0', '12:34', '2025-12-09T17:58:35', 'INFO 12-18 03:13:09', '99999999999999999999', '\0'],
  ...['\u001b[1m', '\u001b]0;', 'Error: x', '🚀', 'JobID = 7', '=====', 'complete'],
];
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((all) => all.join(''));

describe('scanning a file', () => {
  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(scanBytes(Buffer.from(bytes), 'x.log').bytes).toBe(bytes.length);
      }),
    );
  });

  it('survives any mixture of what the dialects look for', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const scan = scanBytes(Buffer.from(text), 'x.log');
        // Every fact names bytes of the file.
        for (const { evidence } of Object.values(scan.collected.facts)) {
          expect(evidence.end).toBeLessThanOrEqual(Buffer.byteLength(text));
          expect(evidence.start).toBeLessThanOrEqual(evidence.end);
        }
        JSON.stringify(scan);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the same, in whatever chunks the bytes come', () => {
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 40 }), (text, size) => {
        const bytes = Buffer.from(text);
        const scanner = new FileScanner('x.log');
        for (let at = 0; at < bytes.length; at += size) {
          scanner.push(bytes.subarray(at, at + size), true);
        }
        if (bytes.length === 0) return;
        const { collected, clock, ...rest } = scanner.end();
        const whole = scanBytes(bytes, 'x.log');
        expect({ ...rest, findings: [] }).toEqual({
          ...{ bytes: whole.bytes, lines: whole.lines, segments: whole.segments },
          ...{ sha256: whole.sha256, encoding: whole.encoding, findings: [] },
        });
        expect(collected).toEqual(whole.collected);
        expect(clock).toEqual(whole.clock);
      }),
    );
  });

  describe('lines that servers repeat', () => {
    const number = fc.oneof(fc.nat(999), fc.float({ min: 0, max: 99, noNaN: true }));
    const access = fc
      .tuple(
        fc.constantFrom('GET', 'POST'),
        fc.constantFrom('/v1/completions', '/v2/x?a=1'),
        fc.nat(9),
      )
      .map(
        ([method, route, n]) => `INFO:     10.0.0.${n}:7 - "${method} ${route} HTTP/1.1" 20${n} OK`,
      );
    const statistics = fc
      .tuple(number, number, fc.nat(59), fc.constantFrom('Waiting', 'Pending'))
      .map(
        ([a, b, second, word]) =>
          `(APIServer pid=7) INFO 12-31 23:59:${String(second).padStart(2, '0')} [l.py:1] ` +
          `Engine 000: Avg prompt throughput: ${a} tokens/s, Avg generation throughput: ${b} ` +
          `tokens/s, Running: 3 reqs, ${word}: 4 reqs, GPU KV cache usage: ${b}%`,
      );
    const other = fc.constantFrom(
      'loss iter 3: 1.0 -> iter 9: 0.5',
      'Done.',
      '',
      'x\r',
      '5%| 1/2 [',
    );
    const lines = fc.array(fc.oneof(access, statistics, other), { maxLength: 60 });
    /** So many that the first lines, which are all looked at, are over. */
    const before = 'INFO:     10.0.0.1:7 - "GET /health HTTP/1.1" 200 OK\n'.repeat(8300);

    it('are taken for what they are when each is read as text', () => {
      let skimmed = 0;
      fc.assert(
        fc.property(lines, (content) => {
          const bytes = Buffer.from(
            before +
              content
                .map((line) => `${line}\n`)
                .join('')
                .repeat(3),
          );
          const fast = new FileScanner('x.log');
          const skim = fast.skim.bind(fast);
          fast.skim = (line) => {
            const end = skim(line);
            if (end >= 0) skimmed += 1;
            return end;
          };
          const slow = new FileScanner('x.log');
          Object.defineProperty(slow, 'isSkimming', { get: () => false, set: () => {} });
          for (const scanner of [fast, slow]) scanner.push(bytes, false);
          expect(fast.end()).toEqual(slow.end());
        }),
        { numRuns: 40 },
      );
      expect(skimmed).toBeGreaterThan(100);
    });
  });

  it('a progress bar is skimmed to what it is when each state is read as text', () => {
    const n = fc.nat(12);
    const state = fc
      .tuple(fc.constantFrom('Load', 'Größe (1/2)', ''), n, n, fc.constantFrom('█▌ ', '3# ', '|'))
      .map(([name, i, s, bar]) => `${name}:  ${i}%|${bar}| ${i}/12 [1:0${s % 10}<00:01, 1.5it/s]`);
    const other = fc.constantFrom('INFO - x', '', 'Done.', 'Traceback (most', '5%| 1/2 [', '\n');
    const glued = fc.tuple(state, other).map((both) => both.join(''));
    const ends = fc.constantFrom('\r', '\n', '\r\n');
    const part = fc.oneof({ weight: 6, arbitrary: state }, glued, other);
    const lines = fc.array(fc.tuple(part, ends), { minLength: 1, maxLength: 40 });
    const before = `${'a bar to come\n'.repeat(8300)}${'Load:  1%|█ | 1/12 [00:01<00:02]\r'.repeat(9)}`;
    let skimmed = 0;
    fc.assert(
      fc.property(lines, fc.integer({ min: 30, max: 900 }), (content, size) => {
        const bytes = Buffer.from(before + content.map((both) => both.join('').repeat(5)).join(''));
        const fast = new FileScanner('x.err');
        const skim = fast.skim.bind(fast);
        fast.skim = (line) => {
          const end = skim(line);
          if (end >= 0) skimmed += 1;
          return end;
        };
        const slow = new FileScanner('x.err');
        Object.defineProperty(slow, 'isSkimming', { get: () => false, set: () => {} });
        for (const scanner of [fast, slow]) {
          const chunk = Buffer.alloc(size);
          scanner.push(bytes.subarray(0, before.length), false);
          for (let at = before.length; at < bytes.length; at += size) {
            // As when a file is read: every chunk comes in the same bytes.
            const length = bytes.copy(chunk, 0, at, at + size);
            scanner.push(chunk.subarray(0, length), false);
          }
        }
        expect(fast.end()).toEqual(slow.end());
      }),
      { numRuns: 60 },
    );
    expect(skimmed).toBeGreaterThan(100);
  });

  it('no dialect looks for what may stand behind a bar', () => {
    const isRate = (needle: string) => [...needle].every((c) => RATE_CHARACTERS.includes(c));
    expect(DIALECTS.flatMap(({ needles }) => needles.filter(isRate))).toEqual([]);
  });

  it.each([
    ['one long line of a needle', (n: number) => 'init engine ('.repeat(n)],
    ['spaces behind a title', (n: number) => `Benchmarks Throughput${' '.repeat(n)}x`],
    ['brackets', (n: number) => `Traceback (most recent call last):\n${'A.'.repeat(n)}!`],
    ['open bars', (n: number) => '5%| '.repeat(n)],
    ['digits', (n: number) => `${'1'.repeat(n)}it [`],
    ['quotes', (n: number) => `HTTP/1.1${'" '.repeat(n)}`],
    ['unterminated colours', (n: number) => '\u001b['.repeat(n)],
    ['pipes', (n: number) => `|n-shot|Metric|Value|\n${'|'.repeat(n)}`],
  ])('is not held up by %s', (_, make) => {
    // A quadratic rule would take minutes over these 2 MB.
    const scan = scanBytes(Buffer.from(`${make(200_000)}\nDone.\n`), 'x.log');
    expect(scan.collected.signs.at(-1)?.evidence.text).toBe('Done.');
  });
});
