import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { readF32 } from './dtype.ts';
import { openSafetensors } from './safetensors.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors-write.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-weights-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const f32 = (name: string, shape: number[], values: number[]): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});

const three: TensorToWrite[] = [
  { name: 'codes', dtype: 'I8', shape: [3], data: Uint8Array.of(1, 2, 255) },
  f32('b', [1, 2], [0.5, -2]),
  f32('a', [], [7]),
];

describe('a written file', () => {
  it('is read back, through a symlink too', () => {
    const path = join(dir, 'w.safetensors');
    writeSafetensors(path, three, { format: 'pt' });
    const link = join(dir, 'link.safetensors');
    symlinkSync('w.safetensors', link);
    const source = openSafetensors(link);
    expect(source.path).toBe(path);
    expect(source.metadata).toEqual({ format: 'pt' });
    expect(source.names).toEqual(['a', 'b', 'codes']);
    expect([...readF32(source, 'b')]).toEqual([0.5, -2]);
    expect([...source.read('codes')]).toEqual([1, 2, 255]);
    const { location, bytes } = source.info('b');
    expect(location?.file).toBe(path);
    const raw = readFileSync(path).subarray(location!.offset, location!.offset + bytes);
    expect(Buffer.compare(raw, Buffer.from(three[1]!.data))).toBe(0);
    expect(source.has('zzz')).toBe(false);
    expect(() => source.info('zzz')).toThrow(FormatError);
    expect(() => readF32(source, 'codes')).toThrow(/dtype I8, which is not a float/);
    source.close();
    source.close();
  });

  it('has the layout of the reference writer: padded header, wide dtypes first, then names', () => {
    const path = join(dir, 'w.safetensors');
    writeSafetensors(path, three);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(
      bytes
        .subarray(8, 8 + length)
        .toString()
        .trimEnd(),
    ).toBe(
      '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
        '"b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},' +
        '"codes":{"dtype":"I8","shape":[3],"data_offsets":[12,15]}}',
    );
    expect(readdirSync(dir)).toEqual(['w.safetensors']);
  });

  it('is not written at all if a tensor does not fit', () => {
    const path = join(dir, 'w.safetensors');
    expect(() => writeSafetensors(path, [{ ...three[1]!, shape: [3] }])).toThrow(/takes 12 bytes/);
    expect(() => writeSafetensors(path, [three[1]!, three[1]!])).toThrow(/name is taken/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('that is truncated says how much is missing', () => {
    const path = join(dir, 'w.safetensors');
    writeSafetensors(path, three);
    const whole = readFileSync(path).length;
    truncateSync(path, whole - 6);
    expect(() => openSafetensors(path)).toThrow(`6 of ${whole} bytes are missing`);
    truncateSync(path, 40);
    expect(() => openSafetensors(path)).toThrow(/bytes short/);
  });

  it('that shrinks after opening is reported, not read as zeros', () => {
    const path = join(dir, 'w.safetensors');
    writeSafetensors(path, three);
    const source = openSafetensors(path);
    truncateSync(path, readFileSync(path).length - 2);
    expect(() => source.read('codes')).toThrow(/while it was being read/);
    source.close();
  });
});

describe('what is no weight file', () => {
  it('is named', () => {
    expect(() => openSafetensors(join(dir, 'none.safetensors'))).toThrow(/ENOENT/);
    expect(() => openSafetensors(dir)).toThrow(FormatError);
    const page = join(dir, 'page.safetensors');
    writeFileSync(page, '<!DOCTYPE html><html>not found</html>');
    expect(() => openSafetensors(page)).toThrow(/more than the bound/);
  });
});
