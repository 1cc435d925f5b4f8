/** The engine that runs a model in this process, on ONNX Runtime. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../../record/errors.ts';
import type { EngineInfo, ModelIdentity } from '../../record/schema.ts';
import type { Scheme } from '../../weights/scheme.ts';
import type { TensorSource } from '../../weights/source.ts';
import type {
  Engine,
  GenerateRequest,
  GenerateResult,
  MemoryReading,
  ScoredWindow,
  TensorCoverage,
  TokenWindow,
  WithClassification,
  WithRouting,
} from '../engine.ts';
import type { Architecture } from './architecture.ts';
import { checkAttention } from './attention-check.ts';
import { type AvailableMemory, availableMemory, scratchSpace } from './available-memory.ts';
import { ranScheme } from './checkpoint-weights.ts';
import { classifyRows } from './classify.ts';
import type { Device } from './device.ts';
import { coverageOf, engineInfo } from './engine-info.ts';
import { expertsRunAsFloats } from './experts.ts';
import { type GenerateOptions, generateTokens } from './generate.ts';
import { takesInt8Activations } from './gpu-weights.ts';
import { keyValueBytes } from './kv-cache.ts';
import {
  planMemory,
  refuseIfScratchTooSmall,
  refuseIfTooLarge,
  whileLoading,
} from './memory-plan.ts';
import {
  choosePlacement,
  type ModelGraphs,
  openModelGraphs,
  type Placement,
} from './model-graphs.ts';
import { routingShape } from './moe-shape.ts';
import { checkRequests, checkRows, checkWindows } from './requests.ts';
import { loadRuntime, physicalCores } from './runtime.ts';
import { type LoadedModel, scoreWindows } from './score.ts';
import { storedWeights } from './stored-weights.ts';
import { checkTensors } from './tensors.ts';

export interface EmbeddedOptions {
  readonly arch: Architecture;
  readonly source: TensorSource;
  readonly identity: ModelIdentity;
  readonly scheme: Scheme;
  /** What integer schemes multiply: int8 activations (fast) or f32. */
  readonly activations: 'int8' | 'f32';
  /** Default: physical cores. */
  readonly threads?: number;
  /** Tokens that one prefill of `generate` may hold. */
  readonly batchTokens: number;
  readonly ignore?: readonly string[];
  readonly modelDir?: string | null;
  /** Also tell what the routers of a mixture of experts choose. */
  readonly routing?: boolean;
  /** Default: `cpu`. */
  readonly device?: Device;
  readonly placement?: Placement;
  readonly scratchDir?: string;
  /** What this process may take; default: what the machine and its control groups say. */
  readonly available?: AvailableMemory;
}

export type EmbeddedEngine = Engine & Partial<WithClassification> & Partial<WithRouting>;

/** Loads the model. The caller closes the engine; the source may be closed once this returns. */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedEngine> {
  const { arch, source, scheme } = options;
  checkTensors(arch, source);
  const threads = options.threads ?? physicalCores();
  const device = options.device ?? 'cpu';
  refuseExperts(arch, options);
  const compute = device === 'webgpu' && scheme.text === 'f16' ? 'f16' : 'f32';
  const { ignore, scratchDir, batchTokens } = options;
  const stored = storedWeights(source, arch, { scheme, ...(ignore && { ignore }) });
  const ran = ranScheme(scheme, stored.plans.values());
  const quantizes =
    ran.scheme.family === 'int' &&
    (device === 'cpu' || takesInt8Activations(stored.plans.values()));
  const activations = quantizes ? options.activations : 'f32';
  const placement = options.placement ?? choosePlacement(stored, device);
  const scratch = placement === 'file' ? scratchSpace(scratchDir) : null;
  const scratchInMemory = scratch?.inMemory ?? false;
  const plan = planMemory(arch, { stored, batchTokens, placement, scratchInMemory });
  // Weights and caches of a GPU are not in this memory; they pass through it while they load.
  const needed = device === 'cpu' ? plan : whileLoading(plan);
  refuseIfTooLarge(needed, options.available ?? availableMemory());
  if (scratch !== null) refuseIfScratchTooSmall(plan, scratch);
  const ort = await loadRuntime();
  if (device === 'webgpu') await checkAttention(ort, arch);
  const graphs = await openModelGraphs(ort, arch, {
    stored,
    threads,
    activations,
    device,
    compute,
    placement,
    routing: options.routing ?? false,
    ...(scratchDir && { scratchDir }),
  });
  const info = engineInfo({
    ...{ version: ort.env.versions.node, device, threads, activations, compute, ...ran },
    fallback: graphs.fallback,
    floatExperts: arch.moe !== null && expertsRunAsFloats(stored, arch.moe),
  });
  const { body, head, gpu, routing } = graphs;
  const model = { ort, arch, body, head, gpu, routing };
  return assemble({ options, info, graphs, model, coverage: coverageOf(stored) });
}

type Generate = (
  batch: readonly GenerateRequest[],
  sinks: Pick<GenerateOptions, 'onToken' | 'onRoutes'>,
  signal: AbortSignal,
) => Promise<GenerateResult[]>;

function assemble(parts: {
  options: EmbeddedOptions;
  info: EngineInfo;
  graphs: ModelGraphs;
  model: LoadedModel;
  coverage: readonly TensorCoverage[];
}): EmbeddedEngine {
  const { options, info, graphs, model, coverage } = parts;
  const { arch } = options;
  let kvCacheBytes = 0;
  let closed = false;
  const open = (): void => {
    if (closed) throw new UsageError('the engine is closed');
  };
  const language = (): void => {
    open();
    refuseClassifier(arch);
  };
  const generate: Generate = async (batch, sinks, signal) => {
    language();
    checkRequests(arch, batch);
    const { batchTokens } = options;
    const onCache = (bytes: number): void => {
      kvCacheBytes = bytes;
    };
    return generateTokens(model, { ...sinks, batch, signal, batchTokens, onCache });
  };
  const engine: EmbeddedEngine = {
    info,
    model: options.identity,
    maxPositions: arch.maxPositions,
    vocabSize: arch.vocabSize,
    kvBytesPerToken: keyValueBytes(arch, model.gpu?.compute ?? 'f32'),
    coverage,
    modelDir: options.modelDir ?? null,
    async score(windows: readonly TokenWindow[], signal: AbortSignal): Promise<ScoredWindow[]> {
      language();
      checkWindows(arch, windows);
      return scoreWindows(model, windows, signal);
    },
    generate: (batch, onToken, signal) => generate(batch, { onToken }, signal),
    async memory(): Promise<MemoryReading> {
      return { weightBytes: graphs.weightBytes, kvCacheBytes, peakRssBytes: peakRssBytes() };
    },
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      await graphs.close();
    },
  };
  if (options.routing) {
    return Object.assign(engine, { routing: routingShape(arch.moe)!, generateRouted: generate });
  }
  if (arch.labels === null) return engine;
  return Object.assign(engine, {
    labels: arch.labels,
    async classify(rows: readonly (readonly number[])[], signal: AbortSignal) {
      open();
      checkRows(arch, rows);
      return classifyRows(model, rows, signal);
    },
  });
}

function refuseExperts(arch: Architecture, { device, routing }: EmbeddedOptions): void {
  if (arch.moe !== null && device === 'webgpu') {
    throw new UsageError(`${arch.className} is a mixture of experts: it runs on the CPU only`, {
      hint: 'leave out --device webgpu',
    });
  }
  if (routing && !arch.moe?.layers.length) {
    throw new UsageError(`${arch.className} has no router: there is no routing to trace`, {
      hint: 'use a mixture of experts: Qwen2-MoE, Mixtral or OLMoE',
    });
  }
}

function refuseClassifier({ labels, className }: Architecture): void {
  if (labels === null) return;
  throw new UsageError(`${className} is a classifier: it has no next-token probabilities`, {
    hint: 'Use it with a classification measure.',
  });
}

/** High-water mark of this process; Node's own figure where /proc is missing. */
function peakRssBytes(): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
