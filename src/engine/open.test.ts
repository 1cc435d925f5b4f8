import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../record/errors.ts';
import { modelIdentitySchema } from '../record/schema.ts';
import { writeSafetensors } from '../weights/safetensors-write.ts';
import { describeArchitecture } from './embedded/architecture.ts';
import { dummySource } from './embedded/dummy.ts';
import { openEngine, resolveModel } from './open.ts';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  intermediate_size: 48,
  vocab_size: 50,
  max_position_embeddings: 16,
  tie_word_embeddings: true,
};
const go = new AbortController().signal;
const windows = [{ ids: [1, 2, 3, 4], scoreFrom: 1 }];

describe('models by reference', () => {
  let root: string;
  let dir: string;
  let settings: { builtinDir: string; env: Record<string, string> };
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'assay-open-test-'));
    dir = join(root, 'tiny');
    mkdirSync(dir);
    const arch = describeArchitecture(CONFIG);
    const source = dummySource(arch, { dtype: 'BF16', seed: 5 });
    const tensors = source.names.map((name) => ({ ...source.info(name), data: source.read(name) }));
    writeSafetensors(join(dir, 'model.safetensors'), tensors);
    writeFileSync(join(dir, 'config.json'), JSON.stringify(CONFIG));
    settings = { builtinDir: root, env: {} };
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('a directory: identity names every file by its hash', async () => {
    const { identity, tokenizer, vocabSize, maxPositions } = await resolveModel(dir, settings);
    expect(modelIdentitySchema.parse(identity)).toEqual(identity);
    const sha = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(join(dir, name)))
        .digest('hex');
    expect(identity).toMatchObject({
      id: dir,
      source: 'directory',
      architecture: 'LlamaForCausalLM',
      // embedding + q, k, v, o + gate, up, down + 3 norms
      parameters: 50 * 32 + 4 * 32 * 32 + 3 * 32 * 48 + 3 * 32,
      storedDtype: 'BF16',
      dummyWeights: false,
      configSha256: sha('config.json'),
    });
    const hashes = Object.fromEntries(identity.files.map((file) => [file.path, file.sha256]));
    expect(hashes).toEqual({
      'config.json': sha('config.json'),
      'model.safetensors': sha('model.safetensors'),
    });
    expect({ tokenizer, vocabSize, maxPositions }).toEqual({
      tokenizer: null,
      vocabSize: 50,
      maxPositions: 16,
    });
  });

  test('built-in and dummy models with the same weights score the same', async () => {
    const engines = await Promise.all(
      [dir, 'builtin:tiny', `dummy:${join(dir, 'config.json')}`].map((model) =>
        openEngine({ model, scheme: 'f32', seed: 5, ...settings }),
      ),
    );
    const scores = await Promise.all(engines.map((engine) => engine.score(windows, go)));
    expect(scores[1]).toEqual(scores[0]);
    expect(scores[2]).toEqual(scores[0]);
    expect(engines.map((engine) => engine.model.source)).toEqual(['directory', 'builtin', 'dummy']);
    expect(engines.map((engine) => engine.model.dummyWeights)).toEqual([false, false, true]);
    for (const engine of engines) await engine.close();
  });

  test('a known identity is taken over without hashing', async () => {
    const { identity } = await resolveModel(dir, settings);
    const known = { ...identity, parameters: 1 };
    const engine = await openEngine({ model: dir, scheme: 'f32', identity: known, ...settings });
    expect(engine.model.parameters).toBe(1);
    await engine.close();
    const [first, ...others] = identity.files;
    const changed = { ...identity, files: [{ ...first!, bytes: 1 }, ...others] };
    const open = openEngine({ model: dir, scheme: 'f32', identity: changed, ...settings });
    await expect(open).rejects.toThrow(/config\.json changed/);
  });

  test.each([
    ['builtin:none', /no such built-in model/],
    ['dummy:none.json', /none\.json is not a file/],
    ['./not-there', /no such directory/],
  ])('%s is a UsageError', async (ref, message) => {
    await expect(resolveModel(ref, settings)).rejects.toThrow(message);
    await expect(resolveModel(ref, settings)).rejects.toThrow(UsageError);
  });

  test('a dummy config that is not JSON, an unknown scheme, no threads', async () => {
    const path = join(root, 'torn.json');
    writeFileSync(path, '{"a":');
    await expect(resolveModel(`dummy:${path}`, settings)).rejects.toThrow(FormatError);
    const open = (more: object) => openEngine({ model: dir, scheme: 'f32', ...settings, ...more });
    await expect(open({ scheme: 'int3' })).rejects.toThrow(/int3/);
    await expect(open({ threads: 0 })).rejects.toThrow(/threads must be 1 or more/);
  });
});
