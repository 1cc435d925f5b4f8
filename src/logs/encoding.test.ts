import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncodingWatch, findMisreading, repairMisreading } from './encoding.ts';
import { scanBytes } from './scan-file.ts';

const misread = (text: string, as: string): string =>
  new TextDecoder(as).decode(Buffer.from(text, 'utf8'));

describe('encodings', () => {
  it('are judged the same in whatever chunks the bytes come', () => {
    const bytes = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
      fc.uint8Array().map((array) => Buffer.from(array)),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 5 }), (content, size) => {
        const watch = new EncodingWatch();
        for (let at = 0; at < content.length; at += size)
          watch.see(content.subarray(at, at + size));
        const valid = isUtf8(content);
        const ascii = content.every((byte) => byte < 128);
        expect(watch.encoding).toBe(ascii ? 'ascii' : valid ? 'utf-8' : 'invalid utf-8');
      }),
    );
  });

  it.each([
    ['plain \xff', 6],
    ['é and then \xe9 alone', 12],
    ['cut \xe2\x9c', 4],
    ['\xe2\x9cx', 0],
  ])('%j: the first character that is none is at %d', (latin1, expected) => {
    const watch = new EncodingWatch();
    const bytes = Buffer.from(latin1.replace('é', '\xc3\xa9'), 'latin1');
    for (const byte of bytes) watch.see(Buffer.of(byte));
    expect(watch.firstInvalid).toBe(expected);
    const whole = new EncodingWatch();
    whole.see(bytes);
    expect(whole.firstInvalid).toBe(expected);
  });

  it.each(['macintosh', 'windows-1252'] as const)('recognise UTF-8 read as %s', (as) => {
    const found = findMisreading(`## ${misread('📋', as)} Log\n${misread('→', as)} plain\n`);
    expect(found).toMatchObject({ readAs: as, repaired: '📋' });
  });

  it('leave real text alone', () => {
    expect(findMisreading('Größe: 5 µs, naïve café, 日本語 📋 → ü')).toBeNull();
    expect(findMisreading('no other letters')).toBeNull();
  });

  it('repair any text that was misread, where the wrong encoding knows every byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        expect(repairMisreading(misread(text, 'macintosh'), 'macintosh')).toBe(text);
      }),
    );
  });

  it('read UTF-16 by its mark, with places in the file itself', () => {
    const le = Buffer.from(
      '\ufeffone\r\nTraceback (most recent call last):\r\nKeyError: 7\r\n',
      'utf16le',
    );
    const scan = scanBytes(le, 'x.log');
    const sign = scan.collected.signs[0];
    expect(scan).toMatchObject({ encoding: 'utf-16le', lines: 3, bytes: le.length });
    expect(sign).toMatchObject({ outcome: 'failed', evidence: { line: 3, text: 'KeyError: 7' } });
    const { start = 0, end = 0 } = sign?.evidence ?? {};
    expect(le.toString('utf16le', start, end)).toBe('KeyError: 7');
    const be = Buffer.from(le).swap16();
    expect(scanBytes(be, 'x.log').collected.signs[0]?.evidence.text).toBe('KeyError: 7');
  });
});
