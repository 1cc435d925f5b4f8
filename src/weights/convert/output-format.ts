/** Which schemes a format can hold, and what it makes of config.json. */
import { UsageError } from '../../record/errors.ts';
import type { StoredFloat } from '../encode.ts';
import type { Scheme } from '../scheme.ts';

export const OUTPUT_FORMATS = ['compressed-tensors', 'fp8', 'gptq', 'awq'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** A matrix as it will be written. */
export interface PackedMatrix {
  /** The tensor's name without `.weight`. */
  readonly module: string;
  readonly rows: number;
  readonly cols: number;
  readonly scheme: Scheme;
  /** What scales are rounded to before they are used. */
  readonly scaleDtype: StoredFloat;
  readonly format: OutputFormat;
}

/**
 * The dtype that a scale is rounded to before it is used: that of the scheme, so that the codes are
 * those of the scheme in memory. GPTQ and AWQ hold scales in F16, which has no place for F32.
 */
export function scaleDtypeIn(format: OutputFormat, ofScheme: StoredFloat): StoredFloat {
  return heldIn(format) === 'F16' && ofScheme === 'F32' ? 'F16' : ofScheme;
}

/** The dtype that a format has for scales of its own; null: that of the scheme. */
export function heldIn(format: OutputFormat): StoredFloat | null {
  return format === 'gptq' || format === 'awq' ? 'F16' : null;
}

/** How the one quantizer makes a matrix, or some rows of it, for this format. */
export function quantizing({ cols, scheme, scaleDtype, format }: PackedMatrix) {
  const held = heldIn(format);
  return { cols, scheme, scaleDtype, ...(held === null ? {} : { heldIn: held }) };
}

/** @throws UsageError for a scheme that the format has no place for */
export function refuseUnfit(scheme: Scheme, format: OutputFormat): void {
  const { family, layout, symmetric, bits } = scheme;
  const fits = {
    'compressed-tensors': family !== 'float',
    fp8: family === 'fp8' && layout !== 'channel',
    gptq: family === 'int' && layout === 'group',
    awq: family === 'int' && bits === 4 && !symmetric,
  }[format];
  if (fits) return;
  throw new UsageError(`${format} cannot hold ${scheme.text}`, {
    hint:
      'compressed-tensors: all; fp8: fp8-block128, fp8-tensor; gptq: int4-*, int8-g128; ' +
      'awq: int4-asym-*',
    details: { scheme: scheme.text, format },
  });
}

/** `quantization_config`: what vLLM and transformers read. `kept`: full paths of linear modules. */
export function quantizationConfig(
  scheme: Scheme,
  format: OutputFormat,
  kept: readonly string[],
): Record<string, unknown> {
  const { bits, symmetric, group, layout } = scheme;
  switch (format) {
    case 'fp8':
      return {
        quant_method: 'fp8',
        fmt: 'e4m3',
        activation_scheme: 'dynamic',
        ...(layout === 'block' ? { weight_block_size: [128, 128] } : {}),
        modules_to_not_convert: kept,
        // Older servers read this key.
        ignored_layers: kept,
      };
    case 'gptq':
      return {
        quant_method: 'gptq',
        bits,
        group_size: group,
        desc_act: false,
        sym: symmetric,
        lm_head: false,
        // v1 stores a zero point less one and has no way to say 0, which asymmetric codes need.
        checkpoint_format: symmetric ? 'gptq' : 'gptq_v2',
        pack_dtype: 'int32',
        // Where every linear module is quantized but the head, servers need no list.
        dynamic: Object.fromEntries(kept.map((module) => [`-:^${escapeDots(module)}$`, {}])),
      };
    case 'awq':
      return {
        quant_method: 'awq',
        bits,
        group_size: group,
        zero_point: true,
        version: 'gemm',
        modules_to_not_convert: kept,
      };
    case 'compressed-tensors':
      return compressedConfig(scheme, kept);
  }
}

const escapeDots = (module: string): string => module.replaceAll('.', '\\.');

function compressedConfig(scheme: Scheme, kept: readonly string[]): Record<string, unknown> {
  const { family, bits, layout, group, symmetric } = scheme;
  const float = family === 'fp8';
  const type = float ? 'float' : 'int';
  const channel = layout === 'channel';
  const format = float ? 'float-quantized' : channel ? 'int-quantized' : 'pack-quantized';
  const weights = {
    num_bits: bits,
    type,
    strategy: layout,
    symmetric,
    dynamic: false,
    group_size: layout === 'group' ? group : null,
    block_structure: layout === 'block' ? [128, 128] : null,
  };
  // Eight-bit layouts that servers compute in need to know how activations are quantized.
  const grouped = layout === 'block' ? { strategy: 'group', group_size: 128 } : {};
  const activations =
    layout === 'group'
      ? null
      : { num_bits: 8, type, strategy: 'token', symmetric: true, dynamic: true, ...grouped };
  return {
    quant_method: 'compressed-tensors',
    format,
    quantization_status: 'compressed',
    ignore: kept,
    kv_cache_scheme: null,
    config_groups: {
      group_0: { targets: ['Linear'], format, weights, input_activations: activations },
    },
  };
}
