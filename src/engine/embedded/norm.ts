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

/** x + added and its norm, in one node where the kernels have one. */
export function addAndNorm(
  context: BlockContext,
  parts: { x: string; added: string },
  name: string,
): { sum: string; normed: string } {
  const { graph, weights, arch } = context;
  const { x, added } = parts;
  if (!weights.gpu) {
    const sum = graph.op('Add', [x, added]);
    return { sum, normed: norm(context, sum, name) };
  }
  const inputs = [x, added, weights.vector(`${name}.weight`)];
  const rms = arch.norm === 'rms';
  if (!rms) inputs.push(weights.vector(`${name}.bias`));
  const [normed, sum] = [graph.fresh('normed'), graph.fresh('sum')];
  graph.microsoftMany(
    rms ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization',
    inputs,
    { epsilon: { float: arch.epsilon } },
    // The second and third outputs are statistics that training needs.
    { outputs: [normed, '', '', sum] },
  );
  return { sum, normed };
}

/** RMSNorm of queries or keys [T, heads × headDim], where the architecture has one. */
export function queryKeyNorm(
  context: BlockContext,
  x: string,
  options: { name: string; heads: number },
): string {
  const { graph, arch } = context;
  if (arch.attention.qkNorm === null) return x;
  if (arch.attention.qkNorm === 'whole') return rmsNorm(context, x, options.name);
  const apart = graph.reshape(x, [-1, options.heads, arch.headDim]);
  const normed = rmsNorm(context, apart, options.name);
  return graph.reshape(normed, [-1, options.heads * arch.headDim]);
}
