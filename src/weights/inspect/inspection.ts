/** What a checkpoint holds, whether it fits together, and what a server would say to it. */
import { diagnoseScales } from '../autopsy/autopsy.ts';
import { partsOf, type StoredTensor, storedScheme } from '../formats/stored-tensor.ts';
import type { LookedAt } from '../looked-at.ts';
import { ignoredProblems } from './ignored-modules.ts';
import { vllmComplaints } from './vllm.ts';

export interface InspectedTensor {
  readonly name: string;
  readonly scheme: string;
  readonly shape: readonly number[];
  /** Of all its parts in the files. */
  readonly bytes: number;
  readonly parts: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly file: string;
    readonly offset: number;
  }[];
}

export interface SchemeShare {
  readonly scheme: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

export interface Inspection {
  /** `fp8`, `compressed-tensors`, `gptq`, `awq`; null where the config names none. */
  readonly method: string | null;
  readonly tensors: readonly InspectedTensor[];
  readonly schemes: readonly SchemeShare[];
  /** What does not fit: the files each other, the config, or a scale that is no scale. */
  readonly problems: readonly string[];
  /** What vLLM would refuse or run on a slow path; empty where nothing is known against it. */
  readonly vllm: readonly VllmComplaint[];
}

export interface VllmComplaint {
  readonly severity: 'refused' | 'slow';
  readonly message: string;
}

/** Reads headers and scales, and no other weights. `wanted` filters what is listed, not checked. */
export function inspect(looked: LookedAt, wanted: (name: string) => boolean): Inspection {
  const { tensors, quantization } = looked;
  const scales = tensors.flatMap((tensor) =>
    tensor.kind === 'plain' ? [] : diagnoseScales(tensor, looked),
  );
  const problems = [
    ...looked.problems.map(({ message }) => message),
    ...scales.map(({ tensor, message }) => `${tensor}: ${message}`),
    ...ignoredProblems(looked),
  ];
  const unreadable = looked.problems.length + scales.filter((s) => s.severity === 'error').length;
  const shown = tensors.filter(({ name }) => wanted(name)).map(listed);
  return {
    method: quantization?.method ?? null,
    tensors: shown,
    schemes: sharesOf(shown),
    problems,
    vllm: [...(unreadable > 0 ? [refusedForProblems(unreadable)] : []), ...vllmComplaints(looked)],
  };
}

function refusedForProblems(count: number): VllmComplaint {
  const tensors = count === 1 ? '1 tensor' : `${count} tensors`;
  return { severity: 'refused', message: `${tensors} cannot be read as config.json says` };
}

function listed(tensor: StoredTensor): InspectedTensor {
  const parts = partsOf(tensor).map(({ name, dtype, shape, bytes, location }) => ({
    ...{ name, dtype, shape, bytes },
    ...location,
  }));
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return { name: tensor.name, scheme: storedScheme(tensor), shape: tensor.shape, bytes, parts };
}

/** Most parameters first. */
function sharesOf(tensors: readonly InspectedTensor[]): SchemeShare[] {
  const shares = new Map<string, { tensors: number; parameters: number; bytes: number }>();
  for (const { scheme, shape, bytes } of tensors) {
    const share = shares.get(scheme) ?? { tensors: 0, parameters: 0, bytes: 0 };
    share.tensors += 1;
    share.parameters += shape.reduce((product, size) => product * size, 1);
    share.bytes += bytes;
    shares.set(scheme, share);
  }
  return [...shares]
    .map(([scheme, share]) => ({ scheme, ...share }))
    .sort((a, b) => b.parameters - a.parameters || (a.scheme < b.scheme ? -1 : 1));
}

/** A glob over whole names: `*` is any text (dots too), `?` one character. */
export function globFilter(glob: string | undefined): (name: string) => boolean {
  if (glob === undefined) return () => true;
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${escaped.replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 's');
  return (name) => pattern.test(name);
}
