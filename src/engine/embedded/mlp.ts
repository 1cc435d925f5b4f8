/** The feed-forward block. */
import type { Activation, LayerNames } from './architecture.ts';
import type { BlockContext } from './block.ts';
import type { GraphBuilder } from './graph.ts';
import type { GatedNames } from './moe-shape.ts';

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
  const { kind, bias } = arch.mlp;
  if (kind === 'gated') return gatedMlp(context, x, { ...names, size: arch.intermediateSize });
  return weights.linear(inner(context, x, names), names.down, bias);
}

/** A gated block with matrices of its own; `size` columns lie between them. */
export function gatedMlp(
  context: BlockContext,
  x: string,
  { gate, up, down, size }: GatedNames & { size: number },
): string {
  const { graph, arch, weights } = context;
  const { activation, bias } = arch.mlp;
  const both = weights.fused(x, [gate, up], bias);
  if (both !== null) return weights.linear(gated(context, both, size), down, bias);
  const open = activate(graph, weights.linear(x, gate, bias), activation);
  const state = graph.op('Mul', [open, weights.linear(x, up, bias)]);
  return weights.linear(state, down, bias);
}

/** The state between the two projections, [T, intermediate]. */
function inner(context: BlockContext, x: string, names: LayerNames): string {
  const { graph, arch, weights } = context;
  const { kind, activation, bias } = arch.mlp;
  if (kind === 'plain') return activate(graph, weights.linear(x, names.up, bias), activation);
  return gated(context, weights.linear(x, names.gateUp, bias), arch.intermediateSize);
}

/** [gate | up] → activated gate × up. */
function gated({ graph, arch }: BlockContext, both: string, half: number): string {
  const { activation } = arch.mlp;
  const [gate, up] = graph.split(both, [half, half]);
  return graph.op('Mul', [activate(graph, gate!, activation), up!]);
}
