/** A mixture of experts as config.json and the tensor names describe it. */
import type { RoutingShape } from '../engine.ts';
import type { ConfigFields } from './config-fields.ts';

/** Tensor names of a gated feed-forward block, without `.weight`. */
export interface GatedNames {
  readonly gate: string;
  readonly up: string;
  readonly down: string;
}

export interface MoeNames {
  /** [experts, hidden]. */
  readonly router: string;
  expert(index: number): GatedNames;
  /** A block that every token passes, and the row that weighs it; null where there is none. */
  readonly shared: (GatedNames & { readonly weighedBy: string }) | null;
}

export interface MoeShape {
  readonly experts: number;
  /** Experts that a token passes. */
  readonly topK: number;
  /** Of one expert. */
  readonly intermediateSize: number;
  /** Of the shared expert; 0 where there is none. */
  readonly sharedSize: number;
  /** The weights of the chosen experts sum to 1; else they are their shares of all experts. */
  readonly normalized: boolean;
  /** Layers that route, ascending; the others have a plain block. */
  readonly layers: readonly number[];
  names(layer: number): MoeNames;
}

/** Far above any model; bounds what a hostile config makes us allocate. */
const MAX_EXPERTS = 4096;

export function readExperts(
  config: ConfigFields,
  keys: readonly string[],
  fallback: { experts: number; topK: number },
): Pick<MoeShape, 'experts' | 'topK'> {
  const experts = config.dimension(keys, fallback.experts);
  const topK = config.dimension(['num_experts_per_tok'], fallback.topK);
  if (experts > MAX_EXPERTS) throw config.fail(keys[0]!, `at most ${MAX_EXPERTS}`, experts);
  if (topK > experts) throw config.fail('num_experts_per_tok', `at most ${experts}`, topK);
  return { experts, topK };
}

/** True for a layer whose feed-forward block is a mixture of experts. */
export function routes(moe: MoeShape | null, layer: number): moe is MoeShape {
  return moe?.layers.includes(layer) ?? false;
}

/** What is known of the routers before the model is opened; null where there are none. */
export function routingShape(moe: MoeShape | null): RoutingShape | null {
  if (moe === null) return null;
  const { layers, experts, topK, normalized } = moe;
  return { layers, experts, topK, normalized };
}
