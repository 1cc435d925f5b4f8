/** What the families share: dimensions, activations, prefixes, under either generation of keys. */
import { FormatError } from '../../record/errors.ts';
import type { Activation, Architecture } from './architecture.ts';
import type { ConfigFields } from './config-fields.ts';
import { readWindows, type WindowRule } from './window.ts';

export interface FamilyInput {
  readonly config: ConfigFields;
  readonly className: string;
  readonly labels: readonly string[] | null;
  readonly has: (name: string) => boolean;
}

export interface Family {
  readonly modelType: string;
  /** The first is assumed where config.json names no class. */
  readonly classNames: readonly string[];
  describe(input: FamilyInput): Architecture;
}

/** Far above any model; bounds what a hostile config makes us allocate. */
const MAX_LAYERS = 4096;

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu',
};

export function readActivation(config: ConfigFields, fallback: string): Activation {
  const name = config.text('hidden_act') ?? config.text('activation_function') ?? fallback;
  const activation = ACTIVATIONS[name];
  if (activation !== undefined) return activation;
  throw new FormatError(`config.json: activation "${name}" is not supported`, {
    details: { expected: Object.keys(ACTIVATIONS).join(', '), got: name },
  });
}

/** Dimensions under Llama-style or GPT-2-style keys. */
export function readShape({ config }: FamilyInput, rule: WindowRule) {
  const hiddenSize = config.dimension(['hidden_size', 'n_embd']);
  const heads = config.dimension(['num_attention_heads', 'n_head']);
  const kvHeads = config.dimension(['num_key_value_heads'], heads);
  const layers = config.dimension(['num_hidden_layers', 'n_layer']);
  const headDim = config.dimension(['head_dim'], hiddenSize / heads);
  if (!Number.isInteger(headDim)) {
    throw config.fail('hidden_size', `divisible by ${heads}`, hiddenSize);
  }
  if (heads % kvHeads !== 0) {
    throw config.fail('num_key_value_heads', `a divisor of ${heads}`, kvHeads);
  }
  if (layers > MAX_LAYERS) throw config.fail('num_hidden_layers', `at most ${MAX_LAYERS}`, layers);
  const maxPositions = config.dimension(['max_position_embeddings', 'n_positions', 'n_ctx']);
  const dimensions = {
    modelType: config.text('model_type')!,
    vocabSize: config.dimension(['vocab_size']),
    maxPositions,
    intermediateSize: config.dimension(['intermediate_size', 'n_inner'], 4 * hiddenSize),
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
  };
  const attention = {
    scales: Array<number>(layers).fill(1 / Math.sqrt(headDim)),
    windows: readWindows(config, { layers, maxPositions, rule }),
  };
  return { dimensions, attention };
}

/** The prefix of the base model, or '' where the checkpoint was saved without it. */
export function basePrefix(input: FamilyInput, base: string, embed: string): string {
  return !input.has(base + embed) && input.has(embed) ? '' : base;
}
