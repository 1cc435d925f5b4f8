/** Small dummy models of every architecture, with awkward shapes on purpose. */
import { type Architecture, describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import type { Compute, Device } from '../../src/engine/embedded/device.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { openModelGraphs, type Placement } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import type { LoadedModel } from '../../src/engine/embedded/score.ts';
import { storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import type { TensorSource } from '../../src/weights/source.ts';
import type { Weights } from './engine-oracle.ts';

type Config = Readonly<Record<string, unknown>>;

function llama(hidden: number, heads: number, more: Config = {}): Config {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    num_attention_heads: heads,
    num_key_value_heads: heads / 2,
    num_hidden_layers: 2,
    intermediate_size: 72,
    vocab_size: 97,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    ...more,
  };
}

const of = (architecture: string, modelType: string, more: Config = {}): Config => ({
  architectures: [architecture],
  model_type: modelType,
  ...more,
});

const gpt: Config = { n_embd: 80, n_head: 4, n_layer: 2, n_positions: 64, vocab_size: 97 };
const neox: Config = { num_key_value_heads: null, hidden_act: 'gelu' };
const window: Config = { sliding_window: 5, use_sliding_window: true };

/** `hs` in a name is the head size: the kernels want multiples of 8 or 16. */
export const MODELS: Readonly<Record<string, Config>> = {
  'llama hs 16': llama(64, 4, { torch_dtype: 'float32' }),
  'llama hs 16 tied, biases': llama(64, 4, {
    tie_word_embeddings: true,
    attention_bias: true,
    mlp_bias: true,
  }),
  'llama hs 8': llama(64, 8),
  'llama hs 12': llama(48, 4),
  'llama hs 20': llama(80, 4),
  'llama hs 24': llama(96, 4),
  'llama hs 80': llama(160, 2),
  'llama head_dim beside hidden': llama(48, 4, { head_dim: 32 }),
  'llama linear rope': llama(64, 4, { rope_scaling: { type: 'linear', factor: 2.5 } }),
  'llama llama3 rope': llama(64, 2, {
    rope_parameters: {
      rope_type: 'llama3',
      rope_theta: 500000,
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    },
  }),
  mistral: llama(64, 4, of('MistralForCausalLM', 'mistral')),
  'mistral window 5': llama(64, 4, of('MistralForCausalLM', 'mistral', { sliding_window: 5 })),
  qwen2: llama(64, 4, of('Qwen2ForCausalLM', 'qwen2')),
  'qwen2 window 5 from layer 1': llama(
    64,
    4,
    of('Qwen2ForCausalLM', 'qwen2', { ...window, max_window_layers: 1 }),
  ),
  'qwen3 hs 24': llama(96, 4, of('Qwen3ForCausalLM', 'qwen3')),
  'qwen3 window 5 by layer_types': llama(
    64,
    4,
    of('Qwen3ForCausalLM', 'qwen3', {
      ...window,
      layer_types: ['sliding_attention', 'full_attention'],
    }),
  ),
  phi3: llama(64, 4, of('Phi3ForCausalLM', 'phi3')),
  'phi3 hs 20, half rotated': llama(
    80,
    4,
    of('Phi3ForCausalLM', 'phi3', { partial_rotary_factor: 0.5, sliding_window: 7 }),
  ),
  'gpt_neox hs 40, rotary 10': llama(160, 4, of('GPTNeoXForCausalLM', 'gpt_neox', neox)),
  'gpt_neox hs 20, sequential': llama(
    80,
    4,
    of('GPTNeoXForCausalLM', 'gpt_neox', {
      ...neox,
      use_parallel_residual: false,
      rotary_pct: 0.5,
    }),
  ),
  'gpt2 hs 20': of('GPT2LMHeadModel', 'gpt2', gpt),
  'gpt2 hs 32, scaled by layer': of('GPT2LMHeadModel', 'gpt2', {
    ...gpt,
    n_embd: 64,
    n_head: 2,
    scale_attn_by_inverse_layer_idx: true,
  }),
};

const qwenMoe: Config = {
  num_experts: 12,
  num_experts_per_tok: 4,
  moe_intermediate_size: 40,
  shared_expert_intermediate_size: 56,
  norm_topk_prob: false,
};

/** On the CPU only. Their experts are as awkward: no power of two. */
export const MOE_MODELS: Readonly<Record<string, Config>> = {
  qwen2_moe: llama(64, 4, of('Qwen2MoeForCausalLM', 'qwen2_moe', qwenMoe)),
  'qwen2_moe normalised, layers 1 and 3 of 5': llama(
    64,
    4,
    of('Qwen2MoeForCausalLM', 'qwen2_moe', {
      ...qwenMoe,
      num_hidden_layers: 5,
      decoder_sparse_step: 2,
      norm_topk_prob: true,
      qkv_bias: false,
    }),
  ),
  'qwen2_moe without layer 0': llama(
    64,
    4,
    of('Qwen2MoeForCausalLM', 'qwen2_moe', { ...qwenMoe, mlp_only_layers: [0] }),
  ),
  mixtral: llama(64, 4, of('MixtralForCausalLM', 'mixtral', { num_local_experts: 5 })),
  'mixtral window 5, hs 20': llama(
    80,
    4,
    of('MixtralForCausalLM', 'mixtral', { num_local_experts: 8, sliding_window: 5 }),
  ),
  olmoe: llama(64, 4, of('OlmoeForCausalLM', 'olmoe', { num_experts: 16 })),
  'olmoe hs 12, normalised, biases': llama(
    48,
    4,
    of('OlmoeForCausalLM', 'olmoe', {
      num_experts: 16,
      norm_topk_prob: true,
      attention_bias: true,
    }),
  ),
};

export interface DummyModel {
  readonly arch: Architecture;
  readonly source: TensorSource;
  readonly weights: Weights;
}

export function dummyModel(config: Config, seed = 1): DummyModel {
  const arch = describeArchitecture(config);
  const source = dummySource(arch, { dtype: 'BF16', seed });
  const cache = new Map<string, Float32Array>();
  const weights: Weights = (name) => {
    const found = cache.get(name) ?? readF32(source, name);
    cache.set(name, found);
    return found;
  };
  return { arch, source, weights };
}

export interface OpenedDummy {
  readonly model: LoadedModel;
  close(): Promise<void>;
}

export async function openDummy(
  { arch, source }: Pick<DummyModel, 'arch' | 'source'>,
  options: {
    scheme?: string;
    activations?: 'int8' | 'f32';
    placement?: Placement;
    device?: Device;
    compute?: Compute;
  } = {},
): Promise<OpenedDummy> {
  const ort = await loadRuntime();
  const graphs = await openModelGraphs(ort, arch, {
    stored: storedWeights(source, arch, { scheme: parseScheme(options.scheme ?? 'f32') }),
    activations: options.activations ?? 'f32',
    threads: 1,
    ...(options.placement && { placement: options.placement }),
    ...(options.device && { device: options.device }),
    ...(options.compute && { compute: options.compute }),
  });
  return { model: { ort, arch, ...graphs }, close: graphs.close };
}

/** Reproducible ids in 0 … vocabulary − 1. */
export function someIds(count: number, vocabSize: number, seed = 1): number[] {
  let state = seed * 2654435761 + 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabSize);
  });
}
