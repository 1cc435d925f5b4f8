import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Cancelled, FormatError, LimitError, UsageError } from '../../record/errors.ts';
import type { ModelIdentity } from '../../record/schema.ts';
import { parseScheme } from '../../weights/scheme.ts';
import type { TensorSource } from '../../weights/source.ts';
import { describeArchitecture } from './architecture.ts';
import { dummySource } from './dummy.ts';
import { type EmbeddedOptions, openEmbedded } from './embedded-engine.ts';

const CONFIG = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_size: 32,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  intermediate_size: 48,
  vocab_size: 50,
  max_position_embeddings: 16,
};
const CLASSIFIER = {
  ...CONFIG,
  architectures: ['Qwen2ForSequenceClassification'],
  id2label: { '0': 'no', '1': 'maybe', '2': 'yes' },
};
const identity: ModelIdentity = {
  id: 'test',
  source: 'dummy',
  revision: null,
  architecture: 'test',
  parameters: 0,
  storedDtype: 'BF16',
  dummyWeights: true,
  configSha256: '0'.repeat(64),
  files: [],
};
const go = new AbortController().signal;

function options(config: object = CONFIG, more: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
  const arch = describeArchitecture(config as Record<string, unknown>);
  const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
  const scheme = parseScheme('f32');
  return { arch, source, identity, scheme, activations: 'int8', batchTokens: 64, ...more };
}

describe('embedded engine', () => {
  test('says what it is', async () => {
    const engine = await openEmbedded(options(CONFIG, { threads: 1 }));
    expect(engine.info).toMatchObject({
      name: 'embedded',
      device: 'cpu',
      threads: 1,
      scheme: 'f32',
      precision: 'W32A32',
      activations: 'f32',
      simulated: null,
    });
    expect(engine.info.version).toMatch(/^onnxruntime \d+\.\d+/);
    expect(engine).toMatchObject({ maxPositions: 16, vocabSize: 50, modelDir: null });
    expect('classify' in engine).toBe(false);
    await engine.close();
  });

  test.each([
    ['bf16', 'int8', 'W32A32', 'f32'],
    ['fp8-block128', 'int8', 'W32A32', 'f32'],
    ['int8-channel', 'int8', 'W8A8', 'int8'],
    ['int4-g32', 'f32', 'W4A32', 'f32'],
  ] as const)('%s with %s activations is %s', async (text, activations, precision, used) => {
    const scheme = parseScheme(text);
    const engine = await openEmbedded(options(CONFIG, { scheme, activations }));
    expect(engine.info).toMatchObject({ precision, activations: used });
    expect(engine.info.simulated === null).toBe(text.startsWith('int'));
    const { weightBytes, peakRssBytes } = await engine.memory();
    expect(weightBytes).toBeGreaterThan(0);
    expect(peakRssBytes).toBeGreaterThan(weightBytes);
    await engine.close();
  });

  test('all problems of a batch at once, before anything runs', async () => {
    const engine = await openEmbedded(options());
    const score = engine.score(
      [
        { ids: [1, 50], scoreFrom: 1 },
        { ids: [], scoreFrom: 1 },
        { ids: [1, 2], scoreFrom: 0 },
        { ids: Array(17).fill(1), scoreFrom: 1 },
      ],
      go,
    );
    const error = await score.catch((cause) => cause);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.problems).toEqual([
      'window 0: token 1 has id 50, the vocabulary is 0 … 49',
      'window 1 has no tokens',
      'window 1: scoreFrom 1 must lie in 1 … 0',
      'window 2: scoreFrom 0 must lie in 1 … 2',
      "window 3: 17 tokens exceed the model's 16 positions",
    ]);
    const request = { ids: [1, 2, 3], maxNewTokens: 15, stopIds: [], temperature: -1 };
    const overflow = await engine.generate([request], () => {}, go).catch((cause) => cause);
    expect(overflow.problems).toEqual([
      "request 0: 3 tokens + 14 new exceed the model's 16 positions",
      'request 0: temperature -1 must be 0 or more',
    ]);
    // The last new token is never fed, so 3 + 14 fit.
    const fits = { ids: [1, 2, 3], maxNewTokens: 14, stopIds: [] };
    expect((await engine.generate([fits], () => {}, go))[0]!.ids).toHaveLength(14);
    await engine.close();
  });

  test('the same batch twice gives the same bits', async () => {
    const engine = await openEmbedded(options(CONFIG, { scheme: parseScheme('int8-channel') }));
    const windows = [
      { ids: [1, 2, 3, 4, 5], scoreFrom: 1 },
      { ids: [7, 8], scoreFrom: 1 },
    ];
    expect(await engine.score(windows, go)).toEqual(await engine.score(windows, go));
    await engine.close();
  });

  test('a window with nothing to score, and no windows', async () => {
    const engine = await openEmbedded(options());
    expect(await engine.score([], go)).toEqual([]);
    expect(await engine.generate([], () => {}, go)).toEqual([]);
    const [score] = await engine.score([{ ids: [1, 2], scoreFrom: 2 }], go);
    expect(score!.logp).toHaveLength(0);
    await engine.close();
  });

  test('a step of generation allocates next to nothing: least of all its cache', async () => {
    const wide = { ...CONFIG, max_position_embeddings: 4_096 };
    const engine = await openEmbedded(options(wide));
    const cacheBytes = 4_000 * engine.kvBytesPerToken;
    let before = Number.POSITIVE_INFINITY;
    let most = 0;
    // Garbage collection makes differences smaller, and where one is negative nothing is learnt.
    const request = { ids: Array.from({ length: 3_900 }, () => 1), maxNewTokens: 100, stopIds: [] };
    await engine.generate(
      [request],
      () => {
        const now = process.memoryUsage().arrayBuffers;
        most = Math.max(most, now - before);
        before = now;
      },
      go,
    );
    expect(cacheBytes).toBeGreaterThan(900_000);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(10_000);
    await engine.close();
  });

  test('an abort stops scoring; a closed engine says so', async () => {
    const engine = await openEmbedded(options());
    const windows = [{ ids: [1, 2, 3], scoreFrom: 1 }];
    await expect(engine.score(windows, AbortSignal.abort())).rejects.toThrow(Cancelled);
    const later = new AbortController();
    const pending = engine.score(windows, later.signal);
    later.abort(new Cancelled('stopped'));
    await expect(pending).rejects.toThrow('stopped');
    await engine.close();
    await engine.close();
    await expect(engine.score(windows, go)).rejects.toThrow(/closed/);
  });

  test('a classifier classifies and does nothing else', async () => {
    const engine = await openEmbedded(options(CLASSIFIER));
    expect(engine.labels).toEqual(['no', 'maybe', 'yes']);
    const rows = [[1, 2, 3, 4], [5]];
    const [long, short] = await engine.classify!(rows, go);
    const [alone] = await engine.classify!([[5]], go);
    expect(long).toHaveLength(3);
    short!.forEach((value, label) => {
      expect(value).toBeCloseTo(alone![label]!, 5);
    });
    await expect(engine.score([], go)).rejects.toThrow(/classifier/);
    await engine.close();
  });

  test('refuses a model that does not fit, before it writes anything', async () => {
    const scratchDir = mkdtempSync(join(tmpdir(), 'assay-scratch-test-'));
    const available = { bytes: 1000, from: 'a test' };
    const open = openEmbedded(options(CONFIG, { placement: 'file', scratchDir, available }));
    await expect(open).rejects.toThrow(LimitError);
    expect(readdirSync(scratchDir)).toEqual([]);
    rmSync(scratchDir, { recursive: true });
  });

  test.each(['f32', 'bf16', 'fp8-block128', 'int8-channel'])('a NaN is named: %s', async (text) => {
    const scratchDir = mkdtempSync(join(tmpdir(), 'assay-scratch-test-'));
    const base = options(CONFIG, { scheme: parseScheme(text), placement: 'file', scratchDir });
    const source: TensorSource = {
      ...base.source,
      read(name) {
        const bytes = base.source.read(name);
        // BF16 NaN as the last element of one matrix.
        if (name.endsWith('down_proj.weight')) bytes.set([0xc0, 0x7f], bytes.length - 2);
        return bytes;
      },
    };
    const error = await openEmbedded({ ...base, source }).catch((cause) => cause);
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/model\.layers\.0\.mlp\.down_proj\.weight.*NaN at index 1535/);
    // Nothing of a failed load is left behind.
    expect(readdirSync(scratchDir)).toEqual([]);
    rmSync(scratchDir, { recursive: true });
  });

  test('missing and misshapen tensors are listed together', async () => {
    const base = options();
    const source: TensorSource = {
      ...base.source,
      has: (name) => base.source.has(name) && !name.includes('norm'),
      info: (name) => ({
        ...base.source.info(name),
        ...(name === 'lm_head.weight' && { shape: [9] }),
      }),
    };
    const error = await openEmbedded({ ...base, source }).catch((cause) => cause);
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain('tensor model.norm.weight is missing');
    expect(error.message).toContain('lm_head.weight has shape [9], config.json implies [50,32]');
  });
});
