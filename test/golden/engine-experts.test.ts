/** Quantized experts compute exactly what their stored weights stand for. */
import { afterAll, describe, expect, test } from 'vitest';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { expertBlock, expertsRunAsFloats } from '../../src/engine/embedded/experts.ts';
import { forward } from '../../src/engine/embedded/forward.ts';
import { openModelGraphs, type Placement } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { runLogits } from '../../src/engine/embedded/score.ts';
import { type StoredWeights, storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { dequantized, difference } from './engine-dequantized.ts';
import { dummyModel, someIds } from './engine-models.ts';

const qwen = (hidden: number, inner: number, more: object = {}) => ({
  architectures: ['Qwen2MoeForCausalLM'],
  model_type: 'qwen2_moe',
  hidden_size: hidden,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  intermediate_size: 64,
  moe_intermediate_size: inner,
  shared_expert_intermediate_size: 64,
  num_experts: 8,
  num_experts_per_tok: 2,
  vocab_size: 97,
  max_position_embeddings: 64,
  ...more,
});
type Config = ReturnType<typeof qwen>;

/** [hidden, inner] and the block that QMoE gets at groups of 128, two a row at least. */
const SHAPES = [
  [128, 128, 64],
  [128, 96, 32],
  [128, 64, 32],
  [64, 32, 16],
  [256, 512, 128],
] as const;
const SCHEMES = ['int8-channel', 'int8-g128', 'int4-g32', 'int4-g128', 'int4-asym-g128'];
const ROWS = [someIds(11, 97, 1), someIds(6, 97, 2)];

function stored(config: Config, scheme: string): StoredWeights {
  const { arch, source } = dummyModel(config);
  return storedWeights(source, arch, { scheme: parseScheme(scheme) });
}

async function logitsOf(
  weights: StoredWeights,
  config: Config,
  options: { activations?: 'int8' | 'f32'; placement?: Placement } = {},
): Promise<Float32Array> {
  const arch = describeArchitecture(config);
  const ort = await loadRuntime();
  const graphs = await openModelGraphs(ort, arch, {
    stored: weights,
    activations: options.activations ?? 'f32',
    threads: 1,
    ...(options.placement && { placement: options.placement }),
  });
  const model = { ort, arch, ...graphs };
  const lengths = ROWS.map((row) => row.length);
  const hidden = await forward(model, { rows: ROWS, lengths, cache: null });
  const at = ROWS.flatMap((row, r) => row.map((_, i) => r * hidden.width + i));
  const logits = (await runLogits(model, hidden.feeds(at), at.length)).slice();
  await graphs.close();
  return logits;
}

const asFloats = (config: Config, weights: StoredWeights): StoredWeights =>
  storedWeights(dequantized(weights), dummyModel(config).arch, { scheme: parseScheme('f32') });

function expertsOf(config: Config) {
  const { moe } = dummyModel(config).arch;
  const { expert } = moe!.names(0);
  return Array.from({ length: moe!.experts }, (_, index) => expert(index));
}

const table: string[] = [];

describe('equal to f32 experts on their dequantized weights', () => {
  afterAll(() => {
    const head = '| hidden × inner | scheme | from dequantized weights | from f32 weights |';
    console.log([head, '|---|---|---|---|', ...table].join('\n'));
  });

  test.each(
    SHAPES.flatMap(([hidden, inner]) => SCHEMES.map((scheme) => [hidden, inner, scheme] as const)),
  )('%i × %i at %s', async (hidden, inner, scheme) => {
    const config = qwen(hidden, inner);
    const quantized = stored(config, scheme);
    expect(expertBlock(quantized, expertsOf(config))).not.toBeNull();
    const want = await logitsOf(asFloats(config, quantized), config);
    const off = difference(await logitsOf(quantized, config), want);
    const lost = difference(want, await logitsOf(stored(config, 'f32'), config));
    const show = (value: number): string => value.toExponential(1);
    table.push(`| ${hidden} × ${inner} | ${scheme} | ${show(off)} | ${show(lost)} |`);
    expect(off).toBeLessThanOrEqual(1e-5);
    expect(lost).toBeGreaterThan(1e-3);
  });

  test('one changed code of one expert shows', async () => {
    // All experts are chosen by every token.
    const config = qwen(128, 128, { num_experts: 4, num_experts_per_tok: 4 });
    for (const scheme of ['int4-g128', 'int8-channel']) {
      const quantized = stored(config, scheme);
      for (const part of ['gate', 'up', 'down'] as const) {
        const name = `${expertsOf(config)[3]![part]}.weight`;
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
        expect(off).toBeGreaterThan(2e-6);
      }
    }
  });

  test('int8 activations: as close as in a dense model, where no router can change its mind', async () => {
    const config = qwen(128, 128, { num_experts: 4, num_experts_per_tok: 4 });
    for (const scheme of SCHEMES) {
      const quantized = stored(config, scheme);
      const fast = await logitsOf(quantized, config, { activations: 'int8' });
      const off = difference(fast, await logitsOf(asFloats(config, quantized), config));
      expect(off).toBeLessThanOrEqual(5e-2);
    }
  });
});

describe('layout', () => {
  test.each(SHAPES)('%i × %i gets blocks of %i', (hidden, inner, block) => {
    const config = qwen(hidden, inner);
    const quantized = stored(config, 'int4-g128');
    expect(expertBlock(quantized, expertsOf(config))).toBe(block);
    expect(expertsRunAsFloats(quantized, dummyModel(config).arch.moe!)).toBe(false);
  });

  test('rows of one block have no kernel: they run as f32, to the same result', async () => {
    const config = qwen(128, 16);
    const quantized = stored(config, 'int4-g128');
    expect(expertBlock(quantized, expertsOf(config))).toBeNull();
    expect(expertsRunAsFloats(quantized, dummyModel(config).arch.moe!)).toBe(true);
    const want = await logitsOf(asFloats(config, quantized), config);
    expect(difference(await logitsOf(quantized, config), want)).toBeLessThanOrEqual(1e-5);
  });

  test('floats and unquantized models never claim integers', () => {
    const config = qwen(128, 128);
    for (const scheme of ['f32', 'bf16', 'fp8-channel']) {
      expect(expertBlock(stored(config, scheme), expertsOf(config))).toBeNull();
      expect(expertsRunAsFloats(stored(config, scheme), dummyModel(config).arch.moe!)).toBe(false);
    }
  });

  test.each(['f32', 'int4-asym-g128', 'fp8-block128'])('%s: inline = file', async (scheme) => {
    const config = qwen(128, 128);
    const inline = await logitsOf(stored(config, scheme), config, { placement: 'inline' });
    const file = await logitsOf(stored(config, scheme), config, { placement: 'file' });
    expect(file).toEqual(inline);
  });
});
