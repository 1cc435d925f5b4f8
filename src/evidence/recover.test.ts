import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../record/canonical.ts';
import { recoverDigit, recoverDigitByCrc } from './recover.ts';

const logps = fc.array(fc.double({ min: -20, max: 0, noNaN: true }), {
  minLength: 1,
  maxLength: 60,
});
const names = fc.string({ unit: 'binary', maxLength: 12 });
const rows = fc
  .record({ kind: fc.constant('window'), batch: fc.nat(9_999), name: names, logp: logps })
  .map((row) => JSON.stringify(row));

/** A row, one place where it has a digit, and another digit for that place. */
const changes = fc
  .tuple(rows, fc.nat(), fc.integer({ min: 1, max: 9 }))
  .map(([row, pick, step]) => {
    const bytes = Buffer.from(row);
    const digits = [...bytes.keys()].filter((i) => bytes[i]! >= 0x30 && bytes[i]! <= 0x39);
    const index = digits[pick % digits.length]!;
    const changed = Buffer.from(bytes);
    changed[index] = 0x30 + ((bytes[index]! - 0x30 + step) % 10);
    return { bytes, changed, index };
  });

describe('by CRC', () => {
  test('any one changed digit of any row is found again', () => {
    fc.assert(
      fc.property(changes, ({ bytes, changed, index }) => {
        const found = recoverDigitByCrc(changed, crc32(bytes));
        expect(found).toContainEqual({ index, original: String.fromCharCode(bytes[index]!) });
        // A second answer would have to collide in 32 bits over at most some hundred candidates.
        expect(found.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });

  test('every answer really gives the checksum', () => {
    fc.assert(
      fc.property(changes, ({ bytes, changed }) => {
        for (const { index, original } of recoverDigitByCrc(changed, crc32(bytes))) {
          const mended = Buffer.from(changed);
          mended[index] = original.charCodeAt(0);
          expect(crc32(mended)).toBe(crc32(bytes));
        }
      }),
    );
  });

  test('finds all that trying everything finds, and nothing else', () => {
    fc.assert(
      fc.property(changes, fc.nat(0xffffffff), ({ changed }, stated) => {
        const tried = [...changed.keys()].flatMap((index) => {
          if (changed[index]! < 0x30 || changed[index]! > 0x39) return [];
          return [...'0123456789'].filter((digit) => {
            const candidate = Buffer.from(changed);
            candidate[index] = digit.charCodeAt(0);
            return digit.charCodeAt(0) !== changed[index] && crc32(candidate) === stated;
          });
        });
        expect(recoverDigitByCrc(changed, stated)).toHaveLength(tried.length);
      }),
      { numRuns: 30 },
    );
  });

  test('an untouched row has nothing to recover; a row without digits neither', () => {
    const row = Buffer.from('{"a":123}');
    expect(recoverDigitByCrc(row, crc32(row))).toEqual([]);
    expect(recoverDigitByCrc(Buffer.from('no digits'), 1)).toEqual([]);
    expect(recoverDigitByCrc(new Uint8Array(0), 1)).toEqual([]);
  });
});

describe('by a hash', () => {
  const fits = (of: string) => {
    const hash = sha256Hex(of);
    return (candidate: string): boolean => sha256Hex(candidate) === hash;
  };

  test('finds the digit that a text had', () => {
    const found = recoverDigit('{"seed":43,"n":7}', fits('{"seed":42,"n":7}'));
    expect(found).toEqual({ index: 9, original: '2' });
  });

  test('two changed digits, a changed letter, an added digit are not found', () => {
    expect(recoverDigit('{"a":12}', fits('{"a":34}'))).toBeNull();
    expect(recoverDigit('{"b":12}', fits('{"a":12}'))).toBeNull();
    expect(recoverDigit('{"a":123}', fits('{"a":12}'))).toBeNull();
  });
});
