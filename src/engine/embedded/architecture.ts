/** The normalized description of a decoder-only language model: what every block is built from. */
import { FormatError } from '../../record/errors.ts';
import { ConfigFields } from './config-fields.ts';
import { GPT_FAMILIES } from './family-gpt.ts';
import { LLAMA_FAMILIES } from './family-llama.ts';
import { MOE_FAMILIES } from './family-moe.ts';
import type { MoeShape } from './moe-shape.ts';
import type { Rope } from './rope.ts';

export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu';

export interface AttentionShape {
  /** `fused` is [q | k | v] side by side; `fused-per-head` is [head][q k v][headDim] (GPT-NeoX). */
  readonly projection: 'separate' | 'fused' | 'fused-per-head';
  readonly bias: boolean;
  readonly outputBias: boolean;
  /** RMSNorm of q and k: of each `head` on its own (Qwen3), or of all at once (`whole`: OLMoE). */
  readonly qkNorm: 'head' | 'whole' | null;
  /** Factor on q·k, one per layer. */
  readonly scales: readonly number[];
  /** Keys a query sees, itself included, one per layer; null = all. */
  readonly windows: readonly (number | null)[];
}

export interface MlpShape {
  /** `gated` is act(gate) × up → down; `gated-fused` has rows [gate | up]; `plain` is up → down. */
  readonly kind: 'gated' | 'gated-fused' | 'plain';
  readonly activation: Activation;
  readonly bias: boolean;
}

/** Tensor names of one layer without `.weight` or `.bias`; what a layer does not have is ''. */
export interface LayerNames {
  readonly inputNorm: string;
  readonly mlpNorm: string;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly qkv: string;
  readonly o: string;
  readonly qNorm: string;
  readonly kNorm: string;
  readonly gate: string;
  readonly up: string;
  readonly gateUp: string;
  readonly down: string;
}

export interface ModelNames {
  readonly embed: string;
  /** Learned positions, or '' where positions are rotary. */
  readonly positions: string;
  readonly finalNorm: string;
  /** The output head of an untied model, or the classification head. */
  readonly head: string;
  layer(index: number): LayerNames;
}

export interface Architecture {
  /** Class name as in config.json, e.g. `LlamaForCausalLM`. */
  readonly className: string;
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  readonly norm: 'rms' | 'layer';
  readonly epsilon: number;
  /** `parallel`: attention and MLP both read the layer's input (GPT-NeoX). */
  readonly residual: 'sequential' | 'parallel';
  readonly attention: AttentionShape;
  readonly mlp: MlpShape;
  /** A mixture of experts in place of the feed-forward block of some layers. */
  readonly moe: MoeShape | null;
  readonly rope: Rope | null;
  /** Matrices are [in, out] (GPT-2's Conv1D) instead of [out, in]. */
  readonly conv1d: boolean;
  /** The output head is the embedding matrix. */
  readonly tied: boolean;
  /** Labels of a classification head on the last token; null for a language model. */
  readonly labels: readonly string[] | null;
  readonly names: ModelNames;
}

const FAMILIES = [...LLAMA_FAMILIES, ...MOE_FAMILIES, ...GPT_FAMILIES];

const CLASSIFIER = /ForSequenceClassification$/;

/**
 * Reads config.json (either generation of keys).
 * `has` says which tensors the checkpoint holds, because some checkpoints were saved without
 * the base prefix (`h.0.…` instead of `transformer.h.0.…`); without it the prefix is expected.
 * Throws FormatError for an unknown architecture and for anything that we would compute wrongly.
 */
export function describeArchitecture(
  raw: Readonly<Record<string, unknown>>,
  has?: (name: string) => boolean,
): Architecture {
  const config = new ConfigFields(raw);
  const modelType = config.text('model_type');
  const listed = config.strings('architectures')?.[0];
  const family = FAMILIES.find(
    (known) => known.modelType === modelType && (!listed || known.classNames.includes(listed)),
  );
  if (modelType === undefined || family === undefined) {
    const known = FAMILIES.flatMap((entry) => entry.classNames).join(', ');
    const name = listed ?? modelType ?? '(none named)';
    throw new FormatError(`config.json: architecture ${name} is not supported`, {
      hint: `Known architectures: ${known}.`,
      details: { architectures: listed, model_type: modelType },
    });
  }
  const className = listed ?? family.classNames[0]!;
  const labels = CLASSIFIER.test(className) ? readLabels(config) : null;
  return family.describe({ config, className, labels, has: has ?? (() => true) });
}

function readLabels(config: ConfigFields): readonly string[] {
  const table = config.object('id2label');
  if (table === undefined) return ['LABEL_0', 'LABEL_1'];
  const count = Object.keys(table.raw).length;
  return Array.from({ length: count }, (_, id) => {
    const label = table.text(String(id));
    if (label === undefined) throw table.fail(String(id), 'the name of a label', label);
    return label;
  });
}
