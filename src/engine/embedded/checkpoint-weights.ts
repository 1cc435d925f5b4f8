/** Matrices of a quantized checkpoint: as integers where a kernel takes them, else as floats. */
import { FormatError } from '../../record/errors.ts';
import type { TensorPlan } from '../../weights/plan.ts';
import { isQuantized, type QuantizedSource } from '../../weights/quantized-source.ts';
import { isSimulatedOnCpu, parseScheme, type Scheme, STORED } from '../../weights/scheme.ts';
import type { TensorSource } from '../../weights/source.ts';
import { takesGroup } from './nbits.ts';
import type { StoredMatrix } from './stored-weights.ts';

/** @throws FormatError where a scheme is asked for that the checkpoint would have to be given */
export function refuseSecondQuantization(source: TensorSource, scheme: Scheme): void {
  if (!isQuantized(source) || scheme === STORED) return;
  throw new FormatError(`the checkpoint is already quantized: it cannot be run at ${scheme.text}`, {
    hint: `use --scheme ${STORED.text} to run the weights that it holds, or give the original`,
    details: { expected: STORED.text, got: scheme.text },
  });
}

/** null for a tensor that is stored plain. */
export function planStored(source: TensorSource, name: string): TensorPlan | null {
  const scheme = isQuantized(source) ? source.schemeOf(name) : null;
  if (scheme === null) return null;
  const { shape, bytes } = source.info(name);
  const elements = shape.reduce((product, size) => product * size, 1);
  const plan = { name, shape, scheme: scheme.text, group: scheme.group, bytes, elements };
  if (!runsAsInts(source as QuantizedSource, name)) return { ...plan, reason: null, matrix: null };
  const [rows, cols] = shape as [number, number];
  const matrix = { scheme, rows, cols, scaleDtype: 'F32' as const, transposed: false };
  return { ...plan, reason: null, matrix };
}

/** FP8, groups of odd sizes and groups of unequal sizes have no kernel: they run as f32. */
function runsAsInts(source: QuantizedSource, name: string): boolean {
  const scheme = source.schemeOf(name);
  if (scheme?.family !== 'int') return false;
  const cols = source.info(name).shape.at(-1)!;
  return takesGroup(scheme.group ?? cols, cols) && source.hasEvenGroups(name);
}

/** null for a tensor that is stored plain. */
export function checkpointMatrix(source: TensorSource, name: string): StoredMatrix | null {
  if (!isQuantized(source) || source.schemeOf(name) === null) return null;
  if (runsAsInts(source, name)) return { kind: 'int', ...source.ints(name) };
  const dims = source.info(name).shape;
  return { kind: 'float', values: source.values(name), dims, inOut: false };
}

/** What is multiplied, and whether in f32 although it is stored as something else. */
export interface RanScheme {
  readonly scheme: Scheme;
  readonly simulated: boolean;
}

/**
 * What really runs: `stored` stands for the scheme that most quantized parameters of the checkpoint
 * have, or most of all where none is quantized.
 */
export function ranScheme(scheme: Scheme, plans: Iterable<TensorPlan>): RanScheme {
  if (scheme !== STORED) return { scheme, simulated: isSimulatedOnCpu(scheme) };
  const found = new Map<string, { elements: number; plan: TensorPlan }>();
  const all = [...plans];
  const quantized = all.filter((plan) => plainScheme(plan.scheme) === null);
  for (const plan of quantized.length > 0 ? quantized : all) {
    const seen = found.get(plan.scheme);
    if (seen === undefined) found.set(plan.scheme, { elements: plan.elements, plan });
    else seen.elements += plan.elements;
  }
  const [most] = [...found.values()].sort((a, b) => b.elements - a.elements);
  const plan = most!.plan;
  if (plan.matrix !== null) return { scheme: plan.matrix.scheme, simulated: false };
  const known = plainScheme(plan.scheme);
  if (known !== null) return { scheme: known, simulated: isSimulatedOnCpu(known) };
  // Quantized, and run as f32 all the same.
  return { scheme: { ...STORED, text: plan.scheme }, simulated: true };
}

function plainScheme(text: string): Scheme | null {
  return text === 'f32' || text === 'bf16' || text === 'f16' ? parseScheme(text) : null;
}
