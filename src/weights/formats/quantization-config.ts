/** `quantization_config` of a config.json, as far as it decides how tensors are stored. */
import { FormatError } from '../../record/errors.ts';

export interface Fp8Config {
  readonly method: 'fp8';
  /** Rows and columns of a block; null: one scale per row or per tensor. */
  readonly block: readonly [number, number] | null;
  readonly ignore: readonly string[];
}

export interface CompressedRule {
  /** Name of the group in `config_groups`. */
  readonly name: string;
  /** Class names (`Linear`), module paths, or `re:…`. */
  readonly targets: readonly string[];
  readonly format: string;
  readonly bits: 4 | 8;
  readonly type: 'float' | 'int';
  readonly strategy: 'tensor' | 'channel' | 'group' | 'block';
  readonly group: number | null;
  readonly block: readonly [number, number] | null;
  readonly symmetric: boolean;
}

export interface CompressedConfig {
  readonly method: 'compressed-tensors';
  readonly rules: readonly CompressedRule[];
  readonly ignore: readonly string[];
}

export interface GptqConfig {
  readonly method: 'gptq';
  readonly bits: 4 | 8;
  /** −1: one group per row. */
  readonly group: number;
  readonly symmetric: boolean;
  readonly zeroLessOne: boolean;
  readonly ignore: readonly string[];
}

export interface AwqConfig {
  readonly method: 'awq';
  readonly bits: 4;
  readonly group: number;
  readonly ignore: readonly string[];
}

export type QuantizationConfig = Fp8Config | CompressedConfig | GptqConfig | AwqConfig;

type Json = Readonly<Record<string, unknown>>;

/** Where the configuration stands, for messages. */
interface Place {
  readonly path: string;
}

function refuse(message: string, { path }: Place, details: { expected: unknown; got: unknown }) {
  return new FormatError(`${path}: quantization_config: ${message}`, {
    hint: 'this layout is not understood, and a guess could corrupt every weight',
    details: { path, ...details },
  });
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/**
 * @returns null where the checkpoint does not say that it is quantized
 * @throws FormatError for a method or a setting that is not understood
 */
export function parseQuantizationConfig(config: Json, place: Place): QuantizationConfig | null {
  const quantization = config.quantization_config ?? config.compression_config ?? null;
  if (quantization === null) return null;
  if (!isObject(quantization)) {
    throw refuse('not an object', place, { expected: 'an object', got: quantization });
  }
  const method = quantization.quant_method;
  switch (method) {
    case 'fp8':
      return parseFp8(quantization, place);
    case 'compressed-tensors':
      return parseCompressed(quantization, place);
    case 'gptq':
      return parseGptq(quantization, place);
    case 'awq':
      return parseAwq(quantization, place);
    default: {
      const expected = ['fp8', 'compressed-tensors', 'gptq', 'awq'];
      throw refuse(`quant_method ${JSON.stringify(method)}`, place, { expected, got: method });
    }
  }
}

function pair(value: unknown, what: string, place: Place): readonly [number, number] | null {
  if (value === undefined || value === null) return null;
  const sides = Array.isArray(value) ? value : [];
  if (sides.length !== 2 || !sides.every((side) => Number.isInteger(side) && side > 0)) {
    throw refuse(`${what} ${JSON.stringify(value)}`, place, {
      expected: 'two positive integers',
      got: value,
    });
  }
  return [sides[0] as number, sides[1] as number];
}

function parseFp8(quantization: Json, place: Place): Fp8Config {
  const { fmt = 'e4m3' } = quantization;
  if (fmt !== 'e4m3' && fmt !== 'float8_e4m3fn') {
    throw refuse(`fmt ${JSON.stringify(fmt)}`, place, { expected: 'e4m3', got: fmt });
  }
  const block = pair(quantization.weight_block_size, 'weight_block_size', place);
  const kept = [
    ...strings(quantization.modules_to_not_convert),
    ...strings(quantization.ignored_layers),
  ];
  return { method: 'fp8', block, ignore: [...new Set(kept)] };
}

const COMPRESSED_FORMATS = [
  'float-quantized',
  'naive-quantized',
  'int-quantized',
  'pack-quantized',
];

function parseCompressed(quantization: Json, place: Place): CompressedConfig {
  const status = quantization.quantization_status ?? 'compressed';
  if (status !== 'compressed') {
    throw refuse(`quantization_status ${JSON.stringify(status)}`, place, {
      expected: 'compressed',
      got: status,
    });
  }
  const sparsity = quantization.sparsity_config;
  if (isObject(sparsity) && (sparsity.format ?? 'dense') !== 'dense') {
    const got = sparsity.format;
    throw refuse(`sparsity format ${JSON.stringify(got)}`, place, { expected: 'dense', got });
  }
  const groups = isObject(quantization.config_groups) ? quantization.config_groups : {};
  const rules = Object.entries(groups).map(([name, group]) =>
    parseRule(name, group, { ...place, format: quantization.format }),
  );
  if (rules.length === 0) {
    throw refuse('config_groups is missing or empty', place, { expected: 'groups', got: groups });
  }
  return { method: 'compressed-tensors', rules, ignore: strings(quantization.ignore) };
}

function parseRule(name: string, group: unknown, place: Place & { format: unknown }) {
  const wrong = (what: string, expected: unknown, got: unknown) =>
    refuse(`config_groups.${name}: ${what} ${JSON.stringify(got)}`, place, { expected, got });
  if (!isObject(group)) throw wrong('not an object:', 'an object', group);
  const weights = group.weights;
  if (!isObject(weights)) throw wrong('weights', 'an object', weights);
  const format = group.format ?? place.format;
  if (typeof format !== 'string' || !COMPRESSED_FORMATS.includes(format)) {
    throw wrong('format', COMPRESSED_FORMATS, format);
  }
  const { num_bits: bits = 8, type = 'int', strategy, symmetric = true } = weights;
  if (bits !== 4 && bits !== 8) throw wrong('num_bits', [4, 8], bits);
  if (type !== 'int' && (type !== 'float' || bits !== 8)) {
    throw wrong('type', 'int, or float of 8 bits', `${type} of ${bits} bits`);
  }
  const size = weights.group_size ?? null;
  const how = strategy ?? (size === null ? 'tensor' : size === -1 ? 'channel' : 'group');
  if (how !== 'tensor' && how !== 'channel' && how !== 'group' && how !== 'block') {
    throw wrong('strategy', ['tensor', 'channel', 'group', 'block'], how);
  }
  if (how === 'group' && !(Number.isInteger(size) && (size as number) > 0)) {
    throw wrong('group_size', 'a positive integer', size);
  }
  const block = pair(weights.block_structure, `config_groups.${name}: block_structure`, place);
  if (how === 'block' && block === null) throw wrong('block_structure', 'two integers', null);
  const rule: CompressedRule = {
    name,
    targets: strings(group.targets),
    format,
    bits,
    type,
    strategy: how,
    group: how === 'group' ? (size as number) : null,
    block: how === 'block' ? block : null,
    symmetric: symmetric !== false,
  };
  return rule;
}

function parseGptq(quantization: Json, place: Place): GptqConfig {
  const { bits, group_size: group, sym, checkpoint_format: version = 'gptq' } = quantization;
  if (bits !== 4 && bits !== 8) {
    throw refuse(`bits ${JSON.stringify(bits)}`, place, { expected: [4, 8], got: bits });
  }
  if (!Number.isInteger(group) || ((group as number) <= 0 && group !== -1)) {
    throw refuse(`group_size ${JSON.stringify(group)}`, place, {
      expected: 'a positive integer or -1',
      got: group,
    });
  }
  if (version !== 'gptq' && version !== 'gptq_v2') {
    throw refuse(`checkpoint_format ${JSON.stringify(version)}`, place, {
      expected: ['gptq', 'gptq_v2'],
      got: version,
    });
  }
  const pack = quantization.pack_dtype ?? 'int32';
  if (pack !== 'int32') {
    throw refuse(`pack_dtype ${JSON.stringify(pack)}`, place, { expected: 'int32', got: pack });
  }
  const dynamic = isObject(quantization.dynamic) ? quantization.dynamic : {};
  const kept = Object.keys(dynamic).filter((rule) => rule.startsWith('-:'));
  const changed = Object.keys(dynamic).find((rule) => !rule.startsWith('-:'));
  if (changed !== undefined) {
    throw refuse(`dynamic changes the settings of "${changed}"`, place, {
      expected: 'one setting for all layers',
      got: dynamic[changed],
    });
  }
  return {
    method: 'gptq',
    bits,
    group: group as number,
    symmetric: sym !== false,
    zeroLessOne: version === 'gptq',
    ignore: [
      ...strings(quantization.modules_to_not_convert),
      ...kept.map((rule) => `re:${rule.slice(2)}`),
    ],
  };
}

function parseAwq(quantization: Json, place: Place): AwqConfig {
  const { bits, zero_point: zeroPoint = true } = quantization;
  // AutoAWQ's own quant_config.json says w_bit and q_group_size.
  const group = quantization.group_size ?? quantization.q_group_size;
  const version = String(quantization.version ?? 'gemm').toLowerCase();
  if ((bits ?? quantization.w_bit) !== 4 || zeroPoint !== true || version !== 'gemm') {
    throw refuse(`AWQ of ${bits} bits, zero_point ${zeroPoint}, version ${version}`, place, {
      expected: '4 bits with zero points, version gemm',
      got: { bits, zeroPoint, version },
    });
  }
  if (!Number.isInteger(group) || ((group as number) <= 0 && group !== -1)) {
    throw refuse(`group_size ${JSON.stringify(group)}`, place, {
      expected: 'a positive integer or -1',
      got: group,
    });
  }
  const ignore = strings(quantization.modules_to_not_convert);
  return { method: 'awq', bits: 4, group: group as number, ignore };
}
