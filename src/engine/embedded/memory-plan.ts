/** What a model will need, estimated before a byte of it is loaded, and the refusal if it is more. */
import { LimitError } from '../../record/errors.ts';
import type { TensorPlan } from '../../weights/plan.ts';
import type { Architecture } from './architecture.ts';
import type { AvailableMemory } from './available-memory.ts';
import { cacheBytes } from './kv-cache.ts';
import { packedBytes } from './nbits.ts';
import { HEAD_CHUNK } from './score.ts';
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

export interface MemoryPlanOptions {
  readonly plans: ReadonlyMap<string, TensorPlan>;
  /** Tokens of the largest batch, padding included. */
  readonly batchTokens: number;
  /** True where the weights go into the protobuf. */
  readonly inline: boolean;
}

/** An estimate, not a bound: within a fifth of the peak on the models it was compared with. */
export function planMemory(arch: Architecture, options: MemoryPlanOptions): MemoryPlan {
  const { plans, batchTokens, inline } = options;
  const tiedHead = `${arch.names.embed}.weight`;
  let weightBytes = 0;
  let largest = 0;
  for (const { name, role } of expectedTensors(arch)) {
    const plan = plans.get(name)!;
    weightBytes += residentBytes(plan, role === 'embedding');
    if (arch.tied && name === tiedHead) weightBytes += plan.elements * 4;
    largest = Math.max(largest, plan.elements * 4);
  }
  // Read and decoded, packed, and copied by the runtime; a protobuf is parsed into a second copy.
  const loadBytes = 2 * largest + (inline ? 2 * weightBytes : 0);
  const kept = cacheBytes(arch, { rows: 1, capacity: batchTokens });
  const activationBytes = activations(arch, batchTokens);
  const width = arch.labels?.length ?? arch.vocabSize;
  // Logits, their exponentials and one copy.
  const headBytes = 3 * Math.min(HEAD_CHUNK, batchTokens) * width * 4;
  const running = kept + activationBytes + headBytes;
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

function residentBytes({ matrix, elements, bytes }: TensorPlan, table: boolean): number {
  if (table) return bytes;
  if (matrix === null || matrix.scheme.family !== 'int') return elements * 4;
  const { rows, cols, scheme } = matrix;
  const { bits, symmetric, group } = scheme;
  return packedBytes({ rows, cols, bits, symmetric, group: group ?? cols });
}

/** The widest moment of a layer, for `tokens` tokens. */
function activations(arch: Architecture, tokens: number): number {
  const { hiddenSize, heads, kvHeads, headDim, intermediateSize } = arch;
  const projections = (heads + 2 * kvHeads) * headDim;
  const perToken = 4 * hiddenSize + Math.max(2 * projections, 3 * intermediateSize);
  // The kernel holds all scores of a row: heads × length × length.
  const scores = heads * Math.min(tokens, arch.maxPositions);
  return tokens * (perToken + scores) * 4;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** @throws LimitError with the whole sum where the plan exceeds what is available */
export function refuseIfTooLarge(plan: MemoryPlan, available: AvailableMemory): void {
  if (plan.totalBytes <= available.bytes) return;
  const running = plan.cacheBytes + plan.activationBytes + plan.headBytes;
  const loading = plan.loadBytes > running;
  const second = loading
    ? `${gib(plan.loadBytes)} while loading`
    : `${gib(plan.cacheBytes)} keys and values + ${gib(plan.activationBytes)} activations + ` +
      `${gib(plan.headBytes)} output head`;
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
