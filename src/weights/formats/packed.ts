/**
 * GPTQ (v1, v2) and AWQ (GEMM): transposed `X.qweight`, `X.qzeros`, `X.scales`, and for GPTQ
 * `X.g_idx`, the group of every input.
 */
import { type PartFinder, SCALE_DTYPES } from './part-finder.ts';
import type { AwqConfig, GptqConfig } from './quantization-config.ts';
import type { IntTensor } from './stored-tensor.ts';

/** @returns null for a tensor that is not a `qweight` */
export function resolveGptq(
  name: string,
  finder: PartFinder,
  { bits, group, symmetric, zeroLessOne }: GptqConfig,
): IntTensor | null {
  if (!name.endsWith('.qweight')) return null;
  const module = name.replace(/\.qweight$/, '');
  const codes = finder.required(name, { of: name, what: 'codes', dtypes: ['I32'] });
  const per = 32 / bits;
  const [words = 0, rows = 0] = codes.shape;
  if (codes.shape.length !== 2 || words * rows === 0) {
    throw finder.wrong(name, 'is not a matrix', '[in/8, out]', codes.shape);
  }
  const cols = words * per;
  const shared = { module, rows, cols, group: group === -1 ? cols : group, per };
  const parts = scalesAndZeros(name, shared, finder);
  const groupIndex = finder.optional(`${module}.g_idx`, {
    what: 'g_idx',
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
    group: shared.group,
    symmetric,
    packing: 'gptq',
    codes,
    ...parts,
    groupIndex,
    zeroLessOne,
    extras: [],
  };
}

/** @returns null for a tensor that is not a `qweight` */
export function resolveAwq(
  name: string,
  finder: PartFinder,
  { bits, group }: AwqConfig,
): IntTensor | null {
  if (!name.endsWith('.qweight')) return null;
  const module = name.replace(/\.qweight$/, '');
  const codes = finder.required(name, { of: name, what: 'codes', dtypes: ['I32'] });
  const [cols = 0, words = 0] = codes.shape;
  if (codes.shape.length !== 2 || words * cols === 0) {
    throw finder.wrong(name, 'is not a matrix', '[in, out/8]', codes.shape);
  }
  const rows = words * 8;
  const shared = { module, rows, cols, group: group === -1 ? cols : group, per: 8 };
  return {
    kind: 'int',
    name: `${module}.weight`,
    shape: [rows, cols],
    rows,
    cols,
    bits,
    group: shared.group,
    symmetric: false,
    packing: 'awq',
    codes,
    ...scalesAndZeros(name, shared, finder),
    groupIndex: null,
    zeroLessOne: false,
    extras: [],
  };
}

interface PackedMatrix {
  readonly module: string;
  readonly rows: number;
  readonly cols: number;
  readonly group: number;
  /** Codes in a word. */
  readonly per: number;
}

function scalesAndZeros(
  name: string,
  { module, rows, cols, group, per }: PackedMatrix,
  finder: PartFinder,
) {
  if (cols % group !== 0) {
    throw finder.wrong(name, `groups of ${group} do not divide in = ${cols}`, group, cols);
  }
  if (rows % per !== 0) {
    throw finder.wrong(name, `out = ${rows} is no multiple of ${per}`, per, rows);
  }
  const groups = cols / group;
  const scales = finder.required(`${module}.scales`, {
    of: name,
    what: 'scales',
    dtypes: SCALE_DTYPES,
    shape: [groups, rows],
  });
  const zeroPoints = finder.required(`${module}.qzeros`, {
    of: name,
    what: 'zero points',
    dtypes: ['I32'],
    shape: [groups, rows / per],
  });
  return { scales, zeroPoints };
}
