import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import { parseQuantizationConfig } from './quantization-config.ts';

const parse = (quantization_config: unknown) =>
  parseQuantizationConfig({ quantization_config }, { path: 'config.json' });

const group = (weights: object) => ({
  quant_method: 'compressed-tensors',
  format: 'pack-quantized',
  config_groups: { group_0: { targets: ['Linear'], weights } },
});
const CONFIGS: readonly object[] = [
  { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128] },
  group({ num_bits: 4, type: 'int', strategy: 'group', group_size: 128, symmetric: true }),
  { quant_method: 'gptq', bits: 4, group_size: 128, sym: true, desc_act: false },
  { quant_method: 'awq', bits: 4, group_size: 128, zero_point: true, version: 'gemm' },
];

describe('quantization_config', () => {
  it('is null where there is none', () => {
    expect(parseQuantizationConfig({}, { path: 'config.json' })).toBeNull();
  });

  it.each<[string, object, RegExp]>([
    ['a method that is not known', { quant_method: 'hqq' }, /quant_method "hqq"/],
    [
      'a block of three sides',
      { ...CONFIGS[0], weight_block_size: [1, 2, 3] },
      /weight_block_size/,
    ],
    ['another FP8', { ...CONFIGS[0], fmt: 'e5m2' }, /fmt "e5m2"/],
    ['three bits', { ...CONFIGS[2], bits: 3 }, /bits 3/],
    ['a group of 0', { ...CONFIGS[2], group_size: 0 }, /group_size 0/],
    ['a marlin checkpoint', { ...CONFIGS[2], checkpoint_format: 'marlin' }, /checkpoint_format/],
    ['AWQ for another kernel', { ...CONFIGS[3], version: 'gemv' }, /version gemv/],
    ['sparse weights', { ...CONFIGS[1], sparsity_config: { format: 'sparse-24' } }, /sparsity/],
    ['a frozen status', { ...CONFIGS[1], quantization_status: 'frozen' }, /quantization_status/],
    ['FP4', group({ num_bits: 4, type: 'float', strategy: 'group', group_size: 16 }), /type/],
    ['a group without its size', group({ num_bits: 4, strategy: 'group' }), /group_size/],
  ])('refuses %s', (_, config, message) => {
    expect(() => parse(config)).toThrow(message);
    expect(() => parse(config)).toThrow(FormatError);
  });

  it('of any content parses or gives a FormatError', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(4, 8, 128, -1, 'int'));
    const keys = [...CONFIGS, { config_groups: 0, ignore: 0, format: 0, dynamic: 0 }].flatMap(
      (config) => Object.keys(config),
    );
    const changes = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...CONFIGS), changes, value, (config, change, whole) => {
        for (const quantization of [{ ...config, ...change }, whole, group(change)]) {
          try {
            parse(quantization);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
