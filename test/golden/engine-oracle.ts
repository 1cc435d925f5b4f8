/**
 * A plain forward pass of every supported architecture, as an oracle for the graphs: f64, one row
 * at a time, no cache, no batching, every formula written out. It shares no arithmetic with the
 * engine; it reads the same description of the model.
 */
import type { Architecture, LayerNames } from '../../src/engine/embedded/architecture.ts';
import type { GatedNames, MoeShape } from '../../src/engine/embedded/moe-shape.ts';

/** A tensor by its full name, in the order of the file. */
export type Weights = (name: string) => ArrayLike<number>;
type Matrix = Float64Array[];

interface Model {
  readonly arch: Architecture;
  readonly weights: Weights;
}

/** Hidden states after the final norm, [ids.length][hiddenSize]. */
export function oracleHidden(model: Model, ids: readonly number[]): Matrix {
  const { arch, weights } = model;
  const { hiddenSize: size, names } = arch;
  const table = weights(`${names.embed}.weight`);
  const positions = names.positions === '' ? null : weights(`${names.positions}.weight`);
  let x: Matrix = ids.map((id, p) =>
    Float64Array.from({ length: size }, (_, i) => {
      return table[id * size + i]! + (positions?.[p * size + i] ?? 0);
    }),
  );
  for (let layer = 0; layer < arch.layers; layer++) {
    const layerNames = names.layer(layer);
    const mixed = attend(model, normRows(model, x, layerNames.inputNorm), layer);
    const joined = add(x, mixed);
    const source = arch.residual === 'parallel' ? x : joined;
    const normed = normRows(model, source, layerNames.mlpNorm);
    const moe = arch.moe?.layers.includes(layer) ? arch.moe : null;
    const added =
      moe === null
        ? feedForward(model, normed, layerNames)
        : experts(model, normed, { moe, layer });
    x = add(joined, added);
  }
  return normRows(model, x, names.finalNorm);
}

/** Logits, [ids.length][vocabulary]. */
export function oracleLogits(model: Model, ids: readonly number[]): Matrix {
  const { arch, weights } = model;
  const head = weights(`${arch.tied ? arch.names.embed : arch.names.head}.weight`);
  const rows = arch.labels?.length ?? arch.vocabSize;
  const size = arch.hiddenSize;
  return oracleHidden(model, ids).map((hidden) =>
    Float64Array.from({ length: rows }, (_, r) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += hidden[i]! * head[r * size + i]!;
      return sum;
    }),
  );
}

const add = (a: Matrix, b: Matrix): Matrix => a.map((row, r) => row.map((v, i) => v + b[r]![i]!));

function normRow(model: Model, row: Float64Array, name: string): Float64Array {
  const { arch, weights } = model;
  const gain = weights(`${name}.weight`);
  const mean = arch.norm === 'layer' ? row.reduce((s, v) => s + v, 0) / row.length : 0;
  const square = row.reduce((s, v) => s + (v - mean) ** 2, 0) / row.length;
  const scale = 1 / Math.sqrt(square + arch.epsilon);
  const shift = arch.norm === 'layer' ? weights(`${name}.bias`) : null;
  return row.map((v, i) => (v - mean) * scale * gain[i]! + (shift?.[i] ?? 0));
}

const normRows = (model: Model, x: Matrix, name: string): Matrix =>
  x.map((row) => normRow(model, row, name));

function linear({ arch, weights }: Model, x: Matrix, name: string, bias: boolean): Matrix {
  const matrix = weights(`${name}.weight`);
  const shift = bias ? weights(`${name}.bias`) : null;
  return x.map((row) => {
    const out = matrix.length / row.length;
    return Float64Array.from({ length: out }, (_, o) => {
      let sum = shift?.[o] ?? 0;
      for (let i = 0; i < row.length; i++) {
        sum += row[i]! * matrix[arch.conv1d ? i * out + o : o * row.length + i]!;
      }
      return sum;
    });
  });
}

/** One head of one token. */
const slice = (row: Float64Array, head: number, size: number): Float64Array =>
  row.slice(head * size, (head + 1) * size);

/** q, k and v as [token][head][headDim]. */
function project(model: Model, x: Matrix, names: LayerNames): Record<'q' | 'k' | 'v', Matrix[]> {
  const { heads, kvHeads, headDim, attention } = model.arch;
  const split = (rows: Matrix, count: number): Matrix[] =>
    rows.map((row) => Array.from({ length: count }, (_, h) => slice(row, h, headDim)));
  if (attention.projection === 'separate') {
    return {
      q: split(linear(model, x, names.q, attention.bias), heads),
      k: split(linear(model, x, names.k, attention.bias), kvHeads),
      v: split(linear(model, x, names.v, attention.bias), kvHeads),
    };
  }
  const pieces = split(linear(model, x, names.qkv, attention.bias), heads + 2 * kvHeads);
  if (attention.projection === 'fused') {
    return {
      q: pieces.map((row) => row.slice(0, heads)),
      k: pieces.map((row) => row.slice(heads, heads + kvHeads)),
      v: pieces.map((row) => row.slice(heads + kvHeads)),
    };
  }
  const every = (part: number): Matrix[] =>
    pieces.map((row) => row.filter((_, index) => index % 3 === part));
  return { q: every(0), k: every(1), v: every(2) };
}

/** Rotates pairs (i, i + half) of the first rotaryDim dimensions. */
function rotate(arch: Architecture, head: Float64Array, position: number): Float64Array {
  if (arch.rope === null) return head;
  const { rotaryDim, theta, scaling } = arch.rope;
  const half = rotaryDim / 2;
  const out = head.slice();
  for (let i = 0; i < half; i++) {
    let frequency = theta ** ((-2 * i) / rotaryDim);
    if (scaling.type === 'linear') frequency /= scaling.factor;
    if (scaling.type === 'llama3') {
      const turns = (scaling.originalMaxPositions * frequency) / (2 * Math.PI);
      const { lowFrequencyFactor: low, highFrequencyFactor: high, factor } = scaling;
      const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      frequency *= keep + (1 - keep) / factor;
    }
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
    out[i] = head[i]! * cos - head[i + half]! * sin;
    out[i + half] = head[i + half]! * cos + head[i]! * sin;
  }
  return out;
}

function normHeads(model: Model, heads: Matrix, name: string): Matrix {
  const { qkNorm } = model.arch.attention;
  if (qkNorm === null) return heads;
  if (qkNorm === 'head') return normRows(model, heads, name);
  const size = heads[0]!.length;
  const whole = normRow(model, Float64Array.from(heads.flatMap((head) => [...head])), name);
  return heads.map((_, head) => slice(whole, head, size));
}

function attend(model: Model, x: Matrix, layer: number): Matrix {
  const { arch } = model;
  const names = arch.names.layer(layer);
  const { scales, windows, outputBias } = arch.attention;
  const parts = project(model, x, names);
  const prepare = (tokens: Matrix[], name: string): Matrix[] =>
    tokens.map((row, position) =>
      normHeads(model, row, name).map((head) => rotate(arch, head, position)),
    );
  const q = prepare(parts.q, names.qNorm);
  const k = prepare(parts.k, names.kNorm);
  const mixed = x.map((_, t) => {
    const first = Math.max(0, t + 1 - (windows[layer] ?? Number.POSITIVE_INFINITY));
    const row = new Float64Array(arch.heads * arch.headDim);
    for (let h = 0; h < arch.heads; h++) {
      const shared = Math.floor(h / (arch.heads / arch.kvHeads));
      const weights: number[] = [];
      for (let s = first; s <= t; s++) {
        const dot = q[t]![h]!.reduce((sum, v, i) => sum + v * k[s]![shared]![i]!, 0);
        weights.push(Math.exp(dot * scales[layer]!));
      }
      const total = weights.reduce((sum, v) => sum + v, 0);
      weights.forEach((weight, i) => {
        parts.v[first + i]![shared]!.forEach((v, d) => {
          row[h * arch.headDim + d]! += (weight / total) * v;
        });
      });
    }
    return row;
  });
  return linear(model, mixed, names.o, outputBias);
}

/** erf by its series 2/√π Σ (−1)ⁿ x^(2n+1) / (n! (2n+1)); 1 beyond |x| = 5. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const ACTIVATIONS = {
  silu: (x: number) => x / (1 + Math.exp(-x)),
  relu: (x: number) => Math.max(0, x),
  gelu: (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  'gelu-tanh': (x: number) =>
    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

/** Every token by itself: the top k of the softmax, their blocks one by one. */
function experts(
  model: Model,
  x: Matrix,
  { moe, layer }: { moe: MoeShape; layer: number },
): Matrix {
  const names = moe.names(layer);
  const scores = linear(model, x, names.router, false);
  return x.map((row, t) => {
    const exps = scores[t]!.map(Math.exp);
    const total = exps.reduce((sum, v) => sum + v, 0);
    const chosen = [...exps.keys()].sort((a, b) => exps[b]! - exps[a]!).slice(0, moe.topK);
    const among = moe.normalized ? chosen.reduce((sum, e) => sum + exps[e]!, 0) : total;
    const out = new Float64Array(row.length);
    const put = (weight: number, of: GatedNames): void => {
      const [result] = gatedBlock(model, [row], of);
      result!.forEach((v, i) => {
        out[i]! += weight * v;
      });
    };
    for (const expert of chosen) put(exps[expert]! / among, names.expert(expert));
    if (names.shared !== null) {
      const [[gate]] = linear(model, [row], names.shared.weighedBy, false) as [Float64Array];
      put(1 / (1 + Math.exp(-gate!)), names.shared);
    }
    return out;
  });
}

function gatedBlock(model: Model, x: Matrix, names: GatedNames): Matrix {
  const gate = linear(model, x, names.gate, false);
  const up = linear(model, x, names.up, false);
  const inner = gate.map((row, r) => row.map((v, i) => ACTIVATIONS.silu(v) * up[r]![i]!));
  return linear(model, inner, names.down, false);
}

function feedForward(model: Model, x: Matrix, names: LayerNames): Matrix {
  const { kind, activation, bias } = model.arch.mlp;
  const act = (row: Float64Array): Float64Array => row.map(ACTIVATIONS[activation]);
  let inner: Matrix;
  if (kind === 'plain') inner = linear(model, x, names.up, bias).map(act);
  else {
    const both = kind === 'gated-fused' ? linear(model, x, names.gateUp, bias) : null;
    const half = model.arch.intermediateSize;
    const gate = both?.map((r) => r.slice(0, half)) ?? linear(model, x, names.gate, bias);
    const up = both?.map((row) => row.slice(half)) ?? linear(model, x, names.up, bias);
    inner = gate.map((row, r) => act(row).map((v, i) => v * up[r]![i]!));
  }
  return linear(model, inner, names.down, bias);
}
