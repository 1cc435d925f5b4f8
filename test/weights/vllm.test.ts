/** What `inspect` says about vLLM, rule by rule; the rules are those of vLLM 0.33.0. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planQuantize } from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import type { OutputFormat } from '../../src/weights/convert/output-format.ts';
import { inspect } from '../../src/weights/inspect/inspection.ts';
import { lookAt } from '../../src/weights/looked-at.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import {
  type CheckpointChange,
  changedCheckpoint,
  type QuantizedConfig,
} from '../support/changed-checkpoint.ts';
import { type Layout, writeQuantized } from '../support/quantized-checkpoint.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-vllm-'));
  const config = { hidden_size: 256, intermediate_size: 512 };
  writeSmallCheckpoint(join(dir, 'model'), { config });
});
afterAll(() => rmSync(dir, { recursive: true }));

function complaints(path: string): string[] {
  const looked = lookAt(path);
  try {
    return inspect(looked, () => true).vllm.map(
      ({ severity, message }) => `${severity}: ${message}`,
    );
  } finally {
    looked.close();
  }
}

describe('what quantize writes', () => {
  it.each<[string, OutputFormat, RegExp | null]>([
    ['int4-g32', 'compressed-tensors', null],
    ['int4-asym-g64', 'compressed-tensors', null],
    ['int8-g128', 'compressed-tensors', null],
    ['int8-channel', 'compressed-tensors', null],
    ['fp8-channel', 'compressed-tensors', null],
    ['fp8-tensor', 'compressed-tensors', null],
    ['fp8-block128', 'compressed-tensors', null],
    ['fp8-block128', 'fp8', null],
    ['fp8-tensor', 'fp8', null],
    ['int4-g128', 'gptq', null],
    ['int8-g128', 'gptq', null],
    ['int4-asym-g128', 'awq', null],
    ['int4-asym-g32', 'gptq', /^refused: GPTQ of 4 bits with zero points/],
  ])('%s as %s', async (scheme, format, said) => {
    const from = join(dir, 'model');
    const out = join(dir, `${scheme}-as-${format}`);
    const input = lookAt(from);
    const request = { scheme: parseScheme(scheme), format, ignore: ['re:.*layers\\.1\\.mlp'] };
    const plan = planQuantize(input, request);
    await convertCheckpoint({ input, plan, out }, { verify: true, hash: false });
    input.close();
    const got = complaints(out);
    expect(got).toEqual(said === null ? [] : [expect.stringMatching(said)]);
  });
});

type Quantization = NonNullable<QuantizedConfig['quantization_config']> & Record<string, unknown>;
type Group = { weights: Record<string, unknown>; input_activations: unknown; targets: string[] };

const quantization = (change: (of: Quantization) => void): CheckpointChange => ({
  config: (config) => change(config.quantization_config as Quantization),
});
const setting = (more: Record<string, unknown>): CheckpointChange =>
  quantization((of) => Object.assign(of, more));
const weights = (more: Record<string, unknown>, inputs?: unknown): CheckpointChange =>
  quantization((of) => {
    const group = of.config_groups?.group_0 as unknown as Group;
    Object.assign(group.weights, more);
    if (inputs !== undefined) group.input_activations = inputs;
  });
const without = (key: string): CheckpointChange => quantization((of) => delete of[key]);
const renamed = (from: string, to: string): CheckpointChange => ({
  tensor: (tensor) => ({ ...tensor, name: tensor.name.replace(from, to) }),
});
const PACKED: [string, Layout] = ['int4-g64', 'pack-quantized'];
const INT8: [string, Layout] = ['int8-channel', 'int-quantized'];
const token = { num_bits: 8, type: 'int', strategy: 'token', dynamic: true, symmetric: true };

describe('of a config', () => {
  it.each<[string, [string, Layout], CheckpointChange, RegExp | null]>([
    [
      'fp8 without activation_scheme',
      ['fp8-block128', 'fp8'],
      without('activation_scheme'),
      /no activation_scheme/,
    ],
    [
      'fp8 blocks, static',
      ['fp8-block128', 'fp8'],
      setting({ activation_scheme: 'static' }),
      /dynamic only/,
    ],
    [
      'fp8, another scheme',
      ['fp8-block128', 'fp8'],
      setting({ activation_scheme: 'x' }),
      /"x": static or/,
    ],
    [
      'fp8, a scale of another name',
      ['fp8-block128', 'fp8'],
      renamed('weight_scale_inv', 'weight_scale'),
      /waits for a scale called weight_scale_inv/,
    ],
    [
      'fp8, a scale a row',
      ['fp8-channel', 'float-quantized'],
      {
        config: (c) => {
          c.quantization_config = { quant_method: 'fp8', activation_scheme: 'dynamic' } as never;
        },
      },
      /has a scale a row/,
    ],
    ['gptq with zero points', ['int4-g64', 'gptq'], setting({ sym: false }), /with zero points/],
    ['gptq in act-order', ['int4-g64', 'gptq-act-order'], {}, /act-order/],
    ['gptq without desc_act', ['int4-g64', 'gptq'], without('desc_act'), /no desc_act/],
    ['awq without zero_point', ['int4-asym-g64', 'awq'], without('zero_point'), /no zero_point/],
    [
      'awq, a list that catches more',
      ['int4-asym-g64', 'awq'],
      setting({ modules_to_not_convert: ['lm_head', 'self_attn.q'] }),
      /q_proj and 1 more: quantized, and "self_attn.q"/,
    ],
    ['actorder', PACKED, weights({ actorder: 'group' }), /actorder "group"/],
    ['actorder, static', PACKED, weights({ actorder: 'static' }), null],
    [
      'sparsity',
      PACKED,
      setting({ sparsity_config: { format: 'dense', targets: ['Linear'] } }),
      /sparse/,
    ],
    ['packed, inputs in 8 bits', PACKED, weights({}, token), null],
    ['packed, inputs in FP8', PACKED, weights({}, { ...token, type: 'float' }), null],
    [
      'packed, static inputs',
      PACKED,
      weights({}, { ...token, dynamic: false }),
      /pack-quantized with int inputs/,
    ],
    ['int8 without inputs', INT8, weights({}, null), /without input_activations/],
    [
      'int8, static inputs by token',
      INT8,
      weights({}, { ...token, dynamic: false }),
      /by token, static/,
    ],
    ['int8, static inputs by tensor', INT8, weights({}, { num_bits: 8 }), null],
    ['fp8 weights alone', ['fp8-channel', 'float-quantized'], weights({}, null), null],
    [
      'attention, which goes with the KV cache',
      INT8,
      quantization((of) => {
        Object.assign(of.config_groups as object, {
          kv: {
            targets: ['LlamaAttention'],
            format: 'int-quantized',
            weights: {},
            input_activations: null,
          },
        });
      }),
      null,
    ],
  ])('%s', (name, [scheme, layout], change, said) => {
    const from = join(dir, `${scheme}-${layout}`);
    if (!existsSync(from)) writeQuantized({ from: join(dir, 'model'), to: from, scheme, layout });
    const path = changedCheckpoint(from, join(dir, name), change);
    const got = complaints(path).filter((each) => each.startsWith('refused'));
    expect(got).toEqual(said === null ? [] : [expect.stringMatching(said)]);
  });
});

describe('of matrices', () => {
  const small = (name: string, config: Record<string, unknown>): string =>
    writeSmallCheckpoint(join(dir, name), { config });

  it('a matrix that ends within a block, under another one', () => {
    const from = small('odd', { hidden_size: 256, intermediate_size: 320 });
    const to = join(dir, 'odd-fp8');
    writeQuantized({ from, to, scheme: 'fp8-block128', layout: 'fp8' });
    const got = complaints(to);
    expect(got.length).toBe(2);
    expect(got[0]).toMatch(/^refused: .*gate_proj\.weight has 320 rows, no multiple of its block/);
  });

  it('what Marlin pads, counted by the stack', () => {
    // k and v have 32 rows each, q 64: together 128, which fits.
    const from = small('narrow', {
      hidden_size: 64,
      intermediate_size: 96,
      num_key_value_heads: 2,
    });
    const to = join(dir, 'narrow-int4');
    writeQuantized({ from, to, scheme: 'int4-g32', layout: 'pack-quantized' });
    const got = complaints(to);
    expect(got.length).toBe(1);
    expect(got[0]).toMatch(/^slow: .*no multiple of 64×128 or 128×64/);
    expect(got[0]).not.toMatch(/[qkv]_proj/);
  });

  it('groups that Marlin has no kernel for', () => {
    const from = small('narrower', { hidden_size: 256, intermediate_size: 512 });
    const to = join(dir, 'int4-of-16');
    writeQuantized({ from, to, scheme: 'int4-g32', layout: 'gptq' });
    const changed = changedCheckpoint(to, join(dir, 'of-16'), setting({ group_size: 256 }));
    expect(complaints(changed)).toContainEqual(
      expect.stringMatching(/refused: GPTQ in groups of 256: 32, 64, 128/),
    );
  });
});
