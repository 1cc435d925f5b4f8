/**
 * What vLLM would say to a `quantization_config`, by the source of vLLM 0.33.0 under
 * model_executor/layers/quantization: fp8.py, auto_gptq.py with utils/gptq_utils.py, auto_awq.py
 * with utils/quant_utils.py (is_layer_skipped), compressed_tensors/compressed_tensors.py
 * (_get_scheme_from_parts), utils/marlin_utils.py.
 */
import type { CompressedConfig, CompressedRule } from '../formats/quantization-config.ts';
import type { StoredTensor } from '../formats/stored-tensor.ts';
import { ignoreRules } from '../ignore.ts';
import type { LookedAt } from '../looked-at.ts';
import type { VllmComplaint } from './inspection.ts';

/** Groups along the inputs that Marlin takes; −1 is one group a row. */
const MARLIN_GROUPS: readonly unknown[] = [-1, 32, 64, 128];

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const refused = (message: string): VllmComplaint => ({ severity: 'refused', message });
const slow = (message: string): VllmComplaint => ({ severity: 'slow', message });

export function configComplaints({ config, quantization, tensors }: LookedAt): VllmComplaint[] {
  const raw = config?.quantization_config ?? config?.compression_config;
  if (quantization === null || !isObject(raw)) return [];
  switch (quantization.method) {
    case 'fp8':
      return [...fp8Config(raw), ...fp8Scales(raw, tensors), ...fp8Kept(raw, tensors)];
    case 'gptq':
      return gptqConfig(raw);
    case 'awq':
      return [...awqConfig(raw), ...awqKept(raw, tensors)];
    case 'compressed-tensors':
      return compressedConfig(raw, quantization);
  }
}

function missing(raw: Json, keys: readonly string[]): VllmComplaint[] {
  return keys
    .filter((key) => !(key in raw))
    .map((key) => refused(`quantization_config has no ${key}, which it asks for`));
}

function fp8Config(raw: Json): VllmComplaint[] {
  const { activation_scheme: scheme, weight_block_size: block = null } = raw;
  const complaints = missing(raw, ['activation_scheme']);
  if (scheme !== undefined && scheme !== 'dynamic' && scheme !== 'static') {
    complaints.push(refused(`activation_scheme ${JSON.stringify(scheme)}: static or dynamic`));
  }
  if (block !== null && scheme === 'static') {
    complaints.push(refused('FP8 in blocks takes activation_scheme dynamic only'));
  }
  return complaints;
}

/** Its loader for `fp8` knows blocks and whole matrices, each under one name. */
function fp8Scales({ weight_block_size: block = null }: Json, tensors: readonly StoredTensor[]) {
  const name = block === null ? 'weight_scale' : 'weight_scale_inv';
  const complaints: VllmComplaint[] = [];
  // Experts have loaders of their own in every model.
  const linear = tensors.filter((tensor) => tensor.kind === 'fp8' && tensor.matrices === 1);
  const other = linear.find(
    (tensor) => tensor.kind === 'fp8' && !tensor.scales.name.endsWith(`.${name}`),
  );
  if (other?.kind === 'fp8') {
    complaints.push(refused(`${other.scales.name}: it waits for a scale called ${name}`));
  }
  const rows = linear.find((tensor) => tensor.kind === 'fp8' && tensor.block.rows === 1);
  if (block === null && rows !== undefined) {
    const message =
      `${rows.name} has a scale a row; quant_method fp8 is one scale a matrix, or blocks ` +
      '(compressed-tensors has rows)';
    complaints.push(refused(message));
  }
  return complaints;
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

const moduleOf = ({ name }: StoredTensor): string => name.replace(/\.weight$/, '');

/** Plain matrices that a server builds as quantized unless a list names them. */
function plainLinears(tensors: readonly StoredTensor[]): string[] {
  const byDefault = ignoreRules();
  return tensors
    .filter((tensor) => tensor.kind === 'plain' && tensor.shape.length === 2)
    .filter(({ name }) => name.endsWith('.weight'))
    .map(moduleOf)
    .filter((module) => byDefault(module) === null && !module.includes('experts'));
}

const STACKS: readonly (readonly [RegExp, string])[] = [
  [/\.[qkv]_proj$/, '.qkv_proj'],
  [/\.(?:gate|up)_proj$/, '.gate_up_proj'],
];

/** Whole paths, of the module or of the stack that it becomes a part of; no patterns. */
function fp8Kept(raw: Json, tensors: readonly StoredTensor[]): VllmComplaint[] {
  const first = strings(raw.ignored_layers);
  const key = first.length > 0 ? 'ignored_layers' : 'modules_to_not_convert';
  const list = new Set(strings(raw[key]));
  const kept = (module: string): boolean =>
    list.has(module) || STACKS.some(([part, stack]) => list.has(module.replace(part, stack)));
  const waiting = plainLinears(tensors).filter((module) => !kept(module));
  return several(waiting, (names) => `${names}: plain, and ${key} has no such path in full`);
}

/** Any text that stands in the path of a module. */
function awqKept(raw: Json, tensors: readonly StoredTensor[]): VllmComplaint[] {
  const list = strings(raw.modules_to_not_convert);
  // It then goes by the dtypes in the files.
  if (list.length === 0) return [];
  const entryFor = (module: string): string | undefined =>
    list.find((entry) => module.includes(entry));
  const waiting = plainLinears(tensors).filter((module) => entryFor(module) === undefined);
  const quantized = tensors.filter(({ kind }) => kind === 'int').map(moduleOf);
  const caught = quantized.filter((module) => entryFor(module) !== undefined);
  const key = 'modules_to_not_convert';
  return [
    ...several(waiting, (names) => `${names}: plain, and nothing of ${key} stands in the path`),
    ...several(caught, (names) => {
      const entry = entryFor(caught[0]!);
      return `${names}: quantized, and "${entry}" of ${key} stands in the path`;
    }),
  ];
}

function several(names: readonly string[], say: (names: string) => string): VllmComplaint[] {
  const [first] = names;
  if (first === undefined) return [];
  return [refused(say(names.length === 1 ? first : `${first} and ${names.length - 1} more`))];
}

function gptqConfig(raw: Json): VllmComplaint[] {
  const { bits, sym, desc_act: actOrder, group_size: group } = raw;
  const complaints = missing(raw, ['desc_act', 'sym']);
  if (sym === false) {
    complaints.push(refused(`GPTQ of ${bits} bits with zero points (sym: false)`));
  }
  if (actOrder === true && group !== -1) {
    complaints.push(refused('GPTQ with act-order (desc_act: true) in groups'));
  }
  if (!MARLIN_GROUPS.includes(group)) {
    complaints.push(refused(`GPTQ in groups of ${group}: 32, 64, 128 or whole rows`));
  }
  return complaints;
}

function awqConfig(raw: Json): VllmComplaint[] {
  const group = raw.q_group_size ?? raw.group_size;
  const complaints = missing(raw, ['zero_point']);
  if (!MARLIN_GROUPS.includes(group)) {
    complaints.push(slow(`groups of ${group}: not for the Marlin kernels`));
  }
  return complaints;
}

function compressedConfig(raw: Json, { rules }: CompressedConfig): VllmComplaint[] {
  const groups = isObject(raw.config_groups) ? raw.config_groups : {};
  const complaints: VllmComplaint[] = [];
  const sparsity = raw.sparsity_config;
  if (isObject(sparsity) && strings(sparsity.targets).length > 0) {
    complaints.push(refused('sparsity_config has targets: sparse weights are gone'));
  }
  for (const rule of rules) {
    const group = groups[rule.name] as Json;
    // Quantized attention goes with the KV cache, and is passed over.
    if (rule.targets.length === 1 && rule.targets[0]!.endsWith('Attention')) continue;
    const { actorder } = group.weights as Json;
    if (actorder === true || actorder === 'group' || actorder === 'dynamic') {
      complaints.push(refused(`${rule.name}: actorder ${JSON.stringify(actorder)}`));
    }
    const inputs = isObject(group.input_activations) ? group.input_activations : null;
    const problem = schemeProblem(rule, inputs);
    if (problem !== null)
      complaints.push(refused(`${rule.name}: ${problem}: no scheme takes that`));
    if (rule.group !== null && !MARLIN_GROUPS.includes(rule.group)) {
      complaints.push(slow(`${rule.name}: groups of ${rule.group}: not for the Marlin kernels`));
    }
  }
  return complaints;
}

function schemeProblem(rule: CompressedRule, inputs: Json | null): string | null {
  const { format, type, strategy, symmetric } = rule;
  if (format === 'pack-quantized') {
    if (strategy !== 'channel' && strategy !== 'group') return `pack-quantized by ${strategy}`;
    return inputs === null ? null : packedInputs(rule, inputs);
  }
  if (type === 'float') {
    if (symmetric && strategy !== 'group') return null;
    return `FP8 by ${strategy}${symmetric ? '' : ' with zero points'}`;
  }
  if (inputs === null) return `${format} without input_activations`;
  if (!symmetric) return `${format} weights with zero points`;
  if (strategy !== 'channel' && strategy !== 'tensor') return `${format} by ${strategy}`;
  const { num_bits: bits = 8, dynamic = false, strategy: how = 'tensor' } = inputs;
  if (bits === 8 && how === (dynamic ? 'token' : 'tensor')) return null;
  return `inputs of ${bits} bits by ${how}, ${dynamic ? 'dynamic' : 'static'}`;
}

/** Integers of 4 or 8 bits by token or group as they come, or FP8 by token for INT4 (on Hopper). */
function packedInputs({ bits, strategy }: CompressedRule, inputs: Json): string | null {
  const { num_bits: wide = 8, dynamic = false, symmetric = true, type = 'int' } = inputs;
  const how = inputs.strategy ?? 'tensor';
  const plain = symmetric === true && Boolean(dynamic);
  const integers = type === 'int' && (wide === 8 || wide === 4);
  const hopper = type === 'float' && wide === 8 && bits === 4 && strategy === 'group';
  if (
    plain &&
    ((integers && (how === 'token' || how === 'group')) || (hopper && how === 'token'))
  ) {
    return null;
  }
  return `pack-quantized with ${type} inputs of ${wide} bits by ${how}`;
}
