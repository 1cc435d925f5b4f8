/** Builds both graphs of a model and opens them as sessions. */
import { dirname } from 'node:path';
import type { FallbackNode } from '../../record/schema.ts';
import type { Architecture } from './architecture.ts';
import type { BlockWeights } from './block.ts';
import { buildBody } from './body.ts';
import { type ConstantStore, checkpointStore, fileStore, inlineStore } from './constant-store.ts';
import type { Compute, Device } from './device.ts';
import { listFallback, profileFolder } from './fallback.ts';
import { GpuTensors } from './gpu-tensors.ts';
import { GpuWeights } from './gpu-weights.ts';
import { GraphBuilder } from './graph.ts';
import { buildClassifier, buildGpuHead, buildLanguageHead } from './head.ts';
import { ModelWeights } from './model-weights.ts';
import { createSession, type Runtime, type Session, UNREADABLE } from './runtime.ts';
import type { StoredWeights } from './stored-weights.ts';

/** `checkpoint` points into the safetensors files; only where their bytes are the stored values. */
export type Placement = 'inline' | 'file' | 'checkpoint';

export interface ModelGraphs {
  readonly body: Session;
  readonly head: Session;
  /** Weights as the runtime holds them, bytes. */
  readonly weightBytes: number;
  readonly placement: Placement;
  readonly gpu: GpuTensors | null;
  readonly routing: boolean;
  /** Nodes that the GPU's provider left to the CPU; empty on the CPU itself. */
  readonly fallback: readonly FallbackNode[];
  close(): Promise<void>;
}

export interface ModelGraphsOptions {
  readonly stored: StoredWeights;
  readonly activations: 'int8' | 'f32';
  readonly threads: number;
  readonly placement?: Placement;
  /** Default: `cpu`, f32. */
  readonly device?: Device;
  readonly compute?: Compute;
  /** The body also gives what its routers chose. */
  readonly routing?: boolean;
  /** Parent of the temporary directory for packed weights. */
  readonly scratchDir?: string;
}

/** Below this the weights go into the protobuf (whose own limit is 2 GiB). */
const LARGEST_INLINE = 64 * 2 ** 20;

export async function openModelGraphs(
  ort: Runtime,
  arch: Architecture,
  options: ModelGraphsOptions,
): Promise<ModelGraphs> {
  const { stored, activations, threads, device = 'cpu', compute = 'f32' } = options;
  const routing = options.routing ?? false;
  const placement = options.placement ?? choosePlacement(stored, device);
  const store = openStore(placement, stored, options.scratchDir);
  const sessions: Session[] = [];
  let gpu: GpuTensors | null = null;
  const profiles = device === 'webgpu' ? profileFolder() : null;
  const close = async (): Promise<void> => {
    for (const session of sessions.splice(0)) await session.release();
    await gpu?.close();
    gpu = null;
    store.dispose();
  };
  try {
    // Before anything is packed: a machine without a GPU is told so at once.
    if (profiles !== null) {
      const { vocabSize } = arch;
      gpu = await GpuTensors.open(ort, { compute, vocabSize, profile: profiles.prefix });
    }
    let weightBytes = 0;
    const build = (blocks: Builder): Uint8Array => {
      const graph = new GraphBuilder();
      const inPlace = placement === 'checkpoint';
      const Weights = device === 'webgpu' ? GpuWeights : ModelWeights;
      const weights = new Weights({ graph, stored, store, activations, inPlace, compute });
      blocks(graph, arch, weights);
      weightBytes += weights.residentBytes;
      return graph.build();
    };
    const graphs = [
      { name: 'body', bytes: build(bodyBuilder({ device, routing })) },
      { name: 'head', bytes: build(device === 'webgpu' ? gpuHead : buildHead) },
    ];
    store.finish();
    for (const graph of graphs) {
      const profile = profiles && { profilePrefix: profiles.prefix(graph.name) };
      const settings = { threads, folder: store.folder, device, ...profile };
      sessions.push(await createSession(ort, graph, settings));
    }
    const [body, head] = sessions as [Session, Session];
    // The sessions have mapped the file: gone now, no later crash can leave it behind.
    if (process.platform !== 'win32') store.dispose();
    const fallback = profiles ? await listFallback({ ort, arch, body, head, gpu }, profiles) : [];
    return { body, head, weightBytes, placement, gpu, routing, fallback, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    profiles?.remove();
  }
}

type Builder = (graph: GraphBuilder, arch: Architecture, weights: BlockWeights) => void;

function bodyBuilder({ device, routing }: { device: Device; routing: boolean }): Builder {
  return (graph, arch, weights) => {
    // Outputs of a GPU stay where they are.
    if (device === 'cpu') graph.emptySequence(UNREADABLE);
    buildBody(graph, arch, weights, { routing });
  };
}

function buildHead(graph: GraphBuilder, arch: Architecture, weights: BlockWeights): void {
  const { names, hiddenSize, vocabSize, labels } = arch;
  const name = arch.tied ? names.embed : names.head;
  if (labels === null) buildLanguageHead(graph, weights, { name, hiddenSize, vocabSize });
  else buildClassifier(graph, weights, { name, hiddenSize, labels: labels.length });
}

function gpuHead(graph: GraphBuilder, arch: Architecture, weights: BlockWeights): void {
  const { names, hiddenSize, vocabSize, labels } = arch;
  const name = arch.tied ? names.embed : names.head;
  buildGpuHead(graph, weights, { name, hiddenSize, width: labels?.length ?? vocabSize });
}

/** Where the weights will lie, unless the caller says otherwise. */
export function choosePlacement(stored: StoredWeights, device: Device): Placement {
  let bytes = 0;
  for (const { elements, bytes: storedBytes, matrix } of stored.plans.values()) {
    bytes += matrix?.scheme.family === 'int' ? storedBytes : elements * 4;
  }
  if (bytes < LARGEST_INLINE) return 'inline';
  // A GPU takes them in another order.
  return device === 'cpu' && canStayInPlace(stored) ? 'checkpoint' : 'file';
}

/**
 * One folder for all, because ONNX Runtime takes one, and every tensor as the file has it. Experts
 * are held in another order than a file has them.
 */
function canStayInPlace(stored: StoredWeights): boolean {
  if (stored.hasExperts) return false;
  return checkpointFolder(stored) !== null && [...stored.plans.keys()].every(stored.unchanged);
}

function checkpointFolder(stored: StoredWeights): string | null {
  const folders = new Set<string | null>();
  for (const name of stored.plans.keys()) {
    const { location } = stored.source.info(name);
    folders.add(location === null ? null : dirname(location.file));
  }
  const [folder] = folders;
  return folders.size === 1 ? (folder ?? null) : null;
}

function openStore(
  placement: Placement,
  stored: StoredWeights,
  scratchDir: string | undefined,
): ConstantStore {
  if (placement === 'inline') return inlineStore();
  if (placement === 'file') return fileStore(scratchDir);
  return checkpointStore(checkpointFolder(stored)!);
}
