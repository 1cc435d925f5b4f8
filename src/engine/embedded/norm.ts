/** RMSNorm and LayerNorm, with f32 statistics. */
import type { BlockContext } from './block.ts';

/**
 * `SimplifiedLayerNormalization` is ONNX Runtime's RMSNorm: it lies in the default domain although
 * ONNX does not define it.
 */
function rmsNorm(context: BlockContext, x: string, name: string): string {
  return context.graph.op(
    'SimplifiedLayerNormalization',
    [x, context.weights.vector(`${name}.weight`)],
    { axis: -1, epsilon: { float: context.arch.epsilon }, stash_type: 1 },
  );
}

/** Normalises the last axis with the tensors under `name`. */
export function norm(context: BlockContext, x: string, name: string): string {
  if (context.arch.norm === 'rms') return rmsNorm(context, x, name);
  const { weights } = context;
  return context.graph.op(
    'LayerNormalization',
    [x, weights.vector(`${name}.weight`), weights.vector(`${name}.bias`)],
    { axis: -1, epsilon: { float: context.arch.epsilon }, stash_type: 1 },
  );
}

/** RMSNorm of every head on its own: x [T, heads × headDim]. */
export function headNorm(
  context: BlockContext,
  x: string,
  options: { name: string; heads: number },
): string {
  const { graph, arch } = context;
  const apart = graph.reshape(x, [-1, options.heads, arch.headDim]);
  const normed = rmsNorm(context, apart, options.name);
  return graph.reshape(normed, [-1, options.heads * arch.headDim]);
}
