import { describe, expect, test } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import { describeArchitecture } from './architecture.ts';
import { expectedTensors } from './tensors.ts';

const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 64,
  num_attention_heads: 4,
  num_hidden_layers: 3,
  intermediate_size: 96,
  vocab_size: 97,
  max_position_embeddings: 64,
};
const qwen = { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' };
const windowsOf = (more: object) => describeArchitecture({ ...LLAMA, ...more }).attention.windows;

describe('config.json', () => {
  test('both generations of keys say the same', () => {
    const { names: _a, ...old } = describeArchitecture({
      ...LLAMA,
      rope_theta: 5e5,
      rope_scaling: { type: 'linear', factor: 4 },
    });
    const { names: _b, ...now } = describeArchitecture({
      ...LLAMA,
      rope_parameters: { rope_theta: 5e5, rope_type: 'linear', factor: 4 },
    });
    expect(now).toEqual(old);
    expect(now.rope).toEqual({
      theta: 5e5,
      rotaryDim: 16,
      scaling: { type: 'linear', factor: 4 },
    });
  });

  test('null means absent', () => {
    const arch = describeArchitecture({
      ...LLAMA,
      head_dim: null,
      num_key_value_heads: null,
      rope_scaling: null,
      sliding_window: null,
    });
    expect(arch).toMatchObject({ headDim: 16, kvHeads: 4, rope: { theta: 10000 } });
  });

  test('an unknown architecture lists the known ones', () => {
    const unknown = { ...LLAMA, architectures: ['FalconForCausalLM'], model_type: 'falcon' };
    expect(() => describeArchitecture(unknown)).toThrow(/FalconForCausalLM is not supported/);
    try {
      describeArchitecture(unknown);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      expect((error as FormatError).hint).toContain('LlamaForCausalLM');
      expect((error as FormatError).hint).toContain('GPT2LMHeadModel');
    }
    const headless = { ...LLAMA, architectures: ['LlamaForTokenClassification'] };
    expect(() => describeArchitecture(headless)).toThrow(/LlamaForTokenClassification/);
    expect(() => describeArchitecture({})).toThrow(/none named/);
  });

  test.each(['yarn', 'longrope', 'dynamic', 'su'])('rope type %s is refused by name', (type) => {
    const config = { ...LLAMA, rope_scaling: { type, factor: 2 } };
    expect(() => describeArchitecture(config)).toThrow(`"${type}"`);
    const now = { ...LLAMA, rope_parameters: { rope_type: type, rope_theta: 1e4 } };
    expect(() => describeArchitecture(now)).toThrow(`"${type}"`);
  });

  test('a quantized checkpoint has the architecture of its original', () => {
    const config = { ...LLAMA, quantization_config: { quant_method: 'gptq' } };
    const text = (of: object) => JSON.stringify(describeArchitecture({ ...of }));
    expect(text(config)).toBe(text(LLAMA));
  });

  test.each([
    ['hidden_size', 0],
    ['hidden_size', '64'],
    ['hidden_size', 65],
    ['num_hidden_layers', 2 ** 30],
    ['num_hidden_layers', 5000],
    ['num_key_value_heads', 3],
    ['vocab_size', undefined],
    ['hidden_act', 'mish'],
    ['rms_norm_eps', 'small'],
    ['rope_theta', -1],
    ['partial_rotary_factor', 1.5],
    ['architectures', 'LlamaForCausalLM'],
    ['tie_word_embeddings', 'yes'],
  ])('%s: %s is a FormatError', (field, value) => {
    expect(() => describeArchitecture({ ...LLAMA, [field]: value })).toThrow(FormatError);
  });

  test('a base model saved without its prefix is found', () => {
    const has = (name: string): boolean => name === 'embed_tokens.weight';
    const names = expectedTensors(describeArchitecture(LLAMA, has)).map(({ name }) => name);
    expect(names[0]).toBe('embed_tokens.weight');
    expect(names).toContain('layers.2.mlp.down_proj.weight');
    expect(names).toContain('lm_head.weight');
  });

  test('labels of a classifier come in the order of their ids', () => {
    const config = {
      ...LLAMA,
      architectures: ['Qwen2ForSequenceClassification'],
      model_type: 'qwen2',
      id2label: { '1': 'bad', '0': 'good' },
      tie_word_embeddings: true,
    };
    const arch = describeArchitecture(config);
    expect(arch.labels).toEqual(['good', 'bad']);
    expect(expectedTensors(arch).at(-1)).toEqual({
      name: 'score.weight',
      shape: [2, 64],
      role: 'head',
    });
  });
});

describe('sliding windows', () => {
  test('Mistral windows every layer, Qwen2 those from max_window_layers on', () => {
    const mistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral' };
    expect(windowsOf({ ...mistral, sliding_window: 9 })).toEqual([9, 9, 9]);
    expect(windowsOf({ ...mistral, sliding_window: null })).toEqual([null, null, null]);
    const on = { ...qwen, sliding_window: 9, use_sliding_window: true };
    expect(windowsOf({ ...on, max_window_layers: 2 })).toEqual([null, null, 9]);
    expect(windowsOf({ ...qwen, sliding_window: 9 })).toEqual([null, null, null]);
  });

  test('layer_types win, and must fit', () => {
    const on = { ...qwen, sliding_window: 9, use_sliding_window: true };
    const layer_types = ['sliding_attention', 'full_attention', 'full_attention'];
    expect(windowsOf({ ...on, layer_types })).toEqual([9, null, null]);
    expect(() => windowsOf({ ...on, layer_types: ['full_attention'] })).toThrow(/3 entries/);
    const chunked = ['chunked_attention', 'full_attention', 'full_attention'];
    expect(() => windowsOf({ ...on, layer_types: chunked })).toThrow(/chunked_attention/);
    expect(() => windowsOf({ ...qwen, layer_types })).toThrow(/sliding_window/);
  });

  test('a window as wide as the context is none; Llama has none to honour', () => {
    const mistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral' };
    expect(windowsOf({ ...mistral, sliding_window: 64 })).toEqual([null, null, null]);
    expect(() => windowsOf({ sliding_window: 9 })).toThrow(/not defined for llama/);
  });
});

describe('mixtures of experts', () => {
  const qwenMoe = {
    ...LLAMA,
    architectures: ['Qwen2MoeForCausalLM'],
    model_type: 'qwen2_moe',
    moe_intermediate_size: 24,
    shared_expert_intermediate_size: 32,
  };
  const mixtral = { ...LLAMA, architectures: ['MixtralForCausalLM'], model_type: 'mixtral' };
  const olmoe = { ...LLAMA, architectures: ['OlmoeForCausalLM'], model_type: 'olmoe' };
  const moeOf = (config: object) => describeArchitecture({ ...config }).moe;

  test('what a config leaves out is as in transformers', () => {
    expect(moeOf(qwenMoe)).toMatchObject({ experts: 60, topK: 4, normalized: false });
    expect(moeOf(mixtral)).toMatchObject({ experts: 8, topK: 2, normalized: true, sharedSize: 0 });
    expect(moeOf(olmoe)).toMatchObject({ experts: 64, topK: 8, normalized: false });
    expect(moeOf(LLAMA)).toBeNull();
    expect(describeArchitecture(qwenMoe).attention.bias).toBe(true);
    expect(describeArchitecture(olmoe).attention.qkNorm).toBe('whole');
  });

  test('layers that route', () => {
    expect(moeOf(qwenMoe)!.layers).toEqual([0, 1, 2]);
    expect(moeOf({ ...qwenMoe, decoder_sparse_step: 2 })!.layers).toEqual([1]);
    expect(moeOf({ ...qwenMoe, mlp_only_layers: [0, 2] })!.layers).toEqual([1]);
    expect(moeOf({ ...mixtral, decoder_sparse_step: 2 })!.layers).toEqual([0, 1, 2]);
  });

  test('tensors: a router, every expert, the shared one, and dense layers between', () => {
    const arch = describeArchitecture({ ...qwenMoe, decoder_sparse_step: 2, num_experts: 5 });
    const shapes = new Map(expectedTensors(arch).map(({ name, shape }) => [name, shape]));
    expect(shapes.get('model.layers.1.mlp.gate.weight')).toEqual([5, 64]);
    expect(shapes.get('model.layers.1.mlp.experts.4.up_proj.weight')).toEqual([24, 64]);
    expect(shapes.get('model.layers.1.mlp.experts.4.down_proj.weight')).toEqual([64, 24]);
    expect(shapes.get('model.layers.1.mlp.shared_expert.up_proj.weight')).toEqual([32, 64]);
    expect(shapes.get('model.layers.1.mlp.shared_expert_gate.weight')).toEqual([1, 64]);
    expect(shapes.get('model.layers.0.mlp.up_proj.weight')).toEqual([96, 64]);
    expect(shapes.has('model.layers.1.mlp.up_proj.weight')).toBe(false);
    const names = expectedTensors(describeArchitecture(mixtral)).map(({ name }) => name);
    expect(names).toContain('model.layers.2.block_sparse_moe.experts.7.w3.weight');
  });

  test.each([
    [qwenMoe, { num_experts: 3, num_experts_per_tok: 4 }, /at most 3/],
    [qwenMoe, { num_experts: 1e6 }, /at most 4096/],
    [qwenMoe, { moe_intermediate_size: undefined }, /moe_intermediate_size/],
    [qwenMoe, { mlp_only_layers: ['0'] }, /list of integers/],
    [mixtral, { hidden_act: 'gelu' }, /activation gelu/],
    [olmoe, { clip_qkv: 8 }, /clip_qkv/],
    [olmoe, { sliding_window: 9 }, /not defined for olmoe/],
  ])('refused: %#', (config, more, message) => {
    expect(() => moeOf({ ...config, ...more })).toThrow(message);
  });
});
