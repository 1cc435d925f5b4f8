/** Two checkpoints, tensor by tensor: quantized against original directly, or any two. */
import { setImmediate } from 'node:timers/promises';
import { Cancelled } from '../../record/errors.ts';
import { layerOf } from '../autopsy/depth.ts';
import { type StoredTensor, storedScheme } from '../formats/stored-tensor.ts';
import { holdsNumbers, type LookedAt } from '../looked-at.ts';
import {
  compareTensors,
  cosineOf,
  sqnrOf,
  type TensorDifference,
  type Verdict,
} from './tensor-difference.ts';

export interface ComparedTensor extends TensorDifference {
  readonly schemes: readonly [string, string];
}

/** Sums over the tensors of one layer; null: of those outside of all layers. */
export interface LayerDifference {
  readonly layer: number | null;
  readonly tensors: number;
  readonly mse: number;
  readonly sqnr: number | null;
  readonly cosine: number | null;
  readonly maxError: number;
  /** The worst of its tensors. */
  readonly verdict: Verdict;
}

export interface CheckpointDifference {
  readonly tensors: readonly ComparedTensor[];
  readonly layers: readonly LayerDifference[];
  readonly onlyInFirst: readonly string[];
  readonly onlyInSecond: readonly string[];
  /** In both, and not compared: other shapes, or no numbers; why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

export interface DiffOptions {
  readonly signal: AbortSignal;
  /** After each tensor. */
  onTensor?(tensor: ComparedTensor): void;
}

/** @throws Cancelled, FormatError for scales that are no scales */
export async function diffCheckpoints(
  first: LookedAt,
  second: LookedAt,
  options: DiffOptions,
): Promise<CheckpointDifference> {
  const others = new Map(second.tensors.map((tensor) => [tensor.name, tensor]));
  const known = new Set(first.tensors.map(({ name }) => name));
  const tensors: ComparedTensor[] = [];
  const skipped = [...first.problems, ...second.problems].map((problem) => ({
    name: String(problem.details.tensor ?? '?'),
    reason: problem.message,
  }));
  const onlyInFirst: string[] = [];
  for (const tensor of first.tensors) {
    const { name } = tensor;
    const other = others.get(name);
    const reason = other === undefined ? null : whyNot(tensor, other);
    if (other === undefined) onlyInFirst.push(name);
    else if (reason !== null) skipped.push({ name, reason });
    else {
      const pair = [
        { tensor, readAt: first.readAt },
        { tensor: other, readAt: second.readAt },
      ] as const;
      const difference = await drain(compareTensors(...pair), options.signal);
      const schemes = [storedScheme(tensor), storedScheme(other)] as const;
      const compared: ComparedTensor = { ...difference, schemes };
      tensors.push(compared);
      options.onTensor?.(compared);
    }
  }
  const onlyInSecond = second.tensors.map(({ name }) => name).filter((name) => !known.has(name));
  return { tensors, layers: layersOf(tensors), onlyInFirst, onlyInSecond, skipped };
}

function whyNot(a: StoredTensor, b: StoredTensor): string | null {
  if (!holdsNumbers(a) || !holdsNumbers(b)) return 'holds no weights';
  const [left, right] = [a.shape.join('×'), b.shape.join('×')];
  return left === right ? null : `${left} in the first, ${right} in the second`;
}

async function drain<T>(steps: Generator<void, T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await setImmediate();
    if (signal.aborted) throw new Cancelled();
  }
}

const SEVERITY: readonly Verdict[] = ['identical', 'rounding', 'moved', 'changed', 'wrong'];

function layersOf(tensors: readonly ComparedTensor[]): LayerDifference[] {
  const byLayer = new Map<number | null, ComparedTensor[]>();
  for (const tensor of tensors) {
    const layer = layerOf(tensor.name)?.layer ?? null;
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), tensor]);
  }
  const inOrder = [...byLayer].sort(([a], [b]) => (a ?? -1) - (b ?? -1));
  return inOrder.map(([layer, members]) => {
    const total = (of: (tensor: ComparedTensor) => number): number =>
      members.reduce((sum, tensor) => sum + of(tensor), 0);
    const signal = total((tensor) => tensor.signal);
    const noise = total((tensor) => tensor.noise);
    const otherSignal = total((tensor) => tensor.otherSignal);
    const product = total((tensor) => tensor.product);
    return {
      layer,
      tensors: members.length,
      mse:
        noise /
        Math.max(
          total((tensor) => tensor.elements),
          1,
        ),
      sqnr: sqnrOf({ signal, noise }),
      cosine: cosineOf({ signal, otherSignal, product }),
      maxError: Math.max(...members.map(({ maxError }) => maxError)),
      verdict: SEVERITY[Math.max(...members.map(({ verdict }) => SEVERITY.indexOf(verdict)))]!,
    };
  });
}
