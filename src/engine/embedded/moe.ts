/** The feed-forward block of a layer that routes, by ONNX Runtime's MoE or QMoE. */
import type { BlockContext } from './block.ts';
import { gatedMlp } from './mlp.ts';
import type { MoeShape } from './moe-shape.ts';

/** What a layer's router chose: values of the graph, both [T, topK], most likely first. */
export interface RouterOutput {
  /** i64. */
  readonly ids: string;
  /** Shares of the softmax over all experts, not normalised again. */
  readonly probabilities: string;
}

/**
 * x [T, hidden] → [T, hidden]. The kernels are told to normalise always, because the CPU's are
 * wrong when told not to (MoE gives zeros, QMoE ignores it): where the model does not, the result
 * is multiplied by the sum that was divided out.
 */
export function mixtureOfExperts(
  context: BlockContext,
  x: string,
  of: { moe: MoeShape; layer: number },
): { y: string; router: RouterOutput } {
  const { graph, weights } = context;
  const { moe, layer } = of;
  const names = moe.names(layer);
  const logits = weights.linear(x, names.router, false);
  const router = choose(context, logits, moe.topK);
  const experts = Array.from({ length: moe.experts }, (_, index) => names.expert(index));
  let y = weights.experts(x, { logits, topK: moe.topK, name: names.router, experts });
  if (!moe.normalized) {
    const sum = graph.op('ReduceSum', [router.probabilities, graph.i64([-1])], { keepdims: 1 });
    y = graph.op('Mul', [y, sum]);
  }
  if (names.shared === null) return { y, router };
  const weighed = graph.op('Sigmoid', [weights.linear(x, names.shared.weighedBy, false)]);
  const shared = gatedMlp(context, x, { ...names.shared, size: moe.sharedSize });
  return { y: graph.op('Add', [y, graph.op('Mul', [weighed, shared])]), router };
}

function choose({ graph }: BlockContext, logits: string, topK: number): RouterOutput {
  const shares = graph.op('Softmax', [logits], { axis: -1 });
  const inputs = [shares, graph.i64([topK])];
  const [probabilities, ids] = graph.many('TopK', inputs, { axis: -1 }, { count: 2 });
  return { ids: ids!, probabilities: probabilities! };
}
