/**
 * Writes quantized copies of a checkpoint in the layouts of other tools, the plain way: one code
 * after another. What reads such files is tested against this, so it shares no code with it but
 * the quantizer.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { encodeF32 } from '../../src/weights/encode.ts';
import { planTensors } from '../../src/weights/plan.ts';
import { transpose } from '../../src/weights/planned.ts';
import {
  dequantizeMatrix,
  type QuantizedMatrix,
  quantizeMatrix,
} from '../../src/weights/quantizer.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-write.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import type { Dtype } from '../../src/weights/source.ts';

export type Layout =
  | 'pack-quantized'
  | 'int-quantized'
  | 'float-quantized'
  | 'fp8'
  | 'gptq'
  | 'gptq-act-order'
  | 'gptq_v2'
  | 'awq'
  /** Plain F32 of what the codes stand for, with scales of the weights' dtype. */
  | 'dequantized'
  /** … with scales in F16, as GPTQ and AWQ have them. */
  | 'dequantized-half'
  | 'dequantized-half-act-order';

interface Written {
  readonly from: string;
  readonly to: string;
  readonly scheme: string;
  readonly layout: Layout;
}

export function writeQuantized({ from, to, scheme: text, layout }: Written): void {
  mkdirSync(to, { recursive: true });
  const { config, source } = openCheckpoint(from);
  const scheme = parseScheme(text);
  const tensors: TensorToWrite[] = [];
  const conv1d = (name: string) => config.model_type === 'gpt2' && /\.c_\w+\.weight$/.test(name);
  for (const plan of planTensors(source, scheme, { conv1d })) {
    const { name, shape, matrix } = plan;
    const { dtype } = source.info(name);
    if (matrix === null) {
      tensors.push({ name, dtype, shape, data: source.read(name) });
      continue;
    }
    const { rows, cols } = matrix;
    const half = /^(gptq|awq|dequantized-half)/.test(layout);
    const scaleDtype = half ? 'F16' : matrix.scaleDtype;
    const order = layout.endsWith('act-order') ? shuffled(cols) : run(cols);
    const read = readF32(source, name);
    const lying = matrix.transposed ? transpose(read, { rows: cols, cols: rows }) : read;
    const values = permuted(lying, order);
    const quantized = quantizeMatrix(values, { ...matrix, scaleDtype, name });
    const parts = stored(name.replace(/\.weight$/, ''), quantized, { layout, order });
    const back = matrix.transposed && layout.startsWith('dequantized');
    tensors.push(...(back ? parts.map(lyingAsBefore) : parts));
    if (rows * cols !== values.length) throw new Error('not a matrix');
  }
  source.close();
  writeSafetensors(join(to, 'model.safetensors'), tensors);
  const quantization = quantizationConfig(layout, scheme);
  const written = quantization === null ? config : { ...config, quantization_config: quantization };
  writeFileSync(join(to, 'config.json'), JSON.stringify(written));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(from, name), join(to, name));
  }
}

/** Plain values of a Conv1D, [out, in] → [in, out]. */
function lyingAsBefore({ name, dtype, shape, data }: TensorToWrite): TensorToWrite {
  const [rows, cols] = shape as [number, number];
  const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
  const values = new Float32Array(buffer, byteOffset, byteLength / 4);
  const turned = transpose(values, { rows, cols });
  return { name, dtype, shape: [cols, rows], data: new Uint8Array(turned.buffer) };
}

/** A permutation that is no other's inverse: 7 is prime to every even number of columns. */
function shuffled(cols: number): number[] {
  return Array.from({ length: cols }, (_, i) => (i * 7 + 3) % cols);
}

/** Column i of the result is column order[i]. */
function permuted(values: Float32Array, order: readonly number[]): Float32Array {
  const cols = order.length;
  return values.map((_, at) => values[at - (at % cols) + order[at % cols]!]!);
}

interface Codes {
  readonly module: string;
  readonly matrix: QuantizedMatrix;
  readonly layout: Layout;
  readonly order: readonly number[];
}

const run = (n: number): number[] => Array.from(Array(n).keys());

function stored(
  module: string,
  matrix: QuantizedMatrix,
  { layout, order }: { layout: Layout; order: readonly number[] },
): TensorToWrite[] {
  const { rows, cols, codes } = matrix;
  const of: Codes = { module, matrix, layout, order };
  const bytes = (dtype: Dtype): TensorToWrite => ({
    ...{ name: `${module}.weight`, dtype, shape: [rows, cols] },
    data: new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength),
  });
  switch (layout) {
    case 'fp8':
      return [
        bytes('F8_E4M3'),
        scalesOf(of, 'weight_scale_inv', [Math.ceil(rows / 128), Math.ceil(cols / 128)]),
      ];
    case 'float-quantized':
      return [bytes('F8_E4M3'), scalesOf(of, 'weight_scale', [rows, 1])];
    case 'int-quantized':
      return [bytes('I8'), scalesOf(of, 'weight_scale', [rows, 1])];
    case 'dequantized':
    case 'dequantized-half':
    case 'dequantized-half-act-order': {
      const back = run(cols).map((input) => order.indexOf(input));
      const data = new Uint8Array(permuted(dequantizeMatrix(matrix), back).buffer);
      return [{ name: `${module}.weight`, dtype: 'F32', shape: [rows, cols], data }];
    }
    case 'pack-quantized':
      return packQuantized(of);
    default:
      return transposedLayout(of);
  }
}

function scalesOf(
  { module, matrix }: Codes,
  name: string,
  shape: readonly number[],
  values = matrix.scales,
): TensorToWrite {
  const dtype = matrix.scaleDtype;
  return { name: `${module}.${name}`, dtype, shape, data: encodeF32(values, dtype) };
}

/** I32 [rows, columns]; `at` gives the codes of one word, lowest bits first. */
function words(
  { module }: Codes,
  of: { name: string; shape: [number, number]; at: (row: number, col: number) => number[] },
): TensorToWrite {
  const { name, shape, at } = of;
  const list = Int32Array.from({ length: shape[0] * shape[1] }, (_, k) => {
    const parts = at(Math.floor(k / shape[1]), k % shape[1]);
    return parts.reduce((word, code, n) => word | (code << ((32 / parts.length) * n)), 0);
  });
  return { name: `${module}.${name}`, dtype: 'I32', shape, data: new Uint8Array(list.buffer) };
}

/** Unsigned codes and zero points. */
function unsigned({ rows, cols, group, codes, zeroPoints, scheme }: QuantizedMatrix) {
  const half = 2 ** (scheme.bits - 1);
  const groups = Math.ceil(cols / group);
  return {
    ...{ rows, cols, groups, per: 32 / scheme.bits },
    code: (row: number, col: number) => codes[row * cols + col]! + half,
    zero: (row: number, g: number) => (zeroPoints?.[row * groups + g] ?? 0) + half,
  };
}

function packQuantized(of: Codes): TensorToWrite[] {
  const { rows, cols, groups, per, code, zero } = unsigned(of.matrix);
  const packed = words(of, {
    name: 'weight_packed',
    shape: [rows, cols / per],
    at: (row, k) => run(per).map((n) => code(row, k * per + n)),
  });
  const shape = {
    ...{ name: `${of.module}.weight_shape`, dtype: 'I64' as const, shape: [2] },
    data: new Uint8Array(BigInt64Array.of(BigInt(rows), BigInt(cols)).buffer),
  };
  const list = [packed, scalesOf(of, 'weight_scale', [rows, groups]), shape];
  if (of.matrix.zeroPoints === null) return list;
  const zeros = words(of, {
    name: 'weight_zero_point',
    shape: [rows / per, groups],
    at: (k, g) => run(per).map((n) => zero(k * per + n, g)),
  });
  return [...list, zeros];
}

/** GPTQ packs along the inputs, AWQ along the outputs, in an order of its own. */
function transposedLayout(of: Codes): TensorToWrite[] {
  const { matrix, layout, order } = of;
  const { rows, cols, groups, per, code, zero } = unsigned(matrix);
  const awq = layout === 'awq';
  const less = layout === 'gptq' || layout === 'gptq-act-order' ? 1 : 0;
  const place = awq ? [0, 2, 4, 6, 1, 3, 5, 7] : run(per);
  const column = run(cols).map((input) => order.indexOf(input));
  const qweight = words(of, {
    name: 'qweight',
    shape: awq ? [cols, rows / per] : [cols / per, rows],
    at: (i, j) =>
      awq
        ? place.map((n) => code(j * per + n, column[i]!))
        : run(per).map((n) => code(j, column[i * per + n]!)),
  });
  const mask = 2 ** matrix.scheme.bits - 1;
  const qzeros = words(of, {
    name: 'qzeros',
    shape: [groups, rows / per],
    at: (g, k) => place.map((n) => (zero(k * per + n, g) - less) & mask),
  });
  const { scales } = matrix;
  const turned = scales.map((_, k) => scales[(k % rows) * groups + Math.floor(k / rows)]!);
  const list = [qweight, qzeros, scalesOf(of, 'scales', [groups, rows], turned)];
  if (awq) return list;
  const index = Int32Array.from(column, (col) => Math.floor(col / matrix.group));
  const data = new Uint8Array(index.buffer);
  return [...list, { name: `${of.module}.g_idx`, dtype: 'I32', shape: [cols], data }];
}

function quantizationConfig(layout: Layout, scheme: ReturnType<typeof parseScheme>) {
  const { bits, group, symmetric } = scheme;
  if (layout.startsWith('dequantized')) return null;
  if (layout === 'fp8') {
    return {
      ...{ quant_method: 'fp8', fmt: 'e4m3', activation_scheme: 'dynamic' },
      ...{ weight_block_size: [128, 128], modules_to_not_convert: ['lm_head'] },
    };
  }
  if (layout === 'awq') {
    const shared = { bits, group_size: group, zero_point: true, version: 'gemm' };
    return { quant_method: 'awq', ...shared, modules_to_not_convert: ['lm_head'] };
  }
  if (layout.startsWith('gptq')) {
    return {
      ...{ quant_method: 'gptq', bits, group_size: group ?? -1, sym: symmetric },
      desc_act: layout === 'gptq-act-order',
      checkpoint_format: layout === 'gptq_v2' ? 'gptq_v2' : 'gptq',
    };
  }
  const type = layout === 'float-quantized' ? 'float' : 'int';
  const weights = {
    ...{ num_bits: bits, type, symmetric, group_size: group },
    strategy: group === null ? 'channel' : 'group',
  };
  const inputs = { num_bits: 8, type, strategy: 'token', dynamic: true };
  return {
    ...{ quant_method: 'compressed-tensors', format: layout, quantization_status: 'compressed' },
    ignore: ['lm_head'],
    config_groups: {
      group_0: {
        ...{ targets: ['Linear'], weights, format: layout },
        input_activations: layout === 'pack-quantized' ? null : inputs,
      },
    },
  };
}
