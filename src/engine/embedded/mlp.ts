/** The feed-forward block. */
import type { Activation, LayerNames } from './architecture.ts';
import type { BlockContext } from './block.ts';
import type { GraphBuilder } from './graph.ts';

function activate(graph: GraphBuilder, x: string, activation: Activation): string {
  switch (activation) {
    case 'silu':
      return graph.op('Mul', [x, graph.op('Sigmoid', [x])]);
    case 'relu':
      return graph.op('Relu', [x]);
    case 'gelu':
      return graph.op('Gelu', [x], { approximate: 'none' });
    case 'gelu-tanh':
      return graph.op('Gelu', [x], { approximate: 'tanh' });
  }
}

/** x [T, hidden] → [T, hidden]. */
export function mlp(context: BlockContext, x: string, names: LayerNames): string {
  const { arch, weights } = context;
  return weights.linear(inner(context, x, names), names.down, arch.mlp.bias);
}

/** The state between the two projections, [T, intermediate]. */
function inner(context: BlockContext, x: string, names: LayerNames): string {
  const { graph, arch, weights } = context;
  const { kind, activation, bias } = arch.mlp;
  if (kind === 'plain') return activate(graph, weights.linear(x, names.up, bias), activation);
  if (kind === 'gated') {
    const both = weights.fused(x, [names.gate, names.up], bias);
    if (both !== null) return gated(context, both);
    const gate = activate(graph, weights.linear(x, names.gate, bias), activation);
    return graph.op('Mul', [gate, weights.linear(x, names.up, bias)]);
  }
  return gated(context, weights.linear(x, names.gateUp, bias));
}

/** [gate | up] → activated gate × up. */
function gated({ graph, arch }: BlockContext, both: string): string {
  const half = arch.intermediateSize;
  const { activation } = arch.mlp;
  const [gate, up] = graph.split(both, [half, half]);
  return graph.op('Mul', [activate(graph, gate!, activation), up!]);
}
