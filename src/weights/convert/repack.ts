/**
 * Integer codes from one format to another, without a change of any value: the same codes, zero
 * points and scales in another order. What the other format has no place for is refused.
 */
import { FormatError, UsageError } from '../../record/errors.ts';
import { roundTo, type StoredFloat } from '../encode.ts';
import type { RowSpan } from '../formats/decode.ts';
import { readIntGrid } from '../formats/decode-int.ts';
import { refuseProblems } from '../formats/resolve.ts';
import type { IntTensor, ReadAt, StoredTensor } from '../formats/stored-tensor.ts';
import { isInOrder, storedScheme } from '../formats/stored-tensor.ts';
import type { LookedAt } from '../looked-at.ts';
import { parseScheme, type Scheme, withGroup } from '../scheme.ts';
import {
  type ConversionPlan,
  type ConversionStep,
  copyStep,
  keptModules,
  layOutPlan,
  notPacked,
  quantizedConfigs,
  requireConfig,
} from './conversion-plan.ts';
import {
  type OutputFormat,
  type PackedMatrix,
  quantizationConfig,
  refuseUnfit,
} from './output-format.ts';
import { outputTensors, type PackedGrid } from './pack.ts';

/** @throws FormatError, UsageError for what the format cannot represent */
export function planRepack(input: LookedAt, format: OutputFormat): ConversionPlan {
  refuseProblems(input);
  const config = requireConfig(input);
  const method = input.quantization?.method ?? 'none';
  if (method === 'none' || method === 'fp8' || method === format) {
    throw new UsageError(`${input.path}: quantization is ${method}, wanted ${format}`, {
      hint: 'repack turns compressed-tensors, GPTQ and AWQ integers into another of these',
      details: { path: input.path, got: method, expected: format },
    });
  }
  const steps = input.tensors.map((tensor) => repackStep(tensor, format));
  const packed = steps.flatMap(({ action }) => (action.kind === 'repack' ? [action.packed] : []));
  const [first] = packed;
  if (first === undefined) {
    throw new FormatError(`${input.path}: has no matrix of integers`, {
      details: { path: input.path },
    });
  }
  const other = packed.find(({ scheme }) => scheme.text !== first.scheme.text);
  if (other !== undefined) {
    const both = `${first.scheme.text} and ${other.scheme.text}`;
    throw new FormatError(`${input.path}: matrices are ${both}`, {
      hint: 'repack writes one group size for all; one scale a row counts as one group',
      details: { path: input.path, tensor: other.module, got: both },
    });
  }
  const quantization = quantizationConfig(first.scheme, format, keptModules(steps));
  return layOutPlan(steps, quantizedConfigs(config, quantization));
}

function repackStep(tensor: StoredTensor, format: OutputFormat): ConversionStep {
  if (tensor.kind === 'plain') return copyStep(tensor, 'not quantized');
  if (tensor.kind === 'fp8') throw cannot(tensor.name, `${format} has no place for FP8`);
  const { rows, cols, bits } = tensor;
  const scheme = schemeIn(tensor, format);
  refuseUnfit(scheme, format);
  const transposed = format === 'gptq' || format === 'awq';
  const per = 32 / bits;
  if (transposed && rows % per !== 0) throw notPacked(tensor.name, format, rows);
  if (transposed && cols % per !== 0) {
    throw cannot(tensor.name, `${format} packs ${per} inputs a word; in = ${cols}`);
  }
  const stored = tensor.scales.dtype;
  const kept: StoredFloat = stored === 'BF16' || stored === 'F16' ? stored : 'F32';
  const packed: PackedMatrix = {
    module: tensor.name.replace(/\.weight$/, ''),
    ...{ rows, cols, scheme, format },
    scaleDtype: transposed ? 'F16' : kept,
  };
  const action = { kind: 'repack', packed } as const;
  const outputs = outputTensors(packed);
  const { text, group } = scheme;
  return { tensor, outputs, action, scheme: text, group, reason: null };
}

/** AWQ always has zero points: symmetric codes get those that mean nothing. */
function schemeIn(tensor: IntTensor, format: OutputFormat): Scheme {
  const { bits, group, symmetric } = tensor;
  if (bits === 8 && !symmetric) {
    throw cannot(tensor.name, `${storedScheme(tensor)} has 8-bit zero points, which no scheme has`);
  }
  const like = bits === 8 ? 'int8-g128' : symmetric && format !== 'awq' ? 'int4-g128' : null;
  return withGroup(parseScheme(like ?? 'int4-asym-g128'), group);
}

function cannot(tensor: string, message: string): FormatError {
  return new FormatError(`tensor "${tensor}" cannot be repacked: ${message}`, {
    hint: 'dequantize it, or stay with the format that it has',
    details: { tensor },
  });
}

/**
 * Scales and zero points of some rows in the other format.
 * @throws FormatError for act-order, for zero points where the format has none, and for a scale
 * that the format's dtype does not hold exactly
 */
export function repackableGrid(
  tensor: IntTensor,
  { span, packed }: { readonly span: RowSpan; readonly packed: PackedMatrix },
  readAt: ReadAt,
): PackedGrid {
  const { scheme, scaleDtype } = packed;
  const { group, name } = tensor;
  const { scales, zeroPoints, groupIndex } = readIntGrid(tensor, span, readAt);
  if (groupIndex !== null && !isInOrder(groupIndex, group)) {
    throw cannot(name, 'its inputs are in act-order, which is kept by no other format here');
  }
  const zero = zeroPoints?.find((point) => point !== 0);
  if (scheme.symmetric && zero !== undefined) {
    throw cannot(name, `${scheme.text} has no zero points, and one is ${zero}`);
  }
  const inexact = scales.find((scale) => roundTo(scale, scaleDtype) !== scale);
  if (inexact !== undefined) {
    throw cannot(name, `the scale ${inexact} has no exact value in ${scaleDtype}`);
  }
  const kept = scheme.symmetric ? null : (zeroPoints ?? new Int8Array(scales.length));
  return { span, scales, zeroPoints: kept };
}
