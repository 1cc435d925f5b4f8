/** Quantized graphs compute exactly what their stored weights stand for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { forward } from '../../src/engine/embedded/forward.ts';
import { openModelGraphs, type Placement } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { runLogits } from '../../src/engine/embedded/score.ts';
import { type StoredWeights, storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { writeSafetensors } from '../../src/weights/safetensors-write.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { dequantized, difference } from './engine-dequantized.ts';
import { dummyModel, someIds } from './engine-models.ts';

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  // 2 × 80: no power of two from 64 on divides it, so groups fall back.
  intermediate_size: 160,
  vocab_size: 97,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};
const gpt2 = {
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  n_embd: 128,
  n_head: 4,
  n_layer: 2,
  n_positions: 64,
  vocab_size: 97,
};
const CONFIGS = { llama, gpt2 };
const SCHEMES = [
  'bf16',
  'f16',
  'fp8-block128',
  'fp8-channel',
  'fp8-tensor',
  'int8-channel',
  'int8-g128',
  'int4-g32',
  'int4-g128',
  'int4-asym-g32',
  'int4-asym-g128',
];
const ROWS = [someIds(11, 97, 1), someIds(6, 97, 2)];

async function logitsOf(
  stored: StoredWeights,
  config: keyof typeof CONFIGS,
  options: { activations?: 'int8' | 'f32'; placement?: Placement } = {},
): Promise<Float32Array> {
  const arch = describeArchitecture(CONFIGS[config]);
  const ort = await loadRuntime();
  const graphs = await openModelGraphs(ort, arch, {
    stored,
    activations: options.activations ?? 'f32',
    threads: 1,
    ...(options.placement && { placement: options.placement }),
  });
  const model = { ort, arch, ...graphs };
  const lengths = ROWS.map((row) => row.length);
  const hidden = await forward(model, { rows: ROWS, lengths, cache: null });
  const at = ROWS.flatMap((row, r) => row.map((_, i) => r * hidden.width + i));
  const logits = await runLogits(model, hidden.feeds(at), at.length);
  await graphs.close();
  return logits.slice();
}

function stored(config: keyof typeof CONFIGS, scheme: string): StoredWeights {
  const { arch, source } = dummyModel(CONFIGS[config]);
  return storedWeights(source, arch, { scheme: parseScheme(scheme) });
}

const table: string[] = [];

describe.each(['llama', 'gpt2'] as const)('%s', (config) => {
  afterAll(() => {
    const head = '| scheme | from dequantized weights | int8 activations | from f32 weights |';
    console.log([config, head, '|---|---|---|---|', ...table.splice(0)].join('\n'));
  });

  test.each(SCHEMES)('%s equals f32 arithmetic on its dequantized weights', async (scheme) => {
    const { arch } = dummyModel(CONFIGS[config]);
    const quantized = stored(config, scheme);
    const plain = storedWeights(dequantized(quantized), arch, { scheme: parseScheme('f32') });
    const want = await logitsOf(plain, config);
    const weightOnly = difference(await logitsOf(quantized, config), want);
    const fast = difference(await logitsOf(quantized, config, { activations: 'int8' }), want);
    const lost = difference(want, await logitsOf(stored(config, 'f32'), config));
    const show = (value: number): string => value.toExponential(1);
    table.push(`| ${scheme} | ${show(weightOnly)} | ${show(fast)} | ${show(lost)} |`);
    expect(weightOnly).toBeLessThanOrEqual(1e-5);
    // int8 activations are a real approximation: of the order of the weights' own error.
    if (scheme.startsWith('int')) expect(fast).toBeLessThanOrEqual(5e-2);
    else expect(fast).toBe(weightOnly);
    // Quantizing loses something; a graph that ignored the scheme would not.
    if (scheme !== 'bf16' && scheme !== 'f16') expect(lost).toBeGreaterThan(1e-3);
  });

  test('one changed code shows', async () => {
    const name = [...stored(config, 'int4-g128').plans.values()].find((p) => p.matrix)!.name;
    for (const scheme of ['int4-g128', 'int4-asym-g32', 'int8-channel']) {
      const quantized = stored(config, scheme);
      const changed: StoredWeights = {
        ...quantized,
        matrix(tensor) {
          const held = quantized.matrix(tensor);
          if (tensor === name && held.kind === 'int') {
            const { codes } = held.matrix;
            codes[77]! += codes[77]! > 0 ? -1 : 1;
          }
          return held;
        },
      };
      const off = difference(await logitsOf(changed, config), await logitsOf(quantized, config));
      // One step of an int8 code is 16 times smaller than one of int4; both stand out of 1e-6.
      expect(off).toBeGreaterThan(1e-5);
    }
  });
});

describe('where the weights lie does not change a bit', () => {
  test.each(['f32', 'bf16', 'int4-g128', 'fp8-block128'])('%s: inline = file', async (scheme) => {
    const weights = stored('llama', scheme);
    const inline = await logitsOf(weights, 'llama', { placement: 'inline' });
    expect(await logitsOf(weights, 'llama', { placement: 'file' })).toEqual(inline);
  });

  test.each(['BF16', 'F16', 'F32'] as const)('f32 scheme in a %s file', async (dtype) => {
    const dir = mkdtempSync(join(tmpdir(), 'assay-engine-test-'));
    try {
      const arch = describeArchitecture(llama);
      const source = dummySource(arch, { dtype, seed: 3 });
      const tensors = source.names.map((name) => ({
        ...source.info(name),
        data: source.read(name),
      }));
      writeSafetensors(join(dir, 'model.safetensors'), tensors);
      writeFileSync(join(dir, 'config.json'), JSON.stringify(llama));
      const checkpoint = openCheckpoint(dir);
      const weights = storedWeights(checkpoint.source, arch, { scheme: parseScheme('f32') });
      const inline = await logitsOf(weights, 'llama', { placement: 'inline' });
      const inPlace = await logitsOf(weights, 'llama', { placement: 'checkpoint' });
      checkpoint.source.close();
      expect(inPlace).toEqual(inline);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
