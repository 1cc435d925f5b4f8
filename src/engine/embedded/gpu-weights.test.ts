import { expect, test } from 'vitest';
import { parseScheme } from '../../weights/scheme.ts';
import { describeArchitecture } from './architecture.ts';
import { dummySource } from './dummy.ts';
import { takesInt8Activations } from './gpu-weights.ts';
import { storedWeights } from './stored-weights.ts';

function takes(scheme: string, sizes: { hidden: number; inner: number }): boolean {
  const arch = describeArchitecture({
    ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', num_hidden_layers: 1 },
    ...{ hidden_size: sizes.hidden, intermediate_size: sizes.inner, num_attention_heads: 2 },
    ...{ vocab_size: 50, max_position_embeddings: 16 },
  });
  const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
  return takesInt8Activations(
    storedWeights(source, arch, { scheme: parseScheme(scheme) }).plans.values(),
  );
}

test('int8 activations need depths of a multiple of 128 and widths of 16', () => {
  expect(takes('int4-g128', { hidden: 128, inner: 256 })).toBe(true);
  expect(takes('int8-channel', { hidden: 256, inner: 384 })).toBe(true);
  expect(takes('int4-g32', { hidden: 128, inner: 192 })).toBe(false);
  expect(takes('int4-g32', { hidden: 64, inner: 128 })).toBe(false);
  // Nothing is quantized: nothing stands against it.
  expect(takes('f32', { hidden: 64, inner: 100 })).toBe(true);
});
