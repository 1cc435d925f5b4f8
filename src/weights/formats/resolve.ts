/**
 * The tensors of a checkpoint's files → the tensors of the model. The layout is what config.json
 * says; names, dtypes and shapes are checked against it, and nothing is inferred from shapes that
 * the config should say (a block size, a group size).
 */
import { FormatError } from '../../record/errors.ts';
import type { TensorSource } from '../source.ts';
import { resolveCompressed } from './compressed.ts';
import { resolveFp8 } from './fp8.ts';
import { resolveAwq, resolveGptq } from './packed.ts';
import { PartFinder } from './part-finder.ts';
import { parseQuantizationConfig, type QuantizationConfig } from './quantization-config.ts';
import type { ReadAt, StoredTensor } from './stored-tensor.ts';

export interface ResolvedCheckpoint {
  /** null: the config does not say that the weights are quantized. */
  readonly quantization: QuantizationConfig | null;
  /** Every tensor of the model in the order of the files; what has a problem is not among them. */
  readonly tensors: readonly StoredTensor[];
  /** One per tensor that does not fit the config or itself. */
  readonly problems: readonly FormatError[];
}

export interface CheckpointToResolve {
  readonly config: Readonly<Record<string, unknown>>;
  readonly source: TensorSource;
  /** Name of the checkpoint for messages, mostly its directory. */
  readonly path: string;
  /** Reads `weight_shape`, the only tensor whose values decide a layout. */
  readonly readAt: ReadAt;
}

/** What makes a tensor part of a quantized matrix: without its config it is a problem. */
const QUANTIZED_SUFFIX = /\.(qweight|qzeros|weight_packed|weight_scale_inv)$/;
const ORPHAN_SUFFIX =
  /(\.(qweight|qzeros|scales|g_idx|weight_(packed|scale|zero_point|shape|g_idx))|_scales?_inv)$/;

/** @throws FormatError if quantization_config itself is not understood */
export function resolveCheckpoint(checkpoint: CheckpointToResolve): ResolvedCheckpoint {
  const { config, source, path, readAt } = checkpoint;
  const quantization = parseQuantizationConfig(config, { path: `${path}/config.json` });
  const finder = new PartFinder(source, readAt);
  const found = new Map<string, StoredTensor>();
  const problems: FormatError[] = [];
  for (const name of source.names) {
    try {
      const tensor = resolveOne(name, finder, quantization);
      if (tensor !== null) found.set(name, tensor);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      finder.claim(name);
      problems.push(error);
    }
  }
  const tensors: StoredTensor[] = [];
  for (const name of source.names) {
    const tensor = found.get(name);
    if (tensor !== undefined) tensors.push(tensor);
    else if (!finder.isClaimed(name)) {
      const part = finder.part(name);
      const problem = plainProblem(name, part.dtype, quantization);
      if (problem === null) tensors.push({ kind: 'plain', name, shape: part.shape, codes: part });
      else problems.push(problem);
    }
  }
  return { quantization, tensors, problems };
}

function resolveOne(name: string, finder: PartFinder, quantization: QuantizationConfig | null) {
  switch (quantization?.method) {
    case 'fp8':
      return resolveFp8(name, finder, quantization);
    case 'compressed-tensors':
      return resolveCompressed(name, finder, quantization);
    case 'gptq':
      return resolveGptq(name, finder, quantization);
    case 'awq':
      return resolveAwq(name, finder, quantization);
    default:
      return null;
  }
}

function plainProblem(
  name: string,
  dtype: string,
  quantization: QuantizationConfig | null,
): FormatError | null {
  if (quantization === null && (dtype === 'F8_E4M3' || QUANTIZED_SUFFIX.test(name))) {
    return new FormatError(`tensor "${name}" (${dtype}) is quantized, and config.json is silent`, {
      hint: 'config.json must have a quantization_config: block and group sizes stand only there',
      details: { tensor: name, expected: 'quantization_config', got: null },
    });
  }
  if (quantization !== null && (dtype === 'F8_E4M3' || ORPHAN_SUFFIX.test(name))) {
    return new FormatError(
      `tensor "${name}" (${dtype}) belongs to no ${quantization.method} weight`,
      {
        hint: 'codes and scales come from different versions of the model; download it again',
        details: { tensor: name, expected: 'the rest of its matrix', got: null },
      },
    );
  }
  return null;
}

/** @throws the first problem, saying how many there are */
export function refuseProblems(resolved: ResolvedCheckpoint): void {
  const [first] = resolved.problems;
  if (first === undefined) return;
  const more = resolved.problems.length - 1;
  if (more === 0) throw first;
  throw new FormatError(`${first.message} (and ${more} more like it)`, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    details: { ...first.details, problems: resolved.problems.slice(0, 20).map((p) => p.message) },
    cause: first,
  });
}
