/** Layouts that nothing here writes, and configs that nobody meant: read rightly, or refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssayError } from '../../src/record/errors.ts';
import { planDequantize } from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import { OUTPUT_FORMATS } from '../../src/weights/convert/output-format.ts';
import { planRepack } from '../../src/weights/convert/repack.ts';
import { E4M3_VALUES, readF32 } from '../../src/weights/dtype.ts';
import { inspect } from '../../src/weights/inspect/inspection.ts';
import { lookAt } from '../../src/weights/looked-at.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-write.ts';
import type { Dtype } from '../../src/weights/source.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-layouts-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

type Json = Record<string, unknown>;

function checkpoint(tensors: readonly TensorToWrite[], quantization: unknown): string {
  const path = mkdtempSync(join(dir, 'model-'));
  writeSafetensors(join(path, 'model.safetensors'), tensors);
  writeConfig(path, quantization);
  return path;
}

function writeConfig(path: string, quantization: unknown): void {
  const config = { model_type: 'any', quantization_config: quantization };
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
const tensor = (
  name: string,
  dtype: Dtype,
  shape: number[],
  data: ArrayBufferView,
): TensorToWrite => ({ name, dtype, shape, data: bytesOf(data) });

/** The values of `name` after the whole checkpoint was dequantized to F32. */
async function dequantized(from: string, name: string): Promise<Float32Array> {
  const input = lookAt(from);
  const out = `${from}-out`;
  const plan = planDequantize(input, 'F32');
  await convertCheckpoint({ input, plan, out }, { verify: true, hash: false });
  const file = openSafetensors(join(out, 'model.safetensors'));
  const values = readF32(file, name);
  for (const each of [input, file]) each.close();
  return values;
}

const codes = (count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (i * 37 + 11) % 127);

describe('FP8', () => {
  const fp8 = { quant_method: 'fp8', weight_block_size: [2, 3] };

  it.each(['experts.gate_up_proj_scale_inv', 'experts.gate_up_proj_scales_inv'])(
    'experts of one 3-D tensor, ragged blocks, %s',
    async (scaleName) => {
      const [matrices, rows, cols] = [3, 5, 7];
      const all = codes(matrices * rows * cols);
      const scales = Float32Array.from({ length: 3 * 3 * 3 }, (_, i) => 0.5 + i / 8);
      const path = checkpoint(
        [
          tensor('experts.gate_up_proj', 'F8_E4M3', [matrices, rows, cols], all),
          tensor(scaleName, 'F32', [3, 3, 3], scales),
        ],
        fp8,
      );
      const values = await dequantized(path, 'experts.gate_up_proj');
      const expected = Float32Array.from(all, (code, i) => {
        const [matrix, row, col] = [Math.floor(i / 35), Math.floor(i / 7) % 5, i % 7];
        return E4M3_VALUES[code]! * scales[matrix * 9 + (row >> 1) * 3 + Math.floor(col / 3)]!;
      });
      expect(values).toEqual(expected);
    },
  );

  it('scales that are powers of two, one byte each', async () => {
    const all = codes(4 * 6);
    const exponents = Uint8Array.of(127, 120, 133, 1);
    const path = checkpoint(
      [tensor('a.weight', 'F8_E4M3', [4, 6], all), tensor('a.scale', 'F8_E8M0', [2, 2], exponents)],
      fp8,
    );
    const expected = Float32Array.from(all, (code, i) => {
      const at = (Math.floor(i / 6) >> 1) * 2 + Math.floor((i % 6) / 3);
      return E4M3_VALUES[code]! * 2 ** (exponents[at]! - 127);
    });
    expect(await dequantized(path, 'a.weight')).toEqual(expected);
  });

  it.each([
    ['per tensor', [1], 1],
    ['per tensor, a scalar', [], 1],
    ['per channel', [4, 1], 4],
    ['per channel, a vector', [4], 4],
  ] as const)('%s, with a scale of the inputs', async (_, shape, count) => {
    const all = codes(4 * 6);
    const scales = Float32Array.from({ length: count }, (__, i) => 1 + i);
    const path = checkpoint(
      [
        tensor('a.weight', 'F8_E4M3', [4, 6], all),
        tensor('a.weight_scale', 'F32', [...shape], scales),
        tensor('a.input_scale', 'F32', [], Float32Array.of(2)),
      ],
      { quant_method: 'fp8', activation_scheme: 'static' },
    );
    const expected = Float32Array.from(all, (code, i) => {
      return E4M3_VALUES[code]! * scales[count === 1 ? 0 : Math.floor(i / 6)]!;
    });
    expect(await dequantized(path, 'a.weight')).toEqual(expected);
  });
});

describe('compressed-tensors', () => {
  const group = (weights: Json, format: string): Json => ({
    quant_method: 'compressed-tensors',
    format,
    config_groups: { group_0: { targets: ['Linear'], weights, input_activations: null } },
  });

  it('INT4 with act-order: the group of an input stands in weight_g_idx', async () => {
    const words = Uint32Array.of(0x76543210, 0xfedcba98);
    const scales = Float32Array.of(1, 10);
    const index = Int32Array.of(0, 1, 1, 0, 1, 0, 0, 1);
    const path = checkpoint(
      [
        tensor('a.weight_packed', 'I32', [2, 1], words),
        tensor('a.weight_scale', 'F32', [2, 2], Float32Array.of(...scales, ...scales)),
        tensor('a.weight_shape', 'I64', [2], BigInt64Array.of(2n, 8n)),
        tensor('a.weight_g_idx', 'I32', [8], index),
      ],
      group({ num_bits: 4, group_size: 4, strategy: 'group', actorder: 'group' }, 'pack-quantized'),
    );
    const expected = Float32Array.from({ length: 16 }, (_, i) => (i - 8) * scales[index[i % 8]!]!);
    expect(await dequantized(path, 'a.weight')).toEqual(expected);
  });

  it('INT8 in words, four a word, the last of a row half full', async () => {
    const values = [0, 1, 127, 128, 129, 255];
    const words = Uint32Array.of(0x807f0100, 0x0000ff81);
    const path = checkpoint(
      [
        tensor('a.weight_packed', 'I32', [1, 2], words),
        tensor('a.weight_scale', 'F32', [1, 1], Float32Array.of(0.5)),
        tensor('a.weight_shape', 'I64', [2], BigInt64Array.of(1n, 6n)),
      ],
      group({ num_bits: 8, strategy: 'channel' }, 'pack-quantized'),
    );
    const expected = Float32Array.from(values, (code) => (code - 128) / 2);
    expect(await dequantized(path, 'a.weight')).toEqual(expected);
  });
});

describe('any quantization_config', () => {
  const scalar = fc.constantFrom(null, true, 0, -1, 4, 8, 64, 1e9, 0.5, '', 'int', 'a\\', {}, []);
  const keys = fc.constantFrom(
    ...['quant_method', 'fmt', 'weight_block_size', 'modules_to_not_convert', 'ignored_layers'],
    ...['bits', 'group_size', 'sym', 'checkpoint_format', 'dynamic', 'zero_point', 'version'],
    ...['format', 'config_groups', 'ignore', 'quantization_status', 'sparsity_config'],
  );
  const good = fc.constantFrom<Json>(
    { quant_method: 'fp8', weight_block_size: [2, 2] },
    { quant_method: 'gptq', bits: 4, group_size: 8, sym: true, dynamic: { '-:a': {} } },
    { quant_method: 'awq', bits: 4, group_size: 8, zero_point: true, version: 'gemm' },
    {
      quant_method: 'compressed-tensors',
      format: 'pack-quantized',
      config_groups: { g: { targets: ['Linear'], weights: { num_bits: 4, group_size: 8 } } },
    },
  );
  const weightKeys = fc.constantFrom(
    ...['num_bits', 'type', 'strategy', 'group_size', 'block_structure', 'symmetric', 'targets'],
  );
  const anything = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.jsonValue());

  const SHAPES: readonly TensorToWrite[] = [
    ...['a.weight', 'b.qweight', 'c.weight_packed', 'd.weight'].map((name, i) =>
      tensor(name, i % 2 === 0 ? 'F8_E4M3' : 'I32', [8, 8], new Uint8Array(i % 2 ? 256 : 64)),
    ),
    tensor('a.weight_scale_inv', 'F32', [4, 4], new Float32Array(16).fill(1)),
    tensor('b.scales', 'F16', [1, 8], new Uint16Array(8).fill(0x3c00)),
    tensor('b.qzeros', 'I32', [1, 1], Int32Array.of(0)),
    tensor('c.weight_shape', 'I64', [2], BigInt64Array.of(-8n, 1n << 62n)),
    tensor('d.weight_scale', 'BF16', [8, 1], new Uint16Array(8).fill(0x3f80)),
  ];

  it('is understood, or refused with FormatError or LimitError and nothing else', () => {
    const path = checkpoint(SHAPES, null);
    const changes = fc.dictionary(keys, anything, { maxKeys: 3 });
    const ofWeights = fc.dictionary(weightKeys, anything, { maxKeys: 3 });
    fc.assert(
      fc.property(good, changes, ofWeights, (base, change, weights) => {
        const groups = { g: { targets: ['Linear'], ...weights, weights } };
        const grouped = base.quant_method === 'compressed-tensors' ? { config_groups: groups } : {};
        writeConfig(path, { ...base, ...grouped, ...change });
        try {
          const looked = lookAt(path);
          try {
            inspect(looked, () => true);
            for (const format of OUTPUT_FORMATS) tolerate(() => planRepack(looked, format));
            tolerate(() => planDequantize(looked, 'BF16'));
          } finally {
            looked.close();
          }
        } catch (error) {
          expect(error).toBeInstanceOf(AssayError);
        }
      }),
      { numRuns: 1500 },
    );
  });

  function tolerate(plan: () => unknown): void {
    try {
      plan();
    } catch (error) {
      expect(error).toBeInstanceOf(AssayError);
    }
  }
});
