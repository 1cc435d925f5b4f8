/** What a model will need, estimated before it is loaded, and the refusal if that is too much. */
import { LimitError } from '../../record/errors.ts';
import type { TensorPlan } from '../../weights/plan.ts';
import type { Architecture } from './architecture.ts';
import type { AvailableMemory } from './available-memory.ts';
import { cacheBytes } from './kv-cache.ts';
import type { Placement } from './model-graphs.ts';
import type { MoeShape } from './moe-shape.ts';
import { packedBytes } from './nbits.ts';
import { headChunk } from './score.ts';
import type { StoredWeights } from './stored-weights.ts';
import { expectedTensors } from './tensors.ts';

export interface MemoryPlan {
  /** Matrices as the runtime holds them, and embedding tables as stored. */
  readonly weightBytes: number;
  /** While loading: the largest tensor as read, packed and prepacked, and the protobuf. */
  readonly loadBytes: number;
  /** Keys and values of `batchTokens` tokens. */
  readonly cacheBytes: number;
  readonly activationBytes: number;
  readonly headBytes: number;
  /** The runtime's own code and buffers. */
  readonly runtimeBytes: number;
  readonly totalBytes: number;
}

/** Measured: resident set of the runtime with a model of no size, less that of bare Node. */
const RUNTIME_BYTES = 100 * 2 ** 20;

/** The runtime's arena grows in powers of two. */
const ARENA_SLACK = 1.75;

export interface MemoryPlanOptions {
  readonly stored: StoredWeights;
  /** Tokens of the largest batch, padding included. */
  readonly batchTokens: number;
  /** Where the weights lie while they are handed to the runtime. */
  readonly placement: Placement;
  /** True where the temporary file of `file` lies in memory itself (tmpfs). */
  readonly scratchInMemory?: boolean;
}

/** An estimate, not a bound: 3 to 25 % above the peaks that docs/engine.md compares it with. */
export function planMemory(arch: Architecture, options: MemoryPlanOptions): MemoryPlan {
  const { stored, batchTokens, placement } = options;
  const { plans } = stored;
  const tiedHead = `${arch.names.embed}.weight`;
  let weightBytes = 0;
  let largest = 0;
  for (const { name, role } of expectedTensors(arch)) {
    const plan = plans.get(name)!;
    weightBytes += role === 'embedding' ? tableBytes(stored, plan) : residentBytes(plan);
    if (arch.tied && name === tiedHead) weightBytes += plan.elements * 4;
    largest = Math.max(largest, plan.elements * 4);
  }
  // The experts of a layer are put together before they are handed over.
  largest = Math.max(largest, expertElements(arch.moe, arch.hiddenSize) * 4);
  // Read and decoded, packed, and copied by the runtime; a protobuf is parsed into a second copy.
  const inMemory = placement === 'file' && options.scratchInMemory === true;
  const copies = placement === 'inline' ? 2 : inMemory ? 1 : 0;
  const loadBytes = 2 * largest + copies * weightBytes;
  const kept = cacheBytes(arch, { rows: 1, capacity: batchTokens });
  const activationBytes = activations(arch, batchTokens);
  const width = arch.labels?.length ?? arch.vocabSize;
  // Logits, their exponentials, and a copy of each.
  const headBytes = 4 * Math.min(headChunk(arch), batchTokens) * width * 4;
  const running = ARENA_SLACK * (kept + activationBytes + headBytes);
  return {
    weightBytes,
    loadBytes,
    cacheBytes: kept,
    activationBytes,
    headBytes,
    runtimeBytes: RUNTIME_BYTES,
    totalBytes: RUNTIME_BYTES + weightBytes + Math.max(loadBytes, running),
  };
}

/** What is needed of the plan where weights and caches lie in the memory of a GPU. */
export function whileLoading(plan: MemoryPlan): MemoryPlan {
  const { loadBytes, runtimeBytes } = plan;
  const elsewhere = { weightBytes: 0, cacheBytes: 0, activationBytes: 0, headBytes: 0 };
  return { loadBytes, runtimeBytes, ...elsewhere, totalBytes: runtimeBytes + loadBytes };
}

/** Tables are held as they are stored, in the narrowest dtype. */
function tableBytes({ source, unchanged }: StoredWeights, { name, bytes }: TensorPlan): number {
  return unchanged(name) ? source.info(name).bytes : bytes;
}

function residentBytes({ matrix, elements }: TensorPlan): number {
  if (matrix === null || matrix.scheme.family !== 'int') return elements * 4;
  const { rows, cols, scheme } = matrix;
  const { bits, symmetric, group } = scheme;
  return packedBytes({ rows, cols, bits, symmetric, group: group ?? cols });
}

/** Elements of the gate and up matrices of one layer's experts. */
function expertElements(moe: MoeShape | null, hidden: number): number {
  return moe === null ? 0 : 2 * moe.experts * moe.intermediateSize * hidden;
}

/** The widest moment of a layer, for `tokens` tokens. */
function activations(arch: Architecture, tokens: number): number {
  const { hiddenSize, heads, kvHeads, headDim, intermediateSize, moe } = arch;
  const projections = (heads + 2 * kvHeads) * headDim;
  // The kernel for experts keeps both states of all experts of a token.
  const routed = moe === null ? 0 : moe.topK * (3 * moe.intermediateSize + hiddenSize);
  const widest = Math.max(2 * projections, 3 * intermediateSize, routed);
  const perToken = 4 * hiddenSize + widest;
  return tokens * perToken * 4;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** @throws LimitError where a temporary file of the packed weights has no room */
export function refuseIfScratchTooSmall(
  plan: MemoryPlan,
  scratch: { folder: string; freeBytes: number },
): void {
  if (plan.weightBytes <= scratch.freeBytes) return;
  throw new LimitError(
    `the packed weights need ${gib(plan.weightBytes)} in ${scratch.folder} while they load, ` +
      `but only ${gib(scratch.freeBytes)} are free there`,
    { hint: 'Free some space, or set TMPDIR to a directory on a larger disk.' },
  );
}

/** @throws LimitError with the whole sum where the plan exceeds what is available */
export function refuseIfTooLarge(plan: MemoryPlan, available: AvailableMemory): void {
  if (plan.totalBytes <= available.bytes) return;
  const running = ARENA_SLACK * (plan.cacheBytes + plan.activationBytes + plan.headBytes);
  const loading = plan.loadBytes > running;
  const second = loading
    ? `${gib(plan.loadBytes)} while loading`
    : `${ARENA_SLACK} × (${gib(plan.cacheBytes)} keys and values + ` +
      `${gib(plan.activationBytes)} activations + ${gib(plan.headBytes)} output head)`;
  const sum = `${gib(plan.weightBytes)} weights + ${second} + ${gib(plan.runtimeBytes)} runtime`;
  throw new LimitError(
    `the model needs about ${gib(plan.totalBytes)} of memory (${sum}), ` +
      `but only ${gib(available.bytes)} are there (${available.from})`,
    {
      hint: loading
        ? 'Use a scheme with fewer bits, a smaller model, or a machine with more memory.'
        : 'Use fewer batch tokens, a scheme with fewer bits, or a machine with more memory.',
      details: { ...plan, availableBytes: available.bytes },
    },
  );
}
