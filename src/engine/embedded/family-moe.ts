/** Mixtures of experts with Llama's attention: Qwen2-MoE, Mixtral, OLMoE. */
import { FormatError } from '../../record/errors.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigFields } from './config-fields.ts';
import { basePrefix, type Family, type FamilyInput } from './family.ts';
import { attentionBias, type LlamaTraits, llamaLike } from './family-llama.ts';
import { type MoeNames, type MoeShape, readExperts } from './moe-shape.ts';

type ReadMoe = (config: ConfigFields, arch: Architecture) => Omit<MoeShape, 'names'>;

interface MoeTraits {
  readonly llama: LlamaTraits;
  readonly read: ReadMoe;
  /** Names of one layer's block, given the prefix of the layer. */
  readonly names: (layer: string) => MoeNames;
}

const gated = (prefix: string) => ({
  gate: `${prefix}gate_proj`,
  up: `${prefix}up_proj`,
  down: `${prefix}down_proj`,
});

const plainNames = (layer: string): MoeNames => ({
  router: `${layer}mlp.gate`,
  expert: (index) => gated(`${layer}mlp.experts.${index}.`),
  shared: null,
});

const qwenNames = (layer: string): MoeNames => ({
  ...plainNames(layer),
  shared: { ...gated(`${layer}mlp.shared_expert.`), weighedBy: `${layer}mlp.shared_expert_gate` },
});

const mixtralNames = (layer: string): MoeNames => ({
  router: `${layer}block_sparse_moe.gate`,
  expert(index) {
    const prefix = `${layer}block_sparse_moe.experts.${index}.`;
    return { gate: `${prefix}w1`, up: `${prefix}w3`, down: `${prefix}w2` };
  },
  shared: null,
});

function moeLike(input: FamilyInput, traits: MoeTraits): Architecture {
  const arch = llamaLike(input, traits.llama);
  if (arch.mlp.activation !== 'silu') {
    throw new FormatError(
      `config.json: experts with activation ${arch.mlp.activation} are not supported`,
      { hint: 'The kernel for experts computes SiLU only.' },
    );
  }
  const base = basePrefix(input, 'model.', 'embed_tokens.weight');
  const shape = traits.read(input.config, arch);
  const names = (layer: number): MoeNames => traits.names(`${base}layers.${layer}.`);
  return { ...arch, moe: { ...shape, names } };
}

const everyLayer = ({ layers }: Architecture): number[] =>
  Array.from({ length: layers }, (_, layer) => layer);

const readQwen: ReadMoe = (config, arch) => {
  const step = config.dimension(['decoder_sparse_step'], 1);
  const plain = config.integers('mlp_only_layers') ?? [];
  return {
    ...readExperts(config, ['num_experts'], { experts: 60, topK: 4 }),
    intermediateSize: config.dimension(['moe_intermediate_size']),
    sharedSize: config.dimension(['shared_expert_intermediate_size']),
    normalized: config.flag('norm_topk_prob', false),
    layers: everyLayer(arch).filter((at) => (at + 1) % step === 0 && !plain.includes(at)),
  };
};

const readMixtral: ReadMoe = (config, arch) => ({
  ...readExperts(config, ['num_local_experts', 'num_experts'], { experts: 8, topK: 2 }),
  intermediateSize: arch.intermediateSize,
  sharedSize: 0,
  normalized: true,
  layers: everyLayer(arch),
});

const readOlmoe: ReadMoe = (config, arch) => {
  const clip = config.find('clip_qkv');
  if (clip !== undefined) throw config.fail('clip_qkv', 'null (clipping is not built)', clip.value);
  return {
    ...readExperts(config, ['num_experts'], { experts: 64, topK: 8 }),
    intermediateSize: arch.intermediateSize,
    sharedSize: 0,
    normalized: config.flag('norm_topk_prob', false),
    layers: everyLayer(arch),
  };
};

export const MOE_FAMILIES: readonly Family[] = [
  {
    modelType: 'qwen2_moe',
    classNames: ['Qwen2MoeForCausalLM'],
    describe: (input) =>
      moeLike(input, {
        llama: {
          window: 'upper',
          attention: (config) => ({ bias: config.flag('qkv_bias', true) }),
        },
        read: readQwen,
        names: qwenNames,
      }),
  },
  {
    modelType: 'mixtral',
    classNames: ['MixtralForCausalLM'],
    describe: (input) =>
      moeLike(input, {
        llama: { window: 'always', epsilon: 1e-5 },
        read: readMixtral,
        names: mixtralNames,
      }),
  },
  {
    modelType: 'olmoe',
    classNames: ['OlmoeForCausalLM'],
    describe: (input) =>
      moeLike(input, {
        llama: {
          window: 'never',
          epsilon: 1e-5,
          attention: (config) => ({ ...attentionBias(config), qkNorm: 'whole' }),
        },
        read: readOlmoe,
        names: plainNames,
      }),
  },
];
