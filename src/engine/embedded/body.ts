/** The graph from token ids to the normalised hidden states of every token. */
import type { Architecture } from './architecture.ts';
import { attention } from './attention.ts';
import type { BlockContext, BlockWeights, SequenceValues } from './block.ts';
import type { GraphBuilder } from './graph.ts';
import { mlp } from './mlp.ts';
import { mixtureOfExperts, type RouterOutput } from './moe.ts';
import { routes } from './moe-shape.ts';
import { addAndNorm, norm } from './norm.ts';
import { DATA_TYPE, type DataType } from './onnx.ts';
import { attentionRotates, rotaryConstants } from './rotary.ts';

/** i32 and f32 [B × S, layers that route × topK]: see `RouterOutput`. */
export const ROUTER_IDS = 'router_ids';
export const ROUTER_SHARES = 'router_shares';

/**
 * Inputs: `input_ids` i64 [B, S], rows right-padded with any valid id; `lengths` i64 [B], valid
 * tokens of each row including this call; `total` i64 scalar, the largest of them; the past keys
 * and values [B, kvHeads, P, headDim], P = 0 or the cache's capacity.
 * Outputs: `hidden` [B × S, hiddenSize] after the final norm (rows of padding mean nothing)
 * and the present keys and values; with `routing`, also what the routers chose.
 *
 * Floats are `weights.float`. With S = total the call is a prefill of an empty cache; else S must
 * be 1 (one token a row).
 */
export function buildBody(
  graph: GraphBuilder,
  arch: Architecture,
  weights: BlockWeights,
  options: { readonly routing?: boolean } = {},
): void {
  graph.input('input_ids', DATA_TYPE.i64, ['batch', 'sequence']);
  graph.input('lengths', DATA_TYPE.i64, ['batch']);
  graph.input('total', DATA_TYPE.i64, []);
  const context: BlockContext = {
    graph,
    arch,
    weights,
    sequence: sequenceValues(graph, arch, weights.float),
  };
  const routers: RouterOutput[] = [];
  let state: State = { x: embed(context), added: null };
  for (let layer = 0; layer < arch.layers; layer++) state = block(context, state, layer, routers);
  const { normed } = sumAndNorm(context, state, arch.names.finalNorm);
  const dims = ['tokens', arch.hiddenSize];
  graph.outputAs(normed, { name: 'hidden', type: weights.float, dims });
  if (options.routing) routerOutputs(context, routers);
}

/** What all routers chose, side by side: one value to fetch, however many layers there are. */
function routerOutputs({ graph, arch }: BlockContext, routers: readonly RouterOutput[]): void {
  const dims = ['tokens', routers.length * arch.moe!.topK];
  const ids = routers.map((router) => router.ids);
  const together = graph.op('Concat', ids, { axis: 1 });
  graph.many('Cast', [together], { to: DATA_TYPE.i32 }, { outputs: [ROUTER_IDS] });
  graph.output(ROUTER_IDS, DATA_TYPE.i32, dims);
  const shares = routers.map((router) => router.probabilities);
  graph.many('Concat', shares, { axis: 1 }, { outputs: [ROUTER_SHARES] });
  graph.output(ROUTER_SHARES, DATA_TYPE.f32, dims);
}

function sequenceValues(graph: GraphBuilder, arch: Architecture, float: DataType): SequenceValues {
  const sizes = graph.op('Shape', ['input_ids']);
  const last = graph.op('Sub', ['lengths', graph.i64Scalar(1)]);
  const needPositions = arch.rope === null || !attentionRotates(arch);
  return {
    shape: graph.op('Concat', [sizes, graph.i64([-1])], { axis: 0 }),
    lastIndex: graph.op('Cast', [last], { to: DATA_TYPE.i32 }),
    total: graph.op('Cast', ['total'], { to: DATA_TYPE.i32 }),
    positions: needPositions ? positions(graph, sizes) : '',
    tables: rotaryConstants(graph, arch, float),
  };
}

/** max(length − S, 0) + 0 … S−1: from 0 in a padded prefill, the past's length in a decode step. */
function positions(graph: GraphBuilder, sizes: string): string {
  const width = graph.op('Gather', [sizes, graph.i64Scalar(1)], { axis: 0 });
  const zero = graph.i64Scalar(0);
  const start = graph.op('Max', [graph.op('Sub', ['lengths', width]), zero]);
  const steps = graph.op('Range', [zero, width, graph.i64Scalar(1)]);
  return graph.op('Add', [graph.op('Unsqueeze', [start, graph.i64([1])]), steps]);
}

function embed(context: BlockContext): string {
  const { graph, arch, weights, sequence } = context;
  let rows = weights.rows(`${arch.names.embed}.weight`, 'input_ids');
  if (arch.names.positions !== '') {
    const learned = weights.rows(`${arch.names.positions}.weight`, sequence.positions);
    rows = graph.op('Add', [rows, learned]);
  }
  return graph.reshape(rows, [-1, arch.hiddenSize]);
}

/** Hidden states and what the last layer adds to them: the norm that needs the sum makes it. */
interface State {
  readonly x: string;
  readonly added: string | null;
}

function sumAndNorm(
  context: BlockContext,
  { x, added }: State,
  name: string,
): { sum: string; normed: string } {
  if (added === null) return { sum: x, normed: norm(context, x, name) };
  return addAndNorm(context, { x, added }, name);
}

function block(context: BlockContext, state: State, layer: number, routers: RouterOutput[]): State {
  const { graph, arch } = context;
  const names = arch.names.layer(layer);
  const { sum, normed } = sumAndNorm(context, state, names.inputNorm);
  const mixed = attention(context, normed, layer);
  if (arch.residual === 'parallel') {
    const added = mlp(context, norm(context, sum, names.mlpNorm), names);
    return { x: graph.op('Add', [sum, mixed]), added };
  }
  const joined = addAndNorm(context, { x: sum, added: mixed }, names.mlpNorm);
  if (!routes(arch.moe, layer)) return { x: joined.sum, added: mlp(context, joined.normed, names) };
  const { y, router } = mixtureOfExperts(context, joined.normed, { moe: arch.moe, layer });
  routers.push(router);
  return { x: joined.sum, added: y };
}
