/**
 * Packs the experts of a layer as ONNX Runtime's MoE and QMoE take them:
 *
 *   MoE    gate and up rows interleaved (gate 0, up 0, gate 1, …) f32 [E, 2I, D],
 *          down f32 [E, D, I]
 *   QMoE   codes u8 [E, rows, cols × bits / 8], scales f32 [E, rows, blocks], zero points u8
 *          [E, rows, ⌈blocks × bits / 8⌉]; one block size for both
 *
 * Source: onnxruntime docs/ContribOperators.md, MoE and QMoE.
 */
import { dequantizeMatrix, type QuantizedMatrix } from '../../weights/quantizer.ts';
import type { Scheme } from '../../weights/scheme.ts';
import type { Attributes } from './graph.ts';
import type { GatedNames, MoeShape } from './moe-shape.ts';
import { type PackedMatrix, packMatrix } from './nbits.ts';
import { stack } from './stacked-matrix.ts';
import type { StoredMatrix, StoredWeights } from './stored-weights.ts';

/** SwiGLU of rows interleaved, nothing clamped; weights that sum to 1 (see moe.ts for why). */
export function expertAttributes(topK: number): Attributes {
  return {
    k: topK,
    activation_type: 'swiglu',
    swiglu_fusion: 1,
    activation_alpha: { float: 1 },
    activation_beta: { float: 0 },
    swiglu_limit: { float: 3e38 },
    normalize_routing_weights: 1,
  };
}

/** Columns that share a scale, of gate and up and of down; the matrices have `cols` columns. */
interface Grouping {
  readonly scheme: Scheme;
  readonly group: number;
  readonly cols: number;
}

const LARGEST_BLOCK = 128;
const SMALLEST_BLOCK = 16;

/**
 * The block size of QMoE for both matrices, or null where it has none. With one block a row the
 * kernel takes another layout, in which 4-bit zero points come out wrong, so there must be two.
 */
function blockOf(groupings: readonly Grouping[]): number | null {
  for (let block = LARGEST_BLOCK; block >= SMALLEST_BLOCK; block /= 2) {
    if (groupings.every(({ group, cols }) => group % block === 0 && cols >= 2 * block)) {
      return block;
    }
  }
  return null;
}

/** The block size at which a layer's experts run as integers; null: they run as f32. */
export function expertBlock(stored: StoredWeights, experts: readonly GatedNames[]): number | null {
  const groupings: Grouping[] = [];
  for (const name of experts.flatMap(({ gate, up, down }) => [gate, up, down])) {
    const planned = stored.plans.get(`${name}.weight`)!.matrix;
    if (planned?.scheme.family !== 'int' || stored.isReordered(`${name}.weight`)) return null;
    const { scheme, cols } = planned;
    groupings.push({ scheme, cols, group: scheme.group ?? cols });
  }
  const [first] = groupings;
  const { bits, symmetric } = first!.scheme;
  const alike = groupings.every(({ scheme }) => {
    return scheme.bits === bits && scheme.symmetric === symmetric;
  });
  return alike ? blockOf(groupings) : null;
}

/** True where a layer's experts are stored as integers, but no kernel takes them so. */
export function expertsRunAsFloats(stored: StoredWeights, moe: MoeShape): boolean {
  return moe.layers.some((layer) => {
    const { expert } = moe.names(layer);
    const experts = Array.from({ length: moe.experts }, (_, index) => expert(index));
    const ints = experts.some(({ gate, up, down }) =>
      [gate, up, down].some(
        (name) => stored.plans.get(`${name}.weight`)!.matrix?.scheme.family === 'int',
      ),
    );
    return ints && expertBlock(stored, experts) === null;
  });
}

export interface PackedExperts {
  /** Gate and up interleaved. */
  readonly gateUp: PackedMatrix;
  readonly down: PackedMatrix;
}

/** `block` as `expertBlock` found it. */
export function packExperts(
  stored: StoredWeights,
  experts: readonly GatedNames[],
  block: number,
): PackedExperts {
  const ints = (name: string): QuantizedMatrix => {
    const held = stored.matrix(`${name}.weight`);
    if (held.kind !== 'int') throw new TypeError(`${name} is not quantized`);
    return regroup(held.matrix, block);
  };
  const packAll = (matrices: QuantizedMatrix[]): PackedMatrix => {
    return packMatrix(stack(matrices)!);
  };
  return {
    gateUp: packAll(experts.map(({ gate, up }) => interleave(ints(gate), ints(up)))),
    down: packAll(experts.map(({ down }) => ints(down))),
  };
}

/** The same values with a scale for every `block` columns. */
function regroup(matrix: QuantizedMatrix, block: number): QuantizedMatrix {
  const { rows, cols, group, scales, scheme } = matrix;
  // A reader of checkpoints leaves out zero points that are all 0; those of its neighbours are not.
  const zeroPoints = matrix.zeroPoints ?? new Int8Array(scales.length);
  const times = Math.min(group, cols) / block;
  const repeat = <T extends Float32Array | Int8Array>(values: T, out: T): T => {
    for (let i = 0; i < out.length; i++) out[i] = values[Math.floor(i / times)]!;
    return out;
  };
  const count = (rows * cols) / block;
  return {
    ...matrix,
    group: block,
    scales: repeat(scales, new Float32Array(count)),
    zeroPoints: scheme.symmetric ? null : repeat(zeroPoints, new Int8Array(count)),
  };
}

/** Rows of `a` and `b` in turn. */
function interleave(a: QuantizedMatrix, b: QuantizedMatrix): QuantizedMatrix {
  const { rows, cols, group } = a;
  const blocks = cols / group;
  const codes = new Int8Array(2 * rows * cols);
  const scales = new Float32Array(2 * rows * blocks);
  const zeroPoints = a.zeroPoints === null ? null : new Int8Array(2 * rows * blocks);
  [a, b].forEach((from, at) => {
    for (let row = 0; row < rows; row++) {
      const to = 2 * row + at;
      codes.set(from.codes.subarray(row * cols, (row + 1) * cols), to * cols);
      scales.set(from.scales.subarray(row * blocks, (row + 1) * blocks), to * blocks);
      const zeros = from.zeroPoints?.subarray(row * blocks, (row + 1) * blocks);
      if (zeros !== undefined) zeroPoints?.set(zeros, to * blocks);
    }
  });
  return { ...a, rows: 2 * rows, codes, scales, zeroPoints };
}

export interface FloatExperts {
  /** [E, 2 × inner, hidden], gate and up rows interleaved. */
  readonly gateUp: Float32Array;
  /** [E, hidden, inner]. */
  readonly down: Float32Array;
}

export function floatExperts(
  stored: StoredWeights,
  experts: readonly GatedNames[],
  size: { hidden: number; inner: number },
): FloatExperts {
  const { hidden, inner } = size;
  const each = inner * hidden;
  const gateUp = new Float32Array(experts.length * 2 * each);
  const down = new Float32Array(experts.length * each);
  const values = (name: string): Float32Array => floats(stored.matrix(`${name}.weight`));
  experts.forEach((names, e) => {
    [values(names.gate), values(names.up)].forEach((from, at) => {
      for (let row = 0; row < inner; row++) {
        const to = (e * 2 * inner + 2 * row + at) * hidden;
        gateUp.set(from.subarray(row * hidden, (row + 1) * hidden), to);
      }
    });
    down.set(values(names.down), e * each);
  });
  return { gateUp, down };
}

/** [out, in], the inputs in their own order. */
function floats(held: StoredMatrix): Float32Array {
  if (held.kind === 'float') return held.values;
  const { matrix, order } = held;
  const values = dequantizeMatrix(matrix);
  if (order === null) return values;
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += matrix.cols) {
    order.forEach((input, at) => {
      out[row + input] = values[row + at]!;
    });
  }
  return out;
}
