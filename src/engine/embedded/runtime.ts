/** ONNX Runtime itself: 40 MB of native code, loaded when a model is opened and not before. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type * as Ort from 'onnxruntime-node';
import { EngineError } from '../../record/errors.ts';
import { adapterError, type Device, isDeviceLost } from './device.ts';

export type Runtime = typeof Ort;
export type Session = Ort.InferenceSession;
export type Tensor = Ort.Tensor;

export async function loadRuntime(): Promise<Runtime> {
  // Unless told not to, the runtime reports to its maker and leaves session files behind.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    const loaded = await import('onnxruntime-node');
    return (loaded as unknown as { default?: Runtime }).default ?? loaded;
  } catch (cause) {
    throw new EngineError(`ONNX Runtime cannot be loaded: ${(cause as Error).message}`, {
      hint: 'Run npm ci again on this machine; `assay doctor` says which platforms are supported.',
      cause,
    });
  }
}

export interface SessionSettings {
  readonly threads: number;
  /** Folder of external data, or null. */
  readonly folder: string | null;
  readonly device?: Device;
  /** Every output stays in a GPU buffer, and outputs that are passed to a run are ignored. */
  readonly outputsOnGpu?: boolean;
  /** Profile every call until `endProfiling`, into files that begin so. */
  readonly profilePrefix?: string;
}

/** Opens a graph. Errors of the runtime become an EngineError that names the graph. */
export async function createSession(
  ort: Runtime,
  graph: { readonly name: string; readonly bytes: Uint8Array },
  settings: SessionSettings,
): Promise<Session> {
  const folder =
    settings.folder === null
      ? {}
      : { model_external_initializers_file_folder_path: `${settings.folder}/` };
  try {
    return await ort.InferenceSession.create(graph.bytes, {
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Spinning threads burn a core while nothing runs, and bend every other measurement.
      extra: { session: { intra_op: { allow_spinning: '0' }, ...folder } },
      ...deviceOptions(settings),
    });
  } catch (cause) {
    const missing = settings.device === 'webgpu' ? adapterError(String(cause)) : null;
    if (missing !== null) throw missing;
    throw new EngineError(`ONNX Runtime refused the ${graph.name} graph: ${reason(cause)}`, {
      hint: 'This is a fault of the graph builder or a lack of memory: please report it.',
      cause,
    });
  }
}

function deviceOptions(settings: SessionSettings): Ort.InferenceSession.SessionOptions {
  const { device, outputsOnGpu, profilePrefix } = settings;
  return {
    // What the GPU's provider has no kernel for goes to the CPU's: see fallback.ts.
    ...(device === 'webgpu' && { executionProviders: ['webgpu', 'cpu'] }),
    ...(outputsOnGpu && { preferredOutputLocation: 'gpu-buffer' as const }),
    ...(profilePrefix && { enableProfiling: true, profileFilePrefix: profilePrefix }),
  };
}

/** Runs a graph; an error of the runtime becomes an EngineError. */
export async function runSession(
  session: Session,
  feeds: Record<string, Tensor>,
  fetches: readonly string[] | Record<string, Tensor | null>,
): Promise<Record<string, Tensor>> {
  try {
    const results = await session.run(feeds, fetches as string[]);
    return results as Record<string, Tensor>;
  } catch (cause) {
    throw engineError(cause);
  }
}

/** The first output of a graph for `runInPlace`: a list, which the binding of Node cannot read. */
export const UNREADABLE = 'unreadable';

/**
 * Runs a graph of the CPU into the caller's tensors. The binding copies every output into new
 * memory, also one that the graph has written into a tensor it was given: at every step as many
 * bytes as the whole cache has, and memory whose collection takes a core from the engine. It reads
 * outputs in their order, so one that it cannot read keeps it from copying any; the graph has run
 * by then.
 */
export async function runInPlace(
  session: Session,
  feeds: Record<string, Tensor>,
  into: Record<string, Tensor>,
): Promise<void> {
  try {
    await session.run(feeds, { ...into, [UNREADABLE]: null });
  } catch (cause) {
    if (!String(cause).includes('Non tensor type')) throw engineError(cause);
  }
}

function engineError(cause: unknown): EngineError {
  if (isDeviceLost(String(cause))) {
    return new EngineError(`the GPU went away while the model ran: ${reason(cause)}`, {
      hint: 'Its driver may have been reset: see the kernel log, then run it again.',
      cause,
    });
  }
  return new EngineError(`ONNX Runtime failed: ${reason(cause)}`, { cause });
}

function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replace(/\s+/g, ' ').slice(0, 400);
}

/**
 * Cores that do not share an execution unit: a second thread on one core slows both down here.
 * Falls back to what the scheduler grants where /proc/cpuinfo does not say.
 */
export function physicalCores(read: () => string = readCpuInfo): number {
  const granted = availableParallelism();
  const cores = new Set<string>();
  for (const block of read().split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(block)?.[1];
    const socket = /^physical id\s*:\s*(\d+)/m.exec(block)?.[1];
    if (core !== undefined) cores.add(`${socket}/${core}`);
  }
  return Math.max(1, Math.min(granted, cores.size || granted));
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/** i64 tensor from ids or lengths. */
export function int64(ort: Runtime, values: readonly number[], dims: readonly number[]): Tensor {
  return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

export function float32(ort: Runtime, values: Float32Array, dims: readonly number[]): Tensor {
  return new ort.Tensor('float32', values, dims);
}
