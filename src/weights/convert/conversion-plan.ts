/**
 * Everything that a conversion will do, decided from headers before a byte is written: each tensor
 * of the model, what becomes of it, and why; then names, dtypes and shapes of every output file.
 */
import { FormatError, UsageError } from '../../record/errors.ts';
import { DTYPE_BYTES } from '../dtype.ts';
import type { StoredFloat } from '../encode.ts';
import { refuseProblems } from '../formats/resolve.ts';
import type { StoredTensor } from '../formats/stored-tensor.ts';
import { storedScheme } from '../formats/stored-tensor.ts';
import type { LookedAt } from '../looked-at.ts';
import { planTensors } from '../plan.ts';
import {
  layOutSafetensors,
  type SafetensorsLayout,
  type TensorToLayOut,
} from '../safetensors-write.ts';
import type { Scheme } from '../scheme.ts';
import {
  type OutputFormat,
  type PackedMatrix,
  quantizationConfig,
  refuseUnfit,
  scaleDtypeIn,
} from './output-format.ts';
import { outputTensors } from './pack.ts';

/** What becomes of one tensor of the model. */
export interface ConversionStep {
  readonly tensor: StoredTensor;
  readonly outputs: readonly TensorToLayOut[];
  readonly action:
    | { readonly kind: 'copy' }
    | { readonly kind: 'dequantize'; readonly to: StoredFloat }
    | { readonly kind: 'quantize'; readonly packed: PackedMatrix }
    | { readonly kind: 'repack'; readonly packed: PackedMatrix };
  /** How it is stored afterwards, in the one vocabulary. */
  readonly scheme: string;
  readonly group: number | null;
  /** Why it is not at what was asked for; null where it is. */
  readonly reason: string | null;
}

export interface OutputFile {
  readonly name: string;
  readonly steps: readonly ConversionStep[];
  readonly layout: SafetensorsLayout;
}

export interface ConversionPlan {
  readonly files: readonly OutputFile[];
  readonly config: Readonly<Record<string, unknown>>;
  /** The format's second configuration file, `quantize_config.json`; null: it has none. */
  readonly quantizeConfig: Readonly<Record<string, unknown>> | null;
  /** Bytes of all tensors: `total_size` of the index. */
  readonly tensorBytes: number;
  readonly fileBytes: number;
}

export function bytesOfTensor({ dtype, shape }: TensorToLayOut): number {
  return shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
}

/** @throws FormatError for what is not understood, and for input that is not quantized */
export function planDequantize(input: LookedAt, to: StoredFloat): ConversionPlan {
  refuseProblems(input);
  if (input.quantization === null) {
    throw new FormatError(`${input.path}: is not quantized`, {
      hint: 'config.json has no quantization_config; there is nothing to dequantize',
      details: { path: input.path, expected: 'quantization_config', got: null },
    });
  }
  const steps = input.tensors.map((tensor): ConversionStep => {
    if (tensor.kind === 'plain') return copyStep(tensor, 'not quantized');
    const outputs = [{ name: tensor.name, dtype: to, shape: tensor.shape }];
    const action = { kind: 'dequantize', to } as const;
    return { tensor, outputs, action, scheme: to.toLowerCase(), group: null, reason: null };
  });
  const { quantization_config: _, compression_config: __, ...config } = requireConfig(input);
  const dtype = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' }[to];
  for (const key of ['dtype', 'torch_dtype']) if (key in config) config[key] = dtype;
  return layOutPlan(steps, { config, quantizeConfig: null });
}

export function copyStep(tensor: StoredTensor, reason: string | null): ConversionStep {
  const { name, dtype, shape } = tensor.codes;
  const scheme = storedScheme(tensor);
  const outputs = [{ name, dtype, shape }];
  return { tensor, outputs, action: { kind: 'copy' }, scheme, group: null, reason };
}

/** Models of transformers whose matrices are Conv1D, [in, out]: config.json does not say so. */
const CONV1D: readonly unknown[] = ['gpt2', 'openai-gpt', 'imagegpt', 'decision_transformer'];

/** @throws FormatError where there is none, UsageError for a model whose matrices lie transposed */
export function requireConfig(input: LookedAt): Record<string, unknown> {
  const type = input.config?.model_type;
  if (CONV1D.includes(type)) {
    throw new UsageError(`${input.path}: ${type} stores its matrices as [in, out] (Conv1D)`, {
      hint: 'only models with linear layers are converted; `assay eval --scheme` quantizes it',
    });
  }
  if (input.config !== null) return { ...input.config };
  throw new FormatError(`${input.path}: has no config.json`, {
    hint: 'name the directory of a whole model, not one of its files',
    details: { path: input.path, expected: 'config.json' },
  });
}

export interface QuantizeRequest {
  readonly scheme: Scheme;
  readonly format: OutputFormat;
  readonly ignore: readonly string[];
}

/**
 * @throws UsageError for a scheme that the format cannot hold, FormatError for input that is
 * quantized already, a group that does not divide, and siblings of mixed schemes
 */
export function planQuantize(input: LookedAt, request: QuantizeRequest): ConversionPlan {
  const { scheme, format } = request;
  refuseUnfit(scheme, format);
  refuseProblems(input);
  const config = requireConfig(input);
  if (input.quantization !== null) {
    throw new FormatError(`${input.path}: is quantized already (${input.quantization.method})`, {
      hint: 'quantize the original; rounding twice loses more, and in ways nobody can measure',
      details: { path: input.path, got: input.quantization.method },
    });
  }
  const decisions = planTensors(input.source, scheme, { ignore: request.ignore });
  const byName = new Map(input.tensors.map((tensor) => [tensor.name, tensor]));
  const steps = decisions.map((decision): ConversionStep => {
    const tensor = byName.get(decision.name)!;
    if (decision.matrix === null) return copyStep(tensor, decision.reason);
    const { rows, cols } = decision.matrix;
    if (decision.matrix.scheme !== scheme) throw notDivided(decision.name, scheme, cols);
    const transposed = format === 'gptq' || format === 'awq';
    if (transposed && rows % 8 !== 0) throw notPacked(decision.name, format, rows);
    const packed: PackedMatrix = {
      module: decision.name.replace(/\.weight$/, ''),
      ...{ rows, cols, scheme, format },
      scaleDtype: scaleDtypeIn(format, decision.matrix.scaleDtype),
    };
    const outputs = outputTensors(packed);
    const action = { kind: 'quantize', packed } as const;
    return { tensor, outputs, action, scheme: scheme.text, group: scheme.group, reason: null };
  });
  const quantized = steps.filter(({ action }) => action.kind === 'quantize');
  if (quantized.length === 0) {
    throw new FormatError(`${input.path}: has no matrix to quantize`, {
      hint: 'everything is ignored or kept by default; `--ignore` may be too wide',
      details: { path: input.path },
    });
  }
  refuseMixedSiblings(steps);
  const quantization = quantizationConfig(scheme, format, keptModules(steps));
  return layOutPlan(steps, quantizedConfigs(config, quantization));
}

/** GPTQ's own loaders read a file beside config.json. */
export function quantizedConfigs(
  config: Readonly<Record<string, unknown>>,
  quantization: Readonly<Record<string, unknown>>,
): Pick<ConversionPlan, 'config' | 'quantizeConfig'> {
  return {
    config: { ...config, quantization_config: quantization },
    quantizeConfig: quantization.quant_method === 'gptq' ? quantization : null,
  };
}

function notDivided(name: string, { group, text }: Scheme, cols: number): FormatError {
  const module = name.replace(/\.weight$/, '');
  return new FormatError(`tensor "${name}": groups of ${group} do not divide in = ${cols}`, {
    hint: `choose a scheme with a smaller group than ${text}, or keep it: --ignore '${module}'`,
    details: { tensor: name, expected: `a multiple of ${group}`, got: cols },
  });
}

export function notPacked(name: string, format: string, rows: number): FormatError {
  const module = name.replace(/\.weight$/, '');
  return new FormatError(`tensor "${name}": ${format} packs 8 outputs a word; out = ${rows}`, {
    hint: `use --format compressed-tensors, or keep it: --ignore '${module}'`,
    details: { tensor: name, expected: 'a multiple of 8', got: rows },
  });
}

/** Modules that servers build as linear layers and must not quantize. */
export function keptModules(steps: readonly ConversionStep[]): string[] {
  return steps
    .filter(({ action, tensor }) => action.kind === 'copy' && tensor.shape.length === 2)
    .filter(({ tensor }) => tensor.name.endsWith('.weight'))
    .map(({ tensor }) => tensor.name.replace(/\.weight$/, ''));
}

/** Servers stack these into one matrix, which has one scheme. */
const STACKED: readonly (readonly string[])[] = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['gate_proj', 'up_proj'],
];

function refuseMixedSiblings(steps: readonly ConversionStep[]): void {
  const schemes = new Map(steps.map(({ tensor, scheme }) => [tensor.name, scheme]));
  for (const { tensor, scheme } of steps) {
    const [, parent, last] = /^(.*\.)([^.]+)\.weight$/.exec(tensor.name) ?? [];
    for (const sibling of STACKED.find((names) => names.includes(last ?? '')) ?? []) {
      const name = `${parent}${sibling}.weight`;
      const other = schemes.get(name);
      if (other === undefined || other === scheme) continue;
      throw new FormatError(`"${tensor.name}" would be ${scheme}, its sibling "${name}" ${other}`, {
        hint: 'servers stack them into one matrix: ignore all of them, or none',
        details: { tensor: tensor.name, sibling: name, expected: scheme, got: other },
      });
    }
  }
}

/** Steps by output file: as many files as the input has, with tensors in the same one. */
export function layOutPlan(
  steps: readonly ConversionStep[],
  rest: Pick<ConversionPlan, 'config' | 'quantizeConfig'>,
): ConversionPlan {
  refuseTwice(steps);
  const shards = new Map<string, ConversionStep[]>();
  for (const step of steps) {
    const { file } = step.tensor.codes.location;
    const shard = shards.get(file);
    if (shard === undefined) shards.set(file, [step]);
    else shard.push(step);
  }
  const count = shards.size;
  const files = [...shards.values()].map((shard, i): OutputFile => {
    const number = (n: number): string => String(n).padStart(5, '0');
    const name =
      count === 1 ? 'model.safetensors' : `model-${number(i + 1)}-of-${number(count)}.safetensors`;
    const tensors = shard.flatMap(({ outputs }) => outputs);
    return { name, steps: shard, layout: layOutSafetensors(tensors, { format: 'pt' }) };
  });
  const outputs = steps.flatMap((step) => step.outputs);
  return {
    files,
    ...rest,
    tensorBytes: outputs.reduce((sum, output) => sum + bytesOfTensor(output), 0),
    fileBytes: files.reduce((sum, { layout }) => sum + layout.fileBytes, 0),
  };
}

/** One name in two shards would be two tensors in one model. */
function refuseTwice(steps: readonly ConversionStep[]): void {
  const seen = new Set<string>();
  for (const { name } of steps.flatMap(({ outputs }) => outputs)) {
    if (seen.has(name)) {
      throw new FormatError(`tensor "${name}" would be written twice`, {
        hint: 'the checkpoint holds it both quantized and plain; it is damaged',
        details: { tensor: name },
      });
    }
    seen.add(name);
  }
}
