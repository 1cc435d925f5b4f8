/** Which tensors a model needs, in which shapes, and whether a checkpoint has them. */
import { FormatError } from '../../record/errors.ts';
import { isQuantized } from '../../weights/quantized-source.ts';
import type { TensorSource } from '../../weights/source.ts';
import type { Architecture, LayerNames } from './architecture.ts';
import { type GatedNames, type MoeShape, routes } from './moe-shape.ts';

export interface ExpectedTensor {
  /** Full name in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: 'embedding' | 'matrix' | 'head' | 'norm' | 'bias';
}

/** Every tensor that the graph reads, in layer order. GPT-2's matrices are [in, out]. */
export function expectedTensors(arch: Architecture): ExpectedTensor[] {
  const { names, hiddenSize: hidden } = arch;
  const list: ExpectedTensor[] = [
    { name: `${names.embed}.weight`, shape: [arch.vocabSize, hidden], role: 'embedding' },
  ];
  if (names.positions !== '') {
    const shape = [arch.maxPositions, hidden];
    list.push({ name: `${names.positions}.weight`, shape, role: 'embedding' });
  }
  for (let layer = 0; layer < arch.layers; layer++) {
    list.push(...attentionTensors(arch, names.layer(layer)));
    list.push(...normTensors(arch, names.layer(layer).mlpNorm, hidden));
    if (routes(arch.moe, layer)) list.push(...moeTensors(arch, arch.moe, layer));
    else list.push(...mlpTensors(arch, names.layer(layer)));
  }
  list.push(...normTensors(arch, names.finalNorm, hidden));
  if (!arch.tied) {
    const rows = arch.labels?.length ?? arch.vocabSize;
    list.push({ name: `${names.head}.weight`, shape: [rows, hidden], role: 'head' });
  }
  return list;
}

function normTensors(arch: Architecture, prefix: string, size: number): ExpectedTensor[] {
  const weight: ExpectedTensor = { name: `${prefix}.weight`, shape: [size], role: 'norm' };
  if (arch.norm === 'rms') return [weight];
  return [weight, { name: `${prefix}.bias`, shape: [size], role: 'bias' }];
}

function linearTensors(
  arch: Architecture,
  name: string,
  size: { out: number; in: number; bias: boolean },
): ExpectedTensor[] {
  const shape = arch.conv1d ? [size.in, size.out] : [size.out, size.in];
  const weight: ExpectedTensor = { name: `${name}.weight`, shape, role: 'matrix' };
  if (!size.bias) return [weight];
  return [weight, { name: `${name}.bias`, shape: [size.out], role: 'bias' }];
}

function attentionTensors(arch: Architecture, names: LayerNames): ExpectedTensor[] {
  const { attention, hiddenSize: hidden, headDim } = arch;
  const queries = arch.heads * headDim;
  const keys = arch.kvHeads * headDim;
  const bias = attention.bias;
  const list = normTensors(arch, names.inputNorm, hidden);
  if (attention.projection === 'separate') {
    list.push(...linearTensors(arch, names.q, { out: queries, in: hidden, bias }));
    list.push(...linearTensors(arch, names.k, { out: keys, in: hidden, bias }));
    list.push(...linearTensors(arch, names.v, { out: keys, in: hidden, bias }));
  } else {
    list.push(...linearTensors(arch, names.qkv, { out: queries + 2 * keys, in: hidden, bias }));
  }
  if (attention.qkNorm !== null) {
    const whole = attention.qkNorm === 'whole';
    list.push(...normTensors(arch, names.qNorm, whole ? queries : headDim));
    list.push(...normTensors(arch, names.kNorm, whole ? keys : headDim));
  }
  const output = { out: hidden, in: queries, bias: attention.outputBias };
  list.push(...linearTensors(arch, names.o, output));
  return list;
}

function mlpTensors(arch: Architecture, names: LayerNames): ExpectedTensor[] {
  const { mlp, hiddenSize: hidden, intermediateSize: inner } = arch;
  const bias = mlp.bias;
  const list: ExpectedTensor[] = [];
  if (mlp.kind === 'gated-fused') {
    list.push(...linearTensors(arch, names.gateUp, { out: 2 * inner, in: hidden, bias }));
  } else {
    if (mlp.kind === 'gated') {
      list.push(...linearTensors(arch, names.gate, { out: inner, in: hidden, bias }));
    }
    list.push(...linearTensors(arch, names.up, { out: inner, in: hidden, bias }));
  }
  list.push(...linearTensors(arch, names.down, { out: hidden, in: inner, bias }));
  return list;
}

function moeTensors(arch: Architecture, moe: MoeShape, layer: number): ExpectedTensor[] {
  const { hiddenSize: hidden } = arch;
  const { router, shared, expert } = moe.names(layer);
  const matrix = (name: string, out: number, size: number): ExpectedTensor[] =>
    linearTensors(arch, name, { out, in: size, bias: false });
  const gated = (names: GatedNames, inner: number): ExpectedTensor[] => [
    ...matrix(names.gate, inner, hidden),
    ...matrix(names.up, inner, hidden),
    ...matrix(names.down, hidden, inner),
  ];
  const list = matrix(router, moe.experts, hidden);
  for (let e = 0; e < moe.experts; e++) list.push(...gated(expert(e), moe.intermediateSize));
  if (shared === null) return list;
  return [...list, ...gated(shared, moe.sharedSize), ...matrix(shared.weighedBy, 1, hidden)];
}

/** Throws one FormatError that lists every missing tensor and every wrong shape. */
export function checkTensors(arch: Architecture, source: TensorSource): void {
  const problems: string[] = [];
  for (const { name, shape: plain, role } of expectedTensors(arch)) {
    let shape = plain;
    if (!source.has(name)) {
      problems.push(`tensor ${name} is missing`);
      continue;
    }
    const got = source.info(name).shape;
    const scheme = role === 'matrix' && isQuantized(source) ? source.schemeOf(name) : null;
    if (arch.conv1d && scheme !== null) {
      if (scheme.family !== 'int') {
        problems.push(`tensor ${name} is ${scheme.text}: no format says which way a Conv1D lies`);
        continue;
      }
      // GPTQ, the one format that others quantize GPT-2 in, turns a Conv1D into a linear layer.
      shape = shape.toReversed();
    }
    if (got.length !== shape.length || got.some((size, axis) => size !== shape[axis])) {
      problems.push(`tensor ${name} has shape [${got}], config.json implies [${shape}]`);
    }
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, 8);
  if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
  throw new FormatError(`the weights do not fit ${arch.className}:\n  ${shown.join('\n  ')}`, {
    hint: 'config.json and the safetensors files must come from the same model.',
    details: { problems: problems.length },
  });
}

/** Weights that the model reads, tied ones counted once. */
export function countParameters(arch: Architecture): number {
  let total = 0;
  for (const { shape } of expectedTensors(arch)) {
    total += shape.reduce((product, size) => product * size, 1);
  }
  return total;
}
