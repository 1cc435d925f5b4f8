/** GPT-2 and GPT-NeoX: LayerNorm, a fused q/k/v projection, a plain MLP, biases everywhere. */
import type { Architecture } from './architecture.ts';
import { basePrefix, type Family, type FamilyInput, readActivation, readShape } from './family.ts';
import { readRope } from './rope.ts';

const NO_NAMES = { q: '', k: '', v: '', qNorm: '', kNorm: '', gate: '', gateUp: '' };

function gptNeox(input: FamilyInput): Architecture {
  const { config } = input;
  const { dimensions, attention } = readShape(input, 'never');
  const bias = config.flag('attention_bias', true);
  const base = basePrefix(input, 'gpt_neox.', 'embed_in.weight');
  return {
    className: input.className,
    ...dimensions,
    norm: 'layer',
    epsilon: config.number(['layer_norm_eps'], 1e-5),
    residual: config.flag('use_parallel_residual', true) ? 'parallel' : 'sequential',
    attention: {
      projection: 'fused-per-head',
      bias,
      outputBias: bias,
      qkNorm: null,
      ...attention,
    },
    mlp: { kind: 'plain', activation: readActivation(config, 'gelu'), bias: true },
    moe: null,
    rope: readRope(config, dimensions.headDim, 0.25),
    conv1d: false,
    tied: config.flag('tie_word_embeddings', false),
    labels: null,
    names: {
      embed: `${base}embed_in`,
      positions: '',
      finalNorm: `${base}final_layer_norm`,
      head: 'embed_out',
      layer(index) {
        const layer = `${base}layers.${index}.`;
        return {
          ...NO_NAMES,
          inputNorm: `${layer}input_layernorm`,
          mlpNorm: `${layer}post_attention_layernorm`,
          qkv: `${layer}attention.query_key_value`,
          o: `${layer}attention.dense`,
          up: `${layer}mlp.dense_h_to_4h`,
          down: `${layer}mlp.dense_4h_to_h`,
        };
      },
    },
  };
}

function gpt2(input: FamilyInput): Architecture {
  const { config } = input;
  const { dimensions, attention } = readShape(input, 'never');
  const base = basePrefix(input, 'transformer.', 'wte.weight');
  const scaled = config.flag('scale_attn_weights', true);
  const byLayer = config.flag('scale_attn_by_inverse_layer_idx', false);
  return {
    className: input.className,
    ...dimensions,
    norm: 'layer',
    epsilon: config.number(['layer_norm_epsilon'], 1e-5),
    residual: 'sequential',
    attention: {
      projection: 'fused',
      bias: true,
      outputBias: true,
      qkNorm: null,
      ...attention,
      scales: attention.scales.map(
        (scale, layer) => (scaled ? scale : 1) / (byLayer ? layer + 1 : 1),
      ),
    },
    mlp: { kind: 'plain', activation: readActivation(config, 'gelu_new'), bias: true },
    moe: null,
    rope: null,
    conv1d: true,
    tied: config.flag('tie_word_embeddings', true),
    labels: null,
    names: {
      embed: `${base}wte`,
      positions: `${base}wpe`,
      finalNorm: `${base}ln_f`,
      head: 'lm_head',
      layer(index) {
        const layer = `${base}h.${index}.`;
        return {
          ...NO_NAMES,
          inputNorm: `${layer}ln_1`,
          mlpNorm: `${layer}ln_2`,
          qkv: `${layer}attn.c_attn`,
          o: `${layer}attn.c_proj`,
          up: `${layer}mlp.c_fc`,
          down: `${layer}mlp.c_proj`,
        };
      },
    },
  };
}

export const GPT_FAMILIES: readonly Family[] = [
  { modelType: 'gpt_neox', classNames: ['GPTNeoXForCausalLM'], describe: gptNeox },
  { modelType: 'gpt2', classNames: ['GPT2LMHeadModel'], describe: gpt2 },
];
