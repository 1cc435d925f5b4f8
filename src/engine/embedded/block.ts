/** What every block is built with. Hidden states are 2-D: [batch × sequence, features]. */
import type { Architecture } from './architecture.ts';
import type { GraphBuilder } from './graph.ts';
import type { GatedNames } from './moe-shape.ts';
import type { DataType } from './onnx.ts';

/** The model's weights as values of the graph; how they are stored is not the blocks' business. */
export interface BlockWeights {
  /** True for the kernels of a GPU: the fewer nodes, the sooner a step is handed over. */
  readonly gpu: boolean;
  /** Type of hidden states, of what is multiplied, and of keys and values. */
  readonly float: DataType;
  /** x [T, in] → x Wᵀ (+ bias) [T, out]. `name` without `.weight`. */
  linear(x: string, name: string, bias: boolean): string;
  /** `linear` of several names in one product, their results side by side; null: not here. */
  fused(x: string, names: readonly string[], bias: boolean): string | null;
  /** x [T, hidden] → the experts that `logits` [T, E] choose, weighed by shares that sum to 1. */
  experts(x: string, of: ExpertUse): string;
  /** Rows of an embedding table: ids [B, S] → [B, S, width]. */
  rows(name: string, ids: string): string;
  /** A norm weight or a bias. Full name. */
  vector(name: string): string;
}

export interface ExpertUse {
  /** Of the constants. */
  readonly name: string;
  readonly logits: string;
  readonly topK: number;
  readonly experts: readonly GatedNames[];
}

/** Values that all layers share. */
export interface SequenceValues {
  /** i64 [3]: batch, sequence, −1. */
  readonly shape: string;
  /** i32 [B]: index of the last valid token of each row. */
  readonly lastIndex: string;
  /** i32 scalar: length of the longest row, this call included. */
  readonly total: string;
  /** i64 [B, S], or '' where no block asks for positions. */
  readonly positions: string;
  /** cos and sin tables, or null without rotary positions. */
  readonly tables: readonly [string, string] | null;
}

export interface BlockContext {
  readonly graph: GraphBuilder;
  readonly arch: Architecture;
  readonly weights: BlockWeights;
  readonly sequence: SequenceValues;
}
