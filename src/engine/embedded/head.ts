/** The graphs from chosen hidden states to what we want to know of them. */
import type { BlockWeights } from './block.ts';
import type { GraphBuilder } from './graph.ts';
import { DATA_TYPE } from './onnx.ts';

interface HeadShape {
  readonly name: string;
  readonly hiddenSize: number;
}

/**
 * Inputs: `x` f32 [T, hidden], `targets` i64 [T, 1]. Outputs: `logits` f32 [T, vocab], `best`
 * i64 [T, 1] (argmax, the lowest id of a tie) and those of `addScores`.
 */
export function buildLanguageHead(
  graph: GraphBuilder,
  weights: BlockWeights,
  head: HeadShape & { vocabSize: number },
): void {
  const x = graph.input('x', DATA_TYPE.f32, ['tokens', head.hiddenSize]);
  const logits = weights.linear(x, head.name, false);
  addScores(graph, logits);
  const best = graph.op('ArgMax', [logits], { axis: -1, keepdims: 1, select_last_index: 0 });
  graph.outputAs(best, { name: 'best', type: DATA_TYPE.i64, dims: ['tokens', 1] });
  const dims = ['tokens', head.vocabSize];
  graph.outputAs(logits, { name: 'logits', type: DATA_TYPE.f32, dims });
}

/**
 * Adds the input `targets` i64 [T, 1] and, per token, the outputs `logp` and `topLogp` (natural
 * log) and `sumSquares` (Σp²) f32 [T, 1]; returns the largest logit of each token, [T, 1].
 *
 * One exponential per logit serves all of them: with e = exp(l − max), log p = l − max − log Σe
 * and Σp² = Σe² / (Σe)². f32 throughout; Σ runs over the vocabulary in the kernel's own order.
 */
function addScores(graph: GraphBuilder, logits: string): string {
  const targets = graph.input('targets', DATA_TYPE.i64, ['tokens', 1]);
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
  return top;
}

/** Input `x` f32 [T, hidden]; output `logits` f32 [T, labels]. */
export function buildClassifier(
  graph: GraphBuilder,
  weights: BlockWeights,
  head: HeadShape & { labels: number },
): void {
  const x = graph.input('x', DATA_TYPE.f32, ['tokens', head.hiddenSize]);
  const logits = weights.linear(x, head.name, false);
  const dims = ['tokens', head.labels];
  graph.outputAs(logits, { name: 'logits', type: DATA_TYPE.f32, dims });
}

/**
 * The head of a GPU: `hidden` [N, hidden] at `rows` i64 [T] → `logits` f32 [T, width]. What is
 * computed of the logits has graphs of its own, because a graph always runs as a whole: choosing a
 * token needs the argmax and none of the sums.
 */
export function buildGpuHead(
  graph: GraphBuilder,
  weights: BlockWeights,
  head: HeadShape & { width: number },
): void {
  graph.input('hidden', weights.float, ['all', head.hiddenSize]);
  graph.input('rows', DATA_TYPE.i64, ['tokens']);
  const x = graph.op('Gather', ['hidden', 'rows'], { axis: 0 });
  const logits = weights.linear(x, head.name, false);
  const declared = { name: 'logits', type: DATA_TYPE.f32, dims: ['tokens', head.width] };
  if (weights.float === DATA_TYPE.f32) graph.outputAs(logits, declared);
  else {
    // Sums over a vocabulary lose too much in 16 bits.
    graph.many('Cast', [logits], { to: DATA_TYPE.f32 }, { outputs: ['logits'] });
    graph.output('logits', DATA_TYPE.f32, declared.dims);
  }
}

/** Input `logits` f32 [T, width]; `targets`, and the outputs of `addScores`, `best` as i32. */
export function buildScores(graph: GraphBuilder, width: number): void {
  const logits = graph.input('logits', DATA_TYPE.f32, ['tokens', width]);
  const top = addScores(graph, logits);
  addGpuBest(graph, { logits, top, width });
}

/** Input `logits` f32 [T, width]; output `best` i32 [T, 1]. */
export function buildBest(graph: GraphBuilder, width: number): void {
  const logits = graph.input('logits', DATA_TYPE.f32, ['tokens', width]);
  const top = graph.op('ReduceMax', [logits, graph.i64([-1])], { keepdims: 1 });
  addGpuBest(graph, { logits, top, width });
}

/**
 * The lowest id whose logit is the largest. The GPU's `ArgMax` took milliseconds for a
 * vocabulary of 32,000; its maxima and minima are quick. Ids are counted in f32,
 * which is exact below 2^24; where all logits are NaN the last id is given.
 */
function addGpuBest(
  graph: GraphBuilder,
  { logits, top, width }: { logits: string; top: string; width: number },
): void {
  const f32 = DATA_TYPE.f32;
  const ids = graph.constant(
    'ids',
    f32,
    [1, width],
    Float32Array.from({ length: width }, (_, i) => i),
  );
  const last = graph.constant('last', f32, [1, 1], Float32Array.of(width - 1));
  const isTop = graph.op('Equal', [logits, top]);
  const candidates = graph.op('Where', [isTop, ids, last]);
  const lowest = graph.op('ReduceMin', [candidates, graph.i64([-1])], { keepdims: 1 });
  graph.many('Cast', [lowest], { to: DATA_TYPE.i32 }, { outputs: ['best'] });
  graph.output('best', DATA_TYPE.i32, ['tokens', 1]);
}
