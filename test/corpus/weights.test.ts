import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { planDequantize } from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import { decodeF32, E4M3_VALUES, readF32 } from '../../src/weights/dtype.ts';
import { encodeE4m3, encodeF32 } from '../../src/weights/encode.ts';
import { lookAt, storedValues } from '../../src/weights/looked-at.ts';
import { planTensors } from '../../src/weights/plan.ts';
import { dequantizeMatrix, quantizeMatrix } from '../../src/weights/quantizer.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { parseScheme, SCHEMES } from '../../src/weights/scheme.ts';

const golden = join(import.meta.dirname, '../../../shared/golden');
const present = existsSync(golden);
if (!present) console.log(`skipped: no golden vectors at ${golden}`);

const fp8 = (name: string) => join(golden, 'fp8', name);
const bf16Of = (code: number) => decodeF32(Uint8Array.of(code & 255, code >> 8), 'BF16')[0]!;

describe.skipIf(!present)('FP8 tables of PyTorch', () => {
  it('all 256 codes decode as E4M3FN', () => {
    const expected = decodeF32(readFileSync(fp8('e4m3fn_to_f32.f32')), 'F32');
    expect(E4M3_VALUES).toEqual(expected);
  });

  it('all 65,536 BF16 values encode as torch casts them, beyond 448 saturated', () => {
    const cast = readFileSync(fp8('bf16_to_e4m3fn_torch_cast.u8'));
    let saturated = 0;
    for (let code = 0; code < 65536; code++) {
      const value = bf16Of(code);
      if (Number.isNaN(value)) {
        expect(encodeE4m3(value) & 0x7f).toBe(0x7f);
      } else if (Math.abs(value) > 448) {
        saturated += 1;
        expect(encodeE4m3(value)).toBe(value > 0 ? 0x7e : 0xfe);
      } else {
        expect(encodeE4m3(value)).toBe(cast[code]);
      }
    }
    expect(saturated).toBeGreaterThan(30_000);
  });
});

describe.skipIf(!present)('a [300, 520] matrix with an outlier and an all-zero block', () => {
  it.each([
    ['block128', 'fp8-block128', 'w.weight_scale_inv'],
    ['channel', 'fp8-channel', 'w.weight_scale'],
  ])('%s codes, scales and values equal those of PyTorch', (file, scheme, scaleName) => {
    const source = openSafetensors(fp8('block128_source_bf16.safetensors'));
    const expected = openSafetensors(fp8(`${file}_fp8.safetensors`));
    const dequantized = openSafetensors(fp8(`${file}_dequantized_bf16.safetensors`));
    const matrix = quantizeMatrix(readF32(source, 'w.weight'), {
      rows: 300,
      cols: 520,
      scheme: parseScheme(scheme),
      scaleDtype: 'F32',
      name: 'w.weight',
    });
    const scales = readF32(expected, scaleName);
    const values = dequantizeMatrix(matrix);
    expect(Buffer.compare(expected.read('w.weight'), matrix.codes as Uint8Array)).toBe(0);
    expect(Buffer.compare(dequantized.read('w.weight'), encodeF32(values, 'BF16'))).toBe(0);
    expect(matrix.scales).toEqual(scales);
    for (const file of [source, expected, dequantized]) file.close();
  });
});

describe.skipIf(!present)('dequantized as PyTorch does', () => {
  it.each([
    ['block128', { quant_method: 'fp8', weight_block_size: [128, 128] }],
    ['channel', { quant_method: 'fp8' }],
  ])('%s: the same bytes', async (file, quantization) => {
    const dir = mkdtempSync(join(tmpdir(), 'assay-golden-'));
    const from = join(dir, 'in');
    mkdirSync(from);
    copyFileSync(fp8(`${file}_fp8.safetensors`), join(from, 'model.safetensors'));
    const config = { model_type: 'any', quantization_config: quantization };
    writeFileSync(join(from, 'config.json'), JSON.stringify(config));
    const input = lookAt(from);
    const planned = planDequantize(input, 'BF16');
    const out = join(dir, 'out');
    await convertCheckpoint({ input, plan: planned, out }, { verify: true, hash: false });
    const expected = openSafetensors(fp8(`${file}_dequantized_bf16.safetensors`));
    const got = openSafetensors(join(out, 'model.safetensors'));
    expect(Buffer.compare(got.read('w.weight'), expected.read('w.weight'))).toBe(0);
    for (const each of [input, expected, got]) each.close();
    rmSync(dir, { recursive: true });
  });
});

const models = present
  ? readdirSync(golden).filter((name) => existsSync(join(golden, name, 'config.json')))
  : [];

describe.skipIf(!present)('golden checkpoints', () => {
  it.each(models)('%s opens, and every scheme has a plan for it', (name) => {
    const { source, files } = openCheckpoint(join(golden, name));
    expect(files).toContain('model.safetensors');
    for (const scheme of SCHEMES) {
      const plans = planTensors(source, scheme);
      expect(plans.map((plan) => plan.name)).toEqual(source.names);
      const quantized = plans.filter((plan) => plan.matrix !== null).length;
      if (scheme.family !== 'float') expect(quantized).toBeGreaterThan(0);
    }
    source.close();
  });
});

describe.skipIf(!present)('an FP8 checkpoint of PyTorch', () => {
  it.each([
    ['block128', { quant_method: 'fp8', weight_block_size: [128, 128] }],
    ['channel', { quant_method: 'fp8' }],
  ])('%s is read as the values that PyTorch has for it', (file, quantization_config) => {
    const dir = mkdtempSync(join(tmpdir(), 'assay-fp8-'));
    try {
      copyFileSync(fp8(`${file}_fp8.safetensors`), join(dir, 'model.safetensors'));
      writeFileSync(join(dir, 'config.json'), JSON.stringify({ quantization_config }));
      const looked = lookAt(dir);
      const [tensor] = looked.tensors;
      expect(looked.problems).toEqual([]);
      const values = [...storedValues(tensor!, looked.readAt)].flatMap((piece) => [...piece]);
      looked.close();
      const dequantized = openSafetensors(fp8(`${file}_dequantized_bf16.safetensors`));
      const expected = dequantized.read('w.weight');
      dequantized.close();
      expect(Buffer.compare(encodeF32(Float32Array.from(values), 'BF16'), expected)).toBe(0);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
