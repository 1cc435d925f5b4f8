import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalSha256, sha256File, sha256Hex } from './canonical.ts';

/** The same value with the members of all objects in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, reversed(v)]),
  );
}

describe('canonicalJson', () => {
  it('sorts keys at every level and writes no white space', () => {
    expect(canonicalJson({ b: [1, { z: null, a: 'x' }], a: -0 })).toBe(
      '{"a":0,"b":[1,{"a":"x","z":null}]}',
    );
  });

  it('says the same value whatever the order of members was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalSha256(value)).toBe(sha256Hex(text));
      }),
    );
  });

  it.each([
    [{ a: [Number.NaN] }, '$.a[0]: JSON cannot hold NaN'],
    [{ a: { b: undefined } }, '$.a.b: JSON cannot hold undefined'],
    [[Number.POSITIVE_INFINITY], '$[0]: JSON cannot hold Infinity'],
    [new Array(2), '$[0]: JSON cannot hold undefined'],
    [{ at: new Date(0) }, '$.at: JSON cannot hold an instance of Date'],
    [{ n: 1n }, '$.n: JSON cannot hold bigint'],
    [{ x: new Float32Array(1) }, '$.x: JSON cannot hold an instance of Float32Array'],
  ])('refuses what JSON would change (%#)', (value, message) => {
    expect(() => canonicalJson(value)).toThrow(message);
  });

  it('is hashed in pieces as it is at once', () => {
    const long = Array.from({ length: 2_000 }, (_, i) => ({ i, text: `é${i}`.repeat(i % 50) }));
    expect(canonicalSha256(long)).toBe(sha256Hex(canonicalJson(long)));
  });

  it('refuses a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(() => canonicalJson(cycle)).toThrow('a cycle');
  });
});

describe('sha256', () => {
  it('knows the digest of "abc" (FIPS 180-2, appendix B.1)', () => {
    expect(sha256Hex('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('hashes a file in pieces as its bytes at once', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'assay-')), 'big');
    const bytes = Buffer.alloc(2_500_000, 'x1y2');
    writeFileSync(path, bytes);
    expect(await sha256File(path)).toBe(sha256Hex(bytes));
  });

  it('names a file that it cannot read', async () => {
    await expect(sha256File('/nowhere/x')).rejects.toMatchObject({
      code: 'StorageError',
      exitCode: 3,
      details: { path: '/nowhere/x', errno: 'ENOENT' },
    });
  });
});
