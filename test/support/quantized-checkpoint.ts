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
  for (const plan of planTensors(source, scheme)) {
    const { name, shape, matrix } = plan;
    const { dtype } = source.info(name);
    if (matrix === null) {
      tensors.push({ name, dtype, shape, data: source.read(name) });
      continue;
    }
    const { rows, cols } = matrix;
    const half = /^(gptq|awq|dequantized-half)/.test(layout);
    const scaleDtype = half ? 'F16' : matrix.scaleDtype;
    const order = layout.endsWith('act-order') ? shuffled(cols) : Array.from(Array(cols).keys());
    const values = permuted(readF32(source, name), order);
    const quantized = quantizeMatrix(values, { ...matrix, scaleDtype, name });
    tensors.push(...stored(name.replace(/\.weight$/, ''), quantized, { layout, order }));
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

/** A permutation that is no other's inverse: 7 is prime to every even number of columns. */
function shuffled(cols: number): number[] {
  return Array.from({ length: cols }, (_, i) => (i * 7 + 3) % cols);
}

/** Column i of the result is column order[i]. */
function permuted(values: Float32Array, order: readonly number[]): Float32Array {
  const cols = order.length;
  return values.map((_, at) => values[at - (at % cols) + order[at % cols]!]!);
}

function stored(
  module: string,
  matrix: QuantizedMatrix,
  { layout, order }: { layout: Layout; order: readonly number[] },
): TensorToWrite[] {
  const { rows, cols, group, scales, scaleDtype, codes, zeroPoints, scheme } = matrix;
  const groups = Math.ceil(cols / group);
  const scale = (shape: number[], values = scales): TensorToWrite => ({
    ...{ name: `${module}.weight_scale`, dtype: scaleDtype, shape },
    data: encodeF32(values, scaleDtype),
  });
  const bytes = (dtype: Dtype): TensorToWrite => ({
    ...{ name: `${module}.weight`, dtype, shape: [rows, cols] },
    data: new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength),
  });
  const words = (name: string, shape: [number, number], at: (i: number, j: number) => number[]) => {
    const list = Int32Array.from({ length: shape[0] * shape[1] }, (_, k) => {
      const parts = at(Math.floor(k / shape[1]), k % shape[1]);
      return parts.reduce((word, code, n) => word | (code << ((32 / parts.length) * n)), 0);
    });
    const data = new Uint8Array(list.buffer);
    return { name: `${module}.${name}`, dtype: 'I32' as const, shape, data };
  };
  const per = 32 / scheme.bits;
  const half = 2 ** (scheme.bits - 1);
  const run = (n: number): number[] => Array.from(Array(n).keys());
  const zeroOf = (row: number, g: number) => (zeroPoints?.[row * groups + g] ?? 0) + half;
  switch (layout) {
    case 'fp8': {
      const shape = [Math.ceil(rows / 128), Math.ceil(cols / 128)];
      return [bytes('F8_E4M3'), { ...scale(shape), name: `${module}.weight_scale_inv` }];
    }
    case 'float-quantized':
      return [bytes('F8_E4M3'), scale([rows, 1])];
    case 'int-quantized':
      return [bytes('I8'), scale([rows, 1])];
    case 'dequantized':
    case 'dequantized-half':
    case 'dequantized-half-act-order': {
      const values = dequantizeMatrix(matrix);
      const back = run(cols).map((input) => order.indexOf(input));
      const data = new Uint8Array(permuted(values, back).buffer);
      return [{ name: `${module}.weight`, dtype: 'F32', shape: [rows, cols], data }];
    }
    case 'pack-quantized': {
      const code = (row: number, col: number) => codes[row * cols + col]! + half;
      const list = [
        words('weight_packed', [rows, cols / per], (row, k) =>
          run(per).map((n) => code(row, k * per + n)),
        ),
        scale([rows, groups]),
        {
          ...{ name: `${module}.weight_shape`, dtype: 'I64' as const, shape: [2] },
          data: new Uint8Array(BigInt64Array.of(BigInt(rows), BigInt(cols)).buffer),
        },
      ];
      if (zeroPoints === null) return list;
      const zeros = words('weight_zero_point', [rows / per, groups], (k, g) =>
        run(per).map((n) => zeroOf(k * per + n, g)),
      );
      return [...list, zeros];
    }
    default: {
      const less = layout === 'gptq' || layout === 'gptq-act-order' ? 1 : 0;
      const place = layout === 'awq' ? [0, 2, 4, 6, 1, 3, 5, 7] : run(per);
      const inOrder = run(cols).map((input) => order.indexOf(input));
      const code = (row: number, input: number) => codes[row * cols + inOrder[input]!]! + half;
      const turned = scales.map((_, k) => scales[(k % rows) * groups + Math.floor(k / rows)]!);
      const index = Int32Array.from(run(cols), (input) => Math.floor(inOrder[input]! / group));
      return [
        layout === 'awq'
          ? words('qweight', [cols, rows / per], (input, k) =>
              place.map((n) => code(k * per + n, input)),
            )
          : words('qweight', [cols / per, rows], (k, row) =>
              run(per).map((n) => code(row, k * per + n)),
            ),
        words('qzeros', [groups, rows / per], (g, k) =>
          place.map((n) => (zeroOf(k * per + n, g) - less) & (2 ** scheme.bits - 1)),
        ),
        { ...scale([groups, rows], turned), name: `${module}.scales` },
        ...(layout === 'awq'
          ? []
          : [
              {
                ...{ name: `${module}.g_idx`, dtype: 'I32' as const, shape: [cols] },
                data: new Uint8Array(index.buffer),
              },
            ]),
      ];
    }
  }
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
