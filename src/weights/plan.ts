/** Decides, tensor by tensor, how a checkpoint is stored under a scheme, before a byte is read. */
import { DTYPE_BYTES, isPlainFloat } from './dtype.ts';
import type { StoredFloat } from './encode.ts';
import { type Ignore, ignoreRules } from './ignore.ts';
import { scaleDtypeFor } from './scale.ts';
import { FP8_BLOCK, type Scheme, STORED, withGroup } from './scheme.ts';
import type { TensorInfo, TensorSource } from './source.ts';

/** Satisfies the engine's TensorCoverage. */
export interface TensorPlan {
  readonly name: string;
  readonly shape: readonly number[];
  /** The effective scheme: `int4-g64`, or the stored dtype in lower case where it is kept. */
  readonly scheme: string;
  readonly group: number | null;
  /** On disk in the scheme's native format: codes, scales, zero points. */
  readonly bytes: number;
  /** Why it is not at the requested scheme; null when it is. */
  readonly reason: string | null;
  readonly elements: number;
  /** How to quantize it; null for a tensor that is kept or stored as plain floats. */
  readonly matrix: PlannedMatrix | null;
}

export interface PlannedMatrix {
  readonly scheme: Scheme;
  /** Output features. */
  readonly rows: number;
  /** Input features: groups run along these. */
  readonly cols: number;
  readonly scaleDtype: StoredFloat;
  /** True for a Conv1D weight, stored [in, out]: transpose it first. */
  readonly transposed: boolean;
}

export interface PlanOptions {
  /** Modules to keep beside the default ones: a path, its last parts, or `re:…`. */
  readonly ignore?: readonly string[];
  /** True for a tensor stored [in, out] (GPT-2's Conv1D). */
  readonly conv1d?: (name: string) => boolean;
}

/** The smallest group that runtimes have kernels for. */
const SMALLEST_GROUP = 16;

/**
 * @returns one entry per tensor, in the order of `source.names`
 * @throws UsageError for an ignore pattern that is not valid
 */
export function planTensors(
  source: TensorSource,
  scheme: Scheme,
  options: PlanOptions = {},
): TensorPlan[] {
  const ignore = ignoreRules(options.ignore);
  const conv1d = options.conv1d ?? (() => false);
  return source.names.map((name) => {
    const info = source.info(name);
    if (scheme === STORED) return kept(info, null);
    if (scheme.family === 'float') return planFloat(info, scheme);
    return planMatrix(info, scheme, { ignore, transposed: conv1d(name) });
  });
}

const elementsOf = (info: TensorInfo): number => info.bytes / DTYPE_BYTES[info.dtype];

function kept(info: TensorInfo, reason: string | null): TensorPlan {
  const { name, shape, bytes, dtype } = info;
  const scheme = dtype.toLowerCase();
  const elements = elementsOf(info);
  return { name, shape, scheme, group: null, bytes, reason, elements, matrix: null };
}

function planFloat(info: TensorInfo, scheme: Scheme): TensorPlan {
  if (!isPlainFloat(info.dtype)) return kept(info, notPlain(info));
  const elements = elementsOf(info);
  const bytes = (elements * scheme.bits) / 8;
  return { ...kept(info, null), scheme: scheme.text, bytes };
}

function notPlain({ dtype }: TensorInfo): string {
  return dtype.startsWith('F8') ? `already quantized (${dtype})` : `not weights (${dtype})`;
}

function planMatrix(
  info: TensorInfo,
  requested: Scheme,
  { ignore, transposed }: { ignore: Ignore; transposed: boolean },
): TensorPlan {
  const { name, shape, dtype } = info;
  if (!isPlainFloat(dtype)) return kept(info, notPlain(info));
  const ignored = ignore(name.replace(/\.weight$/, ''));
  if (ignored !== null) return kept(info, ignored);
  if (name.endsWith('.bias') || name === 'bias') return kept(info, 'bias, kept by default');
  if (shape.length !== 2) return kept(info, `${shape.length}-D, only matrices are quantized`);
  if (!name.endsWith('.weight')) return kept(info, 'not the weight of a linear layer');
  const [rows, cols] = (transposed ? [shape[1], shape[0]] : shape) as [number, number];
  if (rows === 0 || cols === 0) return kept(info, 'empty');
  const scheme = fitGroup(requested, cols);
  if (scheme === null) return kept(info, `no group from 16 up divides in = ${cols}`);
  const scaleDtype = scaleDtypeFor(scheme, dtype);
  const matrix = { scheme, rows, cols, scaleDtype, transposed };
  const reason = scheme === requested ? null : `${requested.group} does not divide in = ${cols}`;
  const { text, group } = scheme;
  const elements = elementsOf(info);
  return { name, shape, scheme: text, group, bytes: bytesOf(matrix), reason, elements, matrix };
}

/** The scheme itself, or at the largest smaller power of two that divides `cols`, or null. */
function fitGroup(scheme: Scheme, cols: number): Scheme | null {
  if (scheme.layout !== 'group' || scheme.group === null) return scheme;
  for (let group = scheme.group; group >= SMALLEST_GROUP; group /= 2) {
    if (cols % group === 0) return group === scheme.group ? scheme : withGroup(scheme, group);
  }
  return null;
}

/**
 * Bytes of codes, scales and zero points on disk. 4-bit codes are packed along the row, 4-bit zero
 * points down the column, eight to an int32 each, as compressed-tensors packs them.
 */
function bytesOf({ scheme, rows, cols, scaleDtype }: PlannedMatrix): number {
  const scale = DTYPE_BYTES[scaleDtype];
  switch (scheme.layout) {
    case 'block':
      return rows * cols + Math.ceil(rows / FP8_BLOCK) * Math.ceil(cols / FP8_BLOCK) * scale;
    case 'channel':
      return rows * cols + rows * scale;
    case 'tensor':
      return rows * cols + scale;
    default: {
      const perWord = 32 / scheme.bits;
      const groups = cols / (scheme.group ?? cols);
      const codes = rows * Math.ceil(cols / perWord) * 4;
      const zeroPoints = scheme.symmetric ? 0 : Math.ceil(rows / perWord) * 4 * groups;
      return codes + rows * groups * scale + zeroPoints;
    }
  }
}

export interface CoverageShare {
  readonly scheme: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  /** Share of all parameters, 0…1. */
  readonly parameterShare: number;
}

/** Parameters and bytes per effective scheme, most parameters first. */
export function summarizeCoverage(plans: readonly TensorPlan[]): CoverageShare[] {
  const all = plans.reduce((sum, { elements }) => sum + elements, 0);
  const shares = new Map<string, { tensors: number; parameters: number; bytes: number }>();
  for (const { scheme, elements, bytes } of plans) {
    const share = shares.get(scheme) ?? { tensors: 0, parameters: 0, bytes: 0 };
    share.tensors += 1;
    share.parameters += elements;
    share.bytes += bytes;
    shares.set(scheme, share);
  }
  return [...shares]
    .map(([scheme, share]) => ({
      scheme,
      ...share,
      parameterShare: all === 0 ? 0 : share.parameters / all,
    }))
    .sort((a, b) => b.parameters - a.parameters || (a.scheme < b.scheme ? -1 : 1));
}
