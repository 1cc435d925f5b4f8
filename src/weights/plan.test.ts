import { describe, expect, it } from 'vitest';
import { UsageError } from '../record/errors.ts';
import { DTYPE_BYTES } from './dtype.ts';
import { encodeF32 } from './encode.ts';
import { planTensors, summarizeCoverage } from './plan.ts';
import { quantizeTensor } from './planned.ts';
import { dequantizeMatrix } from './quantizer.ts';
import { parseScheme } from './scheme.ts';
import type { Dtype, TensorSource } from './source.ts';

/** A source in memory: every weight is a small ramp. */
function memory(tensors: Record<string, [Dtype, ...number[]]>): TensorSource {
  const info = (name: string) => {
    const [dtype, ...shape] = tensors[name]!;
    const bytes = shape.reduce((a, b) => a * b, DTYPE_BYTES[dtype]);
    return { name, dtype, shape, bytes, location: null };
  };
  return {
    names: Object.keys(tensors),
    has: (name) => name in tensors,
    info,
    read: (name) => {
      const { dtype, bytes } = info(name);
      const ramp = Float32Array.from({ length: bytes / DTYPE_BYTES[dtype] }, (_, i) => i / 64);
      return encodeF32(ramp, dtype as 'F32' | 'BF16' | 'F16');
    },
    close: () => {},
  };
}

const plan = (
  tensors: Record<string, [Dtype, ...number[]]>,
  scheme: string,
  options?: Parameters<typeof planTensors>[2],
) => planTensors(memory(tensors), parseScheme(scheme), options);

const oneOf = (scheme: string, dtype: Dtype, rows: number, cols: number) =>
  plan({ 'q_proj.weight': [dtype, rows, cols] }, scheme)[0]!;

describe('what is left alone', () => {
  it.each([
    ['lm_head.weight', 2, 'output head'],
    ['score.weight', 2, 'output head'],
    ['embed_out.weight', 2, 'output head'],
    ['model.embed_tokens.weight', 2, 'embedding'],
    ['transformer.wte.weight', 2, 'embedding'],
    ['transformer.wpe.weight', 2, 'embedding'],
    ['gpt_neox.embed_in.weight', 2, 'embedding'],
    ['model.layers.0.mlp.gate.weight', 2, 'MoE router'],
    ['model.layers.0.block_sparse_moe.gate.weight', 2, 'MoE router'],
    ['model.layers.0.mlp.shared_expert_gate.weight', 2, 'gate of the shared expert'],
    ['visual.blocks.0.attn.qkv.weight', 2, 'vision tower'],
    ['model.layers.0.linear_attn.conv1d.weight', 3, 'convolution'],
    ['model.layers.0.input_layernorm.weight', 1, 'normalization'],
    ['transformer.h.0.ln_1.weight', 1, 'normalization'],
    ['model.layers.0.self_attn.q_norm.weight', 1, 'normalization'],
    ['model.layers.0.self_attn.q_proj.bias', 1, 'bias'],
    ['model.layers.0.mlp.experts.gate_up_proj', 3, '3-D'],
    ['model.layers.0.A_log', 2, 'not the weight'],
  ] as const)('%s', (name, dimensions, reason) => {
    const shape = Array<number>(dimensions).fill(128);
    const [tensor] = plan({ [name]: ['BF16', ...shape] }, 'int4-g128');
    expect(tensor!.reason).toContain(reason);
    const bytes = 2 * 128 ** dimensions;
    expect(tensor).toMatchObject({ name, shape, scheme: 'bf16', group: null, bytes, matrix: null });
  });

  it.each(['mlp.gate_proj', 'mlp.shared_expert.gate_proj', 'attn.score_proj', 'w1'])(
    'but not %s',
    (module) => {
      const [tensor] = plan({ [`${module}.weight`]: ['BF16', 128, 128] }, 'int4-g128');
      expect(tensor).toMatchObject({ scheme: 'int4-g128', reason: null });
    },
  );

  it('what the caller names, by path, by last parts, or by expression', () => {
    const tensors = {
      'model.layers.0.mlp.up_proj.weight': ['BF16', 128, 128],
      'model.layers.1.mlp.up_proj.weight': ['BF16', 128, 128],
      'model.layers.1.mlp.down_proj.weight': ['BF16', 128, 128],
    } as Record<string, [Dtype, ...number[]]>;
    const kept = (ignore: string[]) =>
      plan(tensors, 'int8-channel', { ignore }).map(({ reason }) => reason);
    expect(kept(['up_proj'])).toEqual(['ignored by up_proj', 'ignored by up_proj', null]);
    expect(kept(['model.layers.1.mlp.up_proj'])[0]).toBeNull();
    expect(kept(['re:.*layers\\.1\\.'])).toEqual([
      null,
      'ignored by re:.*layers\\.1\\.',
      expect.any(String),
    ]);
    expect(kept(['re:layers'])).toEqual([null, null, null]);
    expect(() => kept(['re:(', 're:['])).toThrow(UsageError);
  });

  it('integers and FP8 codes, under every scheme', () => {
    for (const scheme of ['f32', 'int4-g128']) {
      const [ids, codes] = plan(
        { position_ids: ['I64', 4], 'x.weight': ['F8_E4M3', 128, 128] },
        scheme,
      );
      expect(ids).toMatchObject({ scheme: 'i64', bytes: 32, reason: 'not weights (I64)' });
      expect(codes).toMatchObject({ scheme: 'f8_e4m3', reason: 'already quantized (F8_E4M3)' });
    }
  });
});

describe('groups', () => {
  it.each([
    ['int4-g128', 256, 'int4-g128', 128],
    ['int4-g128', 192, 'int4-g64', 64],
    ['int4-asym-g128', 160, 'int4-asym-g32', 32],
    ['int8-g128', 48, 'int8-g16', 16],
    ['int4-g32', 64, 'int4-g32', 32],
  ])('%s over %i inputs becomes %s', (scheme, cols, effective, group) => {
    const tensor = oneOf(scheme, 'BF16', 64, cols);
    expect(tensor).toMatchObject({ scheme: effective, group });
    expect(tensor.reason === null).toBe(effective === scheme);
  });

  it('where none divides the tensor is kept at its dtype', () => {
    const reason = 'no group from 16 up divides in = 172';
    expect(oneOf('int4-g128', 'F32', 64, 172)).toMatchObject({ scheme: 'f32', reason });
    expect(oneOf('int8-g128', 'BF16', 64, 172)).toMatchObject({ scheme: 'bf16', reason });
    expect(oneOf('int8-channel', 'BF16', 64, 172)).toMatchObject({ scheme: 'int8-channel' });
    expect(oneOf('fp8-block128', 'BF16', 64, 172)).toMatchObject({ reason: null, group: 128 });
  });
});

describe('bytes on disk', () => {
  it.each([
    ['f32', 'BF16', 100, 256, 4 * 100 * 256],
    ['bf16', 'F32', 100, 256, 2 * 100 * 256],
    ['fp8-block128', 'BF16', 130, 300, 130 * 300 + 2 * 3 * 4],
    ['fp8-channel', 'BF16', 130, 300, 130 * 300 + 130 * 2],
    ['fp8-tensor', 'BF16', 130, 300, 130 * 300 + 2],
    ['int8-channel', 'F32', 130, 300, 130 * 300 + 130 * 4],
    ['int8-g128', 'BF16', 100, 256, 100 * 256 + 100 * 2 * 2],
    ['int4-g128', 'BF16', 100, 256, 100 * 128 + 100 * 2 * 2],
    ['int4-asym-g128', 'F16', 100, 256, 100 * 128 + 100 * 2 * 2 + 13 * 4 * 2],
  ] as const)('%s from %s [%i, %i]', (scheme, dtype, rows, cols, bytes) => {
    expect(oneOf(scheme, dtype, rows, cols).bytes).toBe(bytes);
  });
});

describe('Conv1D weights', () => {
  it('are grouped along in, which they store first', () => {
    const name = 'h.0.attn.c_attn.weight';
    const source = memory({ [name]: ['BF16', 64, 96] });
    const [tensor] = planTensors(source, parseScheme('int4-g128'), { conv1d: () => true });
    expect(tensor).toMatchObject({ scheme: 'int4-g64', shape: [64, 96] });
    expect(tensor!.matrix).toMatchObject({ rows: 96, cols: 64, transposed: true });
    const matrix = quantizeTensor(source, tensor!)!;
    const back = dequantizeMatrix(matrix);
    // out 5, in 3 is element 3·96 + 5 of the ramp.
    expect(Math.abs(back[5 * 64 + 3]! - (3 * 96 + 5) / 64)).toBeLessThan(matrix.scales[5]!);
  });
});

describe('the summary', () => {
  it('shares out parameters and bytes', () => {
    const plans = plan(
      { 'lm_head.weight': ['BF16', 10, 128], 'a.weight': ['BF16', 30, 128] },
      'int4-g128',
    );
    expect(summarizeCoverage(plans)).toEqual([
      { scheme: 'int4-g128', tensors: 1, parameters: 3840, bytes: 1980, parameterShare: 0.75 },
      { scheme: 'bf16', tensors: 1, parameters: 1280, bytes: 2560, parameterShare: 0.25 },
    ]);
    expect(summarizeCoverage([])).toEqual([]);
  });
});
