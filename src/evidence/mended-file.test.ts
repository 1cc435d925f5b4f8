import { describe, expect, it } from 'vitest';
import { crc32Hex, sha256Hex } from '../record/canonical.ts';
import { mendFile } from './mended-file.ts';

const text = Array.from({ length: 60_000 }, (_, i) => `row ${i},model~int4-g128,0.5\n`).join('');
const vouched = { sha256: sha256Hex(text), crc32: crc32Hex(text), code: 'document-edited' };

describe('a file of a megabyte that its checksum vouches for', () => {
  it('tells the digit that was changed, its place and what it was', () => {
    const at = text.indexOf('row 50000,model~int4') + 'row 50000,model~int'.length;
    const bytes = Buffer.from(`${text.slice(0, at)}7${text.slice(at + 1)}`);
    const mended = mendFile({ file: 'summary.csv', bytes, ...vouched });
    expect(mended?.text).toBe(text);
    const place = { line: 50_001, column: 11, width: 'model~int7-g128'.length };
    const values = { expected: 'model~int4-g128', found: 'model~int7-g128' };
    expect(mended?.discrepancy).toMatchObject({ place, ...values });
  });

  it('tells nothing where two digits were changed', () => {
    const bytes = Buffer.from(text.replace('row 11,', 'row 22,'));
    expect(mendFile({ file: 'summary.csv', bytes, ...vouched })).toBeNull();
  });
});
