import { describe, expect, test } from 'vitest';
import { LimitError } from '../../record/errors.ts';
import { parseScheme } from '../../weights/scheme.ts';
import { describeArchitecture } from './architecture.ts';
import { dummySource } from './dummy.ts';
import { planMemory, refuseIfScratchTooSmall, refuseIfTooLarge } from './memory-plan.ts';
import { storedWeights } from './stored-weights.ts';

const arch = describeArchitecture({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  intermediate_size: 256,
  vocab_size: 1000,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
});

function plan(scheme: string, batchTokens = 512) {
  const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
  const stored = storedWeights(source, arch, { scheme: parseScheme(scheme) });
  return planMemory(arch, { stored, batchTokens, placement: 'file' });
}

// q and o 128×128, k and v 64×128, gate, up and down 128×256.
const MATRICES = 2 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 128 * 256);
const NORMS = 5 * 128 * 4;
const TABLE = 1000 * 128;

describe('memory plan', () => {
  test('weights as the runtime holds them', () => {
    const rest = TABLE * 2 + TABLE * 4 + NORMS;
    expect(plan('f32').weightBytes).toBe(MATRICES * 4 + rest);
    expect(plan('bf16').weightBytes).toBe(MATRICES * 4 + rest);
    expect(plan('int8-g128').weightBytes).toBe(MATRICES + (MATRICES / 128) * 4 + rest);
    expect(plan('int4-g128').weightBytes).toBe(MATRICES / 2 + (MATRICES / 128) * 4 + rest);
  });

  test('keys and values: 2 × layers × heads × dimension × 4 bytes a token', () => {
    expect(plan('f32', 1000).cacheBytes).toBe(1000 * 2 * 2 * 2 * 32 * 4);
  });

  test('a temporary file in memory is memory; one without room is refused', () => {
    const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
    const stored = storedWeights(source, arch, { scheme: parseScheme('f32') });
    const of = { stored, batchTokens: 1, placement: 'file' } as const;
    const disk = planMemory(arch, of);
    const memory = planMemory(arch, { ...of, scratchInMemory: true });
    expect(memory.loadBytes - disk.loadBytes).toBe(disk.weightBytes);
    const full = { folder: '/scratch', freeBytes: disk.weightBytes - 1 };
    expect(() => refuseIfScratchTooSmall(disk, full)).toThrow(/in \/scratch while they load/);
    expect(() => refuseIfScratchTooSmall(disk, { ...full, freeBytes: 2 ** 40 })).not.toThrow();
  });

  test('grows with the batch', () => {
    expect(plan('f32', 4096).totalBytes).toBeGreaterThan(plan('f32', 64).totalBytes);
  });

  test('refuses with the sum, and says what to do', () => {
    const small = { bytes: 100 * 2 ** 20, from: 'memory limit of control group /job' };
    const run = (): void => refuseIfTooLarge(plan('f32', 65_536), small);
    expect(run).toThrow(LimitError);
    expect(run).toThrow(/keys and values .* activations .* output head\) .* only 0\.10 GiB/);
    expect(run).toThrow(/control group \/job/);
    expect(() => refuseIfTooLarge(plan('f32'), { bytes: 2 ** 40, from: '' })).not.toThrow();
  });
});
