/** Llama and its close relatives: RMSNorm, rotary positions, a gated MLP. */
import type { Architecture, AttentionShape, LayerNames, ModelNames } from './architecture.ts';
import type { ConfigFields } from './config-fields.ts';
import { basePrefix, type Family, type FamilyInput, readActivation, readShape } from './family.ts';
import { readRope } from './rope.ts';
import type { WindowRule } from './window.ts';

function llamaNames(input: FamilyInput): ModelNames {
  const base = basePrefix(input, 'model.', 'embed_tokens.weight');
  return {
    embed: `${base}embed_tokens`,
    positions: '',
    finalNorm: `${base}norm`,
    head: input.labels === null ? 'lm_head' : 'score',
    layer(index): LayerNames {
      const layer = `${base}layers.${index}.`;
      const attention = `${layer}self_attn.`;
      return {
        inputNorm: `${layer}input_layernorm`,
        mlpNorm: `${layer}post_attention_layernorm`,
        q: `${attention}q_proj`,
        k: `${attention}k_proj`,
        v: `${attention}v_proj`,
        qkv: `${attention}qkv_proj`,
        o: `${attention}o_proj`,
        qNorm: `${attention}q_norm`,
        kNorm: `${attention}k_norm`,
        gate: `${layer}mlp.gate_proj`,
        up: `${layer}mlp.up_proj`,
        gateUp: `${layer}mlp.gate_up_proj`,
        down: `${layer}mlp.down_proj`,
      };
    },
  };
}

export interface LlamaTraits {
  readonly window: WindowRule;
  readonly epsilon?: number;
  readonly fused?: boolean;
  readonly attention?: (config: ConfigFields) => Partial<AttentionShape>;
  readonly mlpBias?: (config: ConfigFields) => boolean;
}

export function llamaLike(input: FamilyInput, traits: LlamaTraits): Architecture {
  const { config } = input;
  const { dimensions, attention } = readShape(input, traits.window);
  return {
    className: input.className,
    ...dimensions,
    norm: 'rms',
    epsilon: config.number(['rms_norm_eps'], traits.epsilon ?? 1e-6),
    residual: 'sequential',
    attention: {
      projection: traits.fused ? 'fused' : 'separate',
      bias: false,
      outputBias: false,
      qkNorm: null,
      ...attention,
      ...traits.attention?.(config),
    },
    mlp: {
      kind: traits.fused ? 'gated-fused' : 'gated',
      activation: readActivation(config, 'silu'),
      bias: traits.mlpBias?.(config) ?? false,
    },
    moe: null,
    rope: readRope(config, dimensions.headDim),
    conv1d: false,
    tied: input.labels === null && config.flag('tie_word_embeddings', false),
    labels: input.labels,
    names: llamaNames(input),
  };
}

export const attentionBias = (config: ConfigFields): Partial<AttentionShape> => {
  const bias = config.flag('attention_bias', false);
  return { bias, outputBias: bias };
};

export const LLAMA_FAMILIES: readonly Family[] = [
  {
    modelType: 'llama',
    classNames: ['LlamaForCausalLM'],
    describe: (input) =>
      llamaLike(input, {
        window: 'never',
        attention: attentionBias,
        mlpBias: (config) => config.flag('mlp_bias', false),
      }),
  },
  {
    modelType: 'mistral',
    classNames: ['MistralForCausalLM'],
    describe: (input) => llamaLike(input, { window: 'always' }),
  },
  {
    modelType: 'qwen2',
    classNames: ['Qwen2ForCausalLM', 'Qwen2ForSequenceClassification'],
    describe: (input) => llamaLike(input, { window: 'upper', attention: () => ({ bias: true }) }),
  },
  {
    modelType: 'qwen3',
    classNames: ['Qwen3ForCausalLM'],
    describe: (input) =>
      llamaLike(input, {
        window: 'upper',
        attention: (config) => ({ ...attentionBias(config), qkNorm: 'head' }),
      }),
  },
  {
    modelType: 'phi3',
    classNames: ['Phi3ForCausalLM'],
    describe: (input) => llamaLike(input, { window: 'always', fused: true, epsilon: 1e-5 }),
  },
];
