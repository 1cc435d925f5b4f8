/** The graph from chosen hidden states to what we want to know of them. */
import type { BlockWeights } from './block.ts';
import type { GraphBuilder } from './graph.ts';
import { DATA_TYPE } from './onnx.ts';

interface HeadShape {
  readonly name: string;
  readonly hiddenSize: number;
  /** The rows are chosen in the graph: `x` is `hidden` [N, hidden] at `rows` i64 [T]. */
  readonly picks: boolean;
}

function hiddenInput(graph: GraphBuilder, weights: BlockWeights, head: HeadShape): string {
  const { hiddenSize } = head;
  if (!head.picks) return graph.input('x', weights.float, ['tokens', hiddenSize]);
  graph.input('hidden', weights.float, ['all', hiddenSize]);
  graph.input('rows', DATA_TYPE.i64, ['tokens']);
  return graph.op('Gather', ['hidden', 'rows'], { axis: 0 });
}

/** Logits as f32: what is computed of them loses too much in 16 bits. */
function widen(graph: GraphBuilder, { float }: BlockWeights, logits: string): string {
  return float === DATA_TYPE.f32 ? logits : graph.op('Cast', [logits], { to: DATA_TYPE.f32 });
}

/**
 * Inputs: `x` [T, hidden], `targets` i64 [T, 1]. Outputs per token: `logits` [T, vocab],
 * `logp` and `topLogp` (natural log) and `sumSquares` (Σp²) f32 [T, 1], `best` i64 [T, 1] (argmax,
 * the lowest id of a tie).
 *
 * One exponential per logit serves all of them: with e = exp(l − max), log p = l − max − log Σe
 * and Σp² = Σe² / (Σe)². f32 from the logits on; Σ runs over the vocabulary in the kernel's own order.
 */
export function buildLanguageHead(
  graph: GraphBuilder,
  weights: BlockWeights,
  head: HeadShape & { vocabSize: number },
): void {
  const x = hiddenInput(graph, weights, head);
  const targets = graph.input('targets', DATA_TYPE.i64, ['tokens', 1]);
  const logits = widen(graph, weights, weights.linear(x, head.name, false));
  const axis = graph.i64([-1]);
  const top = graph.op('ReduceMax', [logits, axis], { keepdims: 1 });
  const exp = graph.op('Exp', [graph.op('Sub', [logits, top])]);
  const sum = graph.op('ReduceSum', [exp, axis], { keepdims: 1 });
  const squares = graph.op('ReduceSumSquare', [exp, axis], { keepdims: 1 });
  const logSum = graph.op('Log', [sum]);
  const target = graph.op('GatherElements', [logits, targets], { axis: -1 });
  const outputs = {
    logp: graph.op('Sub', [graph.op('Sub', [target, top]), logSum]),
    topLogp: graph.op('Neg', [logSum]),
    sumSquares: graph.op('Div', [squares, graph.op('Mul', [sum, sum])]),
  };
  for (const [name, value] of Object.entries(outputs)) {
    graph.outputAs(value, { name, type: DATA_TYPE.f32, dims: ['tokens', 1] });
  }
  const best = graph.op('ArgMax', [logits], { axis: -1, keepdims: 1, select_last_index: 0 });
  graph.outputAs(best, { name: 'best', type: DATA_TYPE.i64, dims: ['tokens', 1] });
  const dims = ['tokens', head.vocabSize];
  graph.outputAs(logits, { name: 'logits', type: DATA_TYPE.f32, dims });
}

/** Input `x` [T, hidden]; output `logits` f32 [T, labels]. */
export function buildClassifier(
  graph: GraphBuilder,
  weights: BlockWeights,
  head: HeadShape & { labels: number },
): void {
  const x = hiddenInput(graph, weights, head);
  const logits = widen(graph, weights, weights.linear(x, head.name, false));
  const dims = ['tokens', head.labels];
  graph.outputAs(logits, { name: 'logits', type: DATA_TYPE.f32, dims });
}
