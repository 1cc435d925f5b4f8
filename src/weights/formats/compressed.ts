/**
 * compressed-tensors, as llm-compressor writes it: `X.weight` in F8_E4M3 (float-quantized) or I8
 * (int-quantized), or `X.weight_packed` (pack-quantized), each with `X.weight_scale` and, where
 * asymmetric, `X.weight_zero_point`.
 */
import { FormatError } from '../../record/errors.ts';
import { inputScales, resolveFp8 } from './fp8.ts';
import { type PartFinder, SCALE_DTYPES } from './part-finder.ts';
import type { CompressedConfig, CompressedRule } from './quantization-config.ts';
import type { IntTensor, Part, StoredTensor } from './stored-tensor.ts';

/** @returns null for a tensor that is not the codes of a quantized module */
export function resolveCompressed(
  name: string,
  finder: PartFinder,
  config: CompressedConfig,
): StoredTensor | null {
  const packed = name.endsWith('.weight_packed');
  const { dtype } = finder.part(name);
  const bytes = name.endsWith('.weight') && (dtype === 'F8_E4M3' || dtype === 'I8');
  if (!packed && !bytes) return null;
  finder.claim(name);
  const module = name.replace(/\.weight(_packed)?$/, '');
  const rule = ruleFor(module, config);
  if (rule === null) {
    throw new FormatError(`tensor "${name}" is quantized, and no config group has it as a target`, {
      hint: 'config_groups and ignore of config.json do not belong to these weights',
      details: { tensor: name, expected: 'a target', got: config.rules.map((r) => r.targets) },
    });
  }
  const stored = packed ? 'pack-quantized' : dtype === 'I8' ? 'int-quantized' : 'float-quantized';
  // naive-quantized is what float- and int-quantized were called together.
  if (rule.format !== stored && !(rule.format === 'naive-quantized' && !packed)) {
    throw finder.wrong(name, `is ${stored}; config.json says ${rule.format}`, rule.format, stored);
  }
  if ((rule.type === 'float') !== (stored === 'float-quantized')) {
    throw finder.wrong(name, `is ${stored}, its type is ${rule.type}`, rule.type, stored);
  }
  if (rule.type === 'float') return resolveFp8(name, finder, rule);
  return resolveInt(name, { module, rule, packed }, finder);
}

/**
 * The rule of a module: a path comes before a pattern, a pattern before a class, as in
 * compressed-tensors. Any module that has codes is taken for a `Linear`.
 */
export function ruleFor(module: string, config: CompressedConfig): CompressedRule | null {
  const ranks = [
    (target: string) => target === module,
    (target: string) => target.startsWith('re:') && matchesStart(target.slice(3), module),
    (target: string) => !target.startsWith('re:') && !target.includes('.'),
  ];
  for (const matches of ranks) {
    const rule = config.rules.find(({ targets }) => targets.some(matches));
    if (rule !== undefined) return rule;
  }
  return null;
}

function matchesStart(pattern: string, module: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})`).test(module);
  } catch {
    return false;
  }
}

interface Module {
  readonly module: string;
  readonly rule: CompressedRule;
  readonly packed: boolean;
}

function resolveInt(name: string, { module, rule, packed }: Module, finder: PartFinder): IntTensor {
  const { bits, symmetric } = rule;
  if (!packed && bits !== 8) throw finder.wrong(name, `${bits} bits in I8`, 8, bits);
  const codes = finder.required(name, {
    of: name,
    what: 'codes',
    dtypes: [packed ? 'I32' : 'I8'],
  });
  const extras: Part[] = inputScales(module, finder);
  const [rows, cols] = packed
    ? unpackedShape(codes, { module, bits, extras }, finder)
    : matrixShape(codes, finder);
  const group = rule.group ?? cols;
  if (rule.strategy === 'block') throw finder.wrong(name, 'integers in blocks', 'groups', 'blocks');
  if (cols % group !== 0) {
    throw finder.wrong(name, `groups of ${group} do not divide in = ${cols}`, group, cols);
  }
  const scales = intScales(module, { codes, rows, groups: cols / group, rule }, finder);
  const per = 32 / bits;
  const zeroShape = packed ? [Math.ceil(rows / per), cols / group] : scales.shape;
  const zero = {
    of: name,
    what: 'zero point',
    dtypes: [packed ? ('I32' as const) : ('I8' as const)],
    shape: zeroShape,
  };
  const zeroName = `${module}.weight_zero_point`;
  // Older writers stored zeros for symmetric schemes too; they mean nothing.
  if (symmetric && finder.has(zeroName)) extras.push(finder.part(zeroName));
  if (symmetric) finder.claim(zeroName);
  const zeroPoints = symmetric ? null : finder.required(zeroName, zero);
  const groupIndex = finder.optional(`${module}.weight_g_idx`, {
    what: 'group index',
    dtypes: ['I32'],
    shape: [cols],
  });
  return {
    kind: 'int',
    name: `${module}.weight`,
    shape: [rows, cols],
    rows,
    cols,
    bits,
    group,
    symmetric,
    packing: packed ? 'compressed' : 'bytes',
    codes,
    scales,
    zeroPoints,
    groupIndex,
    zeroLessOne: false,
    extras,
  };
}

function matrixShape(codes: Part, finder: PartFinder): [number, number] {
  const [rows = 0, cols = 0] = codes.shape;
  if (codes.shape.length !== 2 || rows * cols === 0) {
    throw finder.wrong(codes.name, 'is not a matrix', '[out, in]', codes.shape);
  }
  return [rows, cols];
}

interface PackedModule {
  readonly module: string;
  readonly bits: 4 | 8;
  readonly extras: Part[];
}

/** `weight_shape` says how many of the last word's places are codes. */
function unpackedShape(codes: Part, { module, bits, extras }: PackedModule, finder: PartFinder) {
  const shape = finder.required(`${module}.weight_shape`, {
    of: codes.name,
    what: 'weight_shape',
    dtypes: ['I64', 'I32'],
    shape: [2],
  });
  extras.push(shape);
  const bytes = finder.readAt(shape.location, shape.bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (i: number) =>
    shape.dtype === 'I64' ? Number(view.getBigInt64(8 * i, true)) : view.getInt32(4 * i, true);
  const [rows, cols] = [at(0), at(1)];
  const [storedRows, words] = matrixShape(codes, finder);
  const possible = Number.isSafeInteger(rows) && Number.isSafeInteger(cols) && cols > 0;
  if (!possible || rows !== storedRows || words !== Math.ceil((cols * bits) / 32)) {
    throw finder.wrong(
      codes.name,
      `[${codes.shape.join(', ')}] of ${bits} bits is not weight_shape [${rows}, ${cols}]`,
      [rows, Math.ceil((cols * bits) / 32)],
      codes.shape,
    );
  }
  return [rows, cols] as [number, number];
}

interface ScaleShape {
  readonly codes: Part;
  readonly rows: number;
  readonly groups: number;
  readonly rule: CompressedRule;
}

function intScales(module: string, { codes, rows, groups, rule }: ScaleShape, finder: PartFinder) {
  const perTensor = rule.strategy === 'tensor';
  const scales = finder.required(`${module}.weight_scale`, {
    of: codes.name,
    what: 'scale',
    dtypes: SCALE_DTYPES,
    ...(perTensor ? {} : { shape: [rows, groups] }),
  });
  const count = scales.shape.reduce((product, size) => product * size, 1);
  if (perTensor && count !== 1) {
    throw finder.wrong(scales.name, 'is not one scale per tensor', [1], scales.shape);
  }
  return scales;
}
