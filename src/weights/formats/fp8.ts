/**
 * FP8 as DeepSeek-V3 and Qwen3-FP8 store it, and what later checkpoints made of it: `X.weight` in
 * F8_E4M3 with `X.weight_scale_inv` (despite its name one multiplies), `X.weight_scale`,
 * `X.scale` in F8_E8M0, and experts as one 3-D tensor with `X_scale_inv` or `X_scales_inv`.
 */
import type { Dtype } from '../source.ts';
import { type PartFinder, SCALE_DTYPES } from './part-finder.ts';
import type { Fp8Config } from './quantization-config.ts';
import type { Fp8Tensor, Part } from './stored-tensor.ts';

const DTYPES: readonly Dtype[] = [...SCALE_DTYPES, 'F8_E8M0'];

/** Names under which the scales of a weight are found. */
function scaleNames(name: string): string[] {
  const module = name.replace(/\.weight$/, '');
  const names = [`${name}_scale_inv`, `${name}_scales_inv`, `${name}_scale`, `${name}.scale`];
  return module === name ? names : [...names, `${module}.scale`];
}

/** @returns null for a tensor that is not FP8 */
export function resolveFp8(
  name: string,
  finder: PartFinder,
  { block }: Pick<Fp8Config, 'block'>,
): Fp8Tensor | null {
  const codes = finder.part(name);
  if (codes.dtype !== 'F8_E4M3') return null;
  finder.claim(name);
  const { matrices, rows, cols } = matrixOf(codes, finder);
  const names = scaleNames(name).filter((candidate) => finder.has(candidate));
  if (names.length > 1) {
    throw finder.wrong(name, `has ${names.length} scales: ${names.join(', ')}`, 'one', names);
  }
  const scales = finder.required(names[0] ?? scaleNames(name)[0]!, {
    of: name,
    what: 'scale',
    dtypes: DTYPES,
  });
  const fitted = fitBlock({ codes, scales, block, matrices, rows, cols }, finder);
  const module = name.replace(/\.weight$/, '');
  const extras = inputScales(module, finder);
  return {
    kind: 'fp8',
    name,
    shape: codes.shape,
    matrices,
    rows,
    cols,
    block: fitted,
    codes,
    scales,
    extras,
  };
}

/** Static scales of activations: they belong to the quantized module and go with it. */
export function inputScales(module: string, finder: PartFinder): Part[] {
  return ['input_scale', 'activation_scale', 'input_zero_point']
    .map((suffix) => finder.optional(`${module}.${suffix}`, { what: 'input scale' }))
    .filter((part) => part !== null);
}

function matrixOf(codes: Part, finder: PartFinder) {
  const { shape, name } = codes;
  if (shape.length !== 2 && shape.length !== 3) {
    throw finder.wrong(name, `FP8 of ${shape.length} dimensions`, '2 or 3', shape.length);
  }
  const [rows, cols] = shape.slice(-2) as [number, number];
  const matrices = shape.length === 3 ? shape[0]! : 1;
  if (matrices * rows * cols === 0) throw finder.wrong(name, 'is empty', 'elements', shape);
  return { matrices, rows, cols };
}

interface Fitting {
  readonly codes: Part;
  readonly scales: Part;
  readonly block: readonly [number, number] | null;
  readonly matrices: number;
  readonly rows: number;
  readonly cols: number;
}

/** The block that the config gives, or one row or one matrix; the grid of scales must fit it. */
function fitBlock({ codes, scales, block, matrices, rows, cols }: Fitting, finder: PartFinder) {
  const count = scales.shape.reduce((product, size) => product * size, 1);
  const lead = codes.shape.length === 3 ? [matrices] : [];
  const refuse = (expected: readonly number[]) =>
    finder.wrong(
      scales.name,
      `scales of ${codes.name} [${codes.shape.join(', ')}] have shape ` +
        `[${scales.shape.join(', ')}], must have [${expected.join(', ')}]`,
      expected,
      scales.shape,
    );
  if (block !== null) {
    const grid = [...lead, Math.ceil(rows / block[0]), Math.ceil(cols / block[1])];
    const fits = scales.shape.length === grid.length && scales.shape.every((n, i) => n === grid[i]);
    if (!fits) throw refuse(grid);
    return { rows: block[0], cols: block[1] };
  }
  if (count === matrices) return { rows, cols };
  const channels = [...lead, rows];
  const trimmed = scales.shape.at(-1) === 1 ? scales.shape.slice(0, -1) : scales.shape;
  if (trimmed.length === channels.length && trimmed.every((n, i) => n === channels[i])) {
    return { rows: 1, cols };
  }
  throw refuse([...channels, 1]);
}
