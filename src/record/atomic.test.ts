import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDirectory, writeFileAtomic, writeFileVolatile, writeJsonAtomic } from './atomic.ts';
import { StorageError } from './errors.ts';

const directory = (): string => mkdtempSync(join(tmpdir(), 'assay-'));

describe('writeFileAtomic', () => {
  it('replaces a file whole and leaves nothing beside it', () => {
    const dir = directory();
    for (const write of [writeFileAtomic, writeFileVolatile]) {
      write(join(dir, 'a'), 'one');
      write(join(dir, 'a'), Buffer.from('two'));
      expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('two');
      expect(readdirSync(dir)).toEqual(['a']);
    }
  });

  it('keeps the target and removes its temporary file when the rename fails', () => {
    const dir = directory();
    mkdirSync(join(dir, 'a'));
    writeFileSync(join(dir, 'a', 'kept'), '');
    expect(() => writeFileAtomic(join(dir, 'a'), 'x')).toThrow(StorageError);
    expect(readdirSync(dir)).toEqual(['a']);
    expect(readdirSync(join(dir, 'a'))).toEqual(['kept']);
  });

  it('says path, cause and what to do when the directory is not there', () => {
    const path = join(directory(), 'gone', 'a');
    try {
      writeFileAtomic(path, 'x');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 3, details: { path, errno: 'ENOENT' } });
      expect((error as StorageError).message).toContain(path);
      expect((error as StorageError).hint).toMatch(/directory/);
    }
  });
});

describe('writeJsonAtomic', () => {
  it('writes two spaces and a final newline', () => {
    const path = join(directory(), 'a.json');
    writeJsonAtomic(path, { a: [1] });
    expect(readFileSync(path, 'utf8')).toBe('{\n  "a": [\n    1\n  ]\n}\n');
  });

  it('writes nothing when the value is not JSON', () => {
    const dir = directory();
    expect(() => writeJsonAtomic(join(dir, 'a.json'), { a: Number.NaN })).toThrow('$.a');
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('makeDirectory', () => {
  it('makes all that is missing, and is content with what is there', () => {
    const path = join(directory(), 'a', 'b', 'c');
    makeDirectory(path);
    makeDirectory(path);
    makeDirectory('/');
    expect(readdirSync(path)).toEqual([]);
  });

  it('refuses where a file is in the way', () => {
    const path = join(directory(), 'a');
    writeFileSync(path, '');
    expect(() => makeDirectory(path)).toThrow(StorageError);
    expect(() => makeDirectory(join(path, 'b'))).toThrow(/ENOTDIR/);
  });
});
