import { describe, expect, test } from 'vitest';
import { readF32 } from '../../weights/dtype.ts';
import { describeArchitecture } from './architecture.ts';
import { dummyDtype, dummySource } from './dummy.ts';

const arch = describeArchitecture({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 256,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  intermediate_size: 512,
  vocab_size: 500,
  max_position_embeddings: 64,
});
const DOWN = 'model.layers.1.mlp.down_proj.weight';

describe('dummy weights', () => {
  test('the same seed gives the same bytes, another seed or name gives others', () => {
    const read = (seed: number, name = DOWN): Uint8Array =>
      dummySource(arch, { dtype: 'BF16', seed }).read(name);
    expect(read(1)).toEqual(read(1));
    expect(read(2)).not.toEqual(read(1));
    expect(read(1, DOWN.replace('1', '0'))).not.toEqual(read(1));
  });

  test('variance is 1 / fan-in, norms are about 1', () => {
    const source = dummySource(arch, { dtype: 'F32', seed: 7 });
    const values = readF32(source, DOWN);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(variance * 512).toBeGreaterThan(0.97);
    expect(variance * 512).toBeLessThan(1.03);
    for (const gain of readF32(source, 'model.norm.weight')) {
      expect(Math.abs(gain - 1)).toBeLessThan(0.11);
    }
  });

  test('dtype as config.json declares it, in either key', () => {
    expect(dummyDtype({})).toBe('BF16');
    expect(dummyDtype({ dtype: 'float16' })).toBe('F16');
    expect(dummyDtype({ torch_dtype: 'torch.float32' })).toBe('F32');
    expect(() => dummyDtype({ dtype: 'int8' })).toThrow(/int8/);
    const info = dummySource(arch, { dtype: 'F16', seed: 0 }).info(DOWN);
    expect(info).toMatchObject({ dtype: 'F16', shape: [256, 512], bytes: 256 * 512 * 2 });
  });

  test('an unknown name is a FormatError', () => {
    expect(() => dummySource(arch, { dtype: 'F16', seed: 0 }).read('x')).toThrow(/no tensor "x"/);
  });
});
