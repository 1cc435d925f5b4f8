import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { openCheckpoint } from './checkpoint.ts';
import { readF32 } from './dtype.ts';
import { writeSafetensors } from './safetensors-write.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-checkpoint-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (name: string, content: unknown) =>
  writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));

function weights(file: string, values: Record<string, number>): void {
  const tensors = Object.entries(values).map(([name, value]) => ({
    name,
    dtype: 'F32' as const,
    shape: [1],
    data: new Uint8Array(Float32Array.of(value).buffer),
  }));
  writeSafetensors(join(dir, file), tensors);
}

const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';

function sharded(map: Record<string, unknown>): void {
  put('config.json', { model_type: 'llama' });
  put('model.safetensors.index.json', { metadata: { total_size: 12 }, weight_map: map });
}

describe('a checkpoint', () => {
  it('in one file', () => {
    put('config.json', { model_type: 'llama' });
    put('generation_config.json', { eos_token_id: 2 });
    put('tokenizer.json', {});
    put('README.md', 'not part of the model');
    weights('model.safetensors', { a: 1.5 });
    const { config, generationConfig, source, files } = openCheckpoint(dir);
    expect(config).toEqual({ model_type: 'llama' });
    expect(generationConfig).toEqual({ eos_token_id: 2 });
    expect([...readF32(source, 'a')]).toEqual([1.5]);
    expect(files).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    source.close();
  });

  it('in shards: the index decides, what it does not name is ignored', () => {
    sharded({ b: SECOND, a: FIRST });
    weights(FIRST, { a: 1, b: 99 });
    weights(SECOND, { b: 2, extra: 3 });
    weights('unlisted.safetensors', { c: 4 });
    const { source, files, generationConfig } = openCheckpoint(dir);
    expect(generationConfig).toBeNull();
    expect([...source.names].sort()).toEqual(['a', 'b']);
    expect([...readF32(source, 'b')]).toEqual([2]);
    expect(source.info('b').location?.file).toContain(SECOND);
    expect(source.has('extra')).toBe(false);
    expect(() => source.read('c')).toThrow(FormatError);
    expect(files).toEqual(['config.json', FIRST, SECOND, 'model.safetensors.index.json']);
    source.close();
  });

  it('with a shard missing says which, and what it should hold', () => {
    sharded({ a: FIRST, b: SECOND, c: SECOND });
    weights(FIRST, { a: 1 });
    expect(() => openCheckpoint(dir)).toThrow(/model-00002-of-00002.*missing.*hold 2 tensors/);
  });

  it('whose shard lacks a tensor of the index says so', () => {
    sharded({ a: FIRST, b: FIRST });
    weights(FIRST, { a: 1 });
    expect(() => openCheckpoint(dir)).toThrow(/lacks 1 of the 2 tensors.*the first is "b"/);
  });

  it.each([
    ['no weight_map', undefined],
    ['an empty weight_map', {}],
    ['a path out of the directory', { a: '../secret.safetensors' }],
    ['a Windows path', { a: 'x\\y.safetensors' }],
    ['a number', { a: 3 }],
  ])('with %s in its index is refused', (_, map) => {
    sharded(map as Record<string, unknown>);
    expect(() => openCheckpoint(dir)).toThrow(FormatError);
    expect(() => openCheckpoint(dir)).toThrow(/weight_map/);
  });
});

describe('what is no checkpoint', () => {
  it.each([
    ['no config.json', null, /config\.json: cannot be read \(ENOENT\)/],
    ['config.json that is not JSON', '{', /config\.json: not JSON/],
    ['config.json that is a list', '[]', /expected a JSON object/],
    ['config.json with a key twice', '{"a":1,"a":2}', /the key "a" twice/],
  ])('%s', (_, content, message) => {
    if (content !== null) put('config.json', content);
    weights('model.safetensors', { a: 1 });
    expect(() => openCheckpoint(dir)).toThrow(FormatError);
    expect(() => openCheckpoint(dir)).toThrow(message);
  });

  it('no directory, no weights, or weights of another kind', () => {
    expect(() => openCheckpoint(join(dir, 'none'))).toThrow(/not a directory/);
    put('config.json', {});
    expect(() => openCheckpoint(dir)).toThrow(/neither model\.safetensors nor/);
    put('pytorch_model.bin', 'x');
    try {
      openCheckpoint(dir);
      expect.unreachable();
    } catch (error) {
      expect((error as FormatError).hint).toContain('found pytorch_model.bin');
    }
  });

  it('a config.json still in Git LFS', () => {
    put(
      'config.json',
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\n`,
    );
    try {
      openCheckpoint(dir);
      expect.unreachable();
    } catch (error) {
      expect((error as FormatError).hint).toContain('git lfs pull');
    }
  });
});
