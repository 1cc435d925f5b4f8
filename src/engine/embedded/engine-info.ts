/** What an engine says of itself: what really ran, and how the weights are stored. */
import type { EngineInfo, FallbackNode } from '../../record/schema.ts';
import type { Scheme } from '../../weights/scheme.ts';
import type { TensorCoverage } from '../engine.ts';
import type { RanScheme } from './checkpoint-weights.ts';
import { type Compute, type Device, isSoftwareAdapter } from './device.ts';
import type { StoredWeights } from './stored-weights.ts';

const SIMULATED =
  'stored values are exact, but this device has no arithmetic for them: every product is f32, so ' +
  'speed and resident memory are those of f32';
const SOFTWARE =
  'this machine has no GPU: the WebGPU adapter is a program that runs shaders on the CPU, so ' +
  'results are right and speed says nothing about a GPU';

const EXPERTS =
  'stored values are exact, but no kernel takes the experts so: their products are f32, and ' +
  'speed and resident memory are those of f32';

function simulatedOn(
  device: Device,
  { scheme, simulated, floatExperts }: RanScheme & { floatExperts: boolean },
): string | null {
  if (device === 'webgpu' && isSoftwareAdapter()) return SOFTWARE;
  if (device === 'webgpu' && scheme.text === 'f16') return null;
  if (floatExperts && !simulated) return EXPERTS;
  return simulated ? SIMULATED : null;
}

export function engineInfo(
  of: RanScheme & {
    readonly version: string | undefined;
    readonly device: Device;
    readonly threads: number;
    readonly activations: 'int8' | 'f32';
    readonly compute: Compute;
    readonly fallback: readonly FallbackNode[];
    /** Experts are stored as integers that no kernel takes. */
    readonly floatExperts: boolean;
  },
): EngineInfo {
  const { device, threads, scheme, activations } = of;
  return {
    name: 'embedded',
    version: `onnxruntime ${of.version ?? 'unknown'}`,
    device,
    threads,
    scheme: scheme.text,
    precision: precisionOf(scheme, of),
    activations,
    simulated: simulatedOn(device, of),
    ...(device === 'webgpu' && { fallback: [...of.fallback] }),
  };
}

function precisionOf(
  scheme: Scheme,
  { activations, compute }: { activations: 'int8' | 'f32'; compute: Compute },
): string {
  if (scheme.family !== 'int') return compute === 'f16' ? 'W16A16' : 'W32A32';
  return `W${scheme.bits}A${activations === 'int8' ? 8 : 32}`;
}

export function coverageOf(stored: StoredWeights): TensorCoverage[] {
  return [...stored.plans.values()].map((plan) => {
    const { name, shape, scheme, group, bytes, reason } = plan;
    return { name, shape, scheme, group, bytes, reason };
  });
}
