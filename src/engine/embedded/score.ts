/** Scores windows: one run of the body, then the head in chunks of tokens. */
import { Cancelled } from '../../record/errors.ts';
import type { ScoredWindow, TokenWindow } from '../engine.ts';
import type { Architecture } from './architecture.ts';
import type { Device } from './device.ts';
import { type BodyModel, forward } from './forward.ts';
import { runSession, type Session, type Tensor } from './runtime.ts';

/**
 * Logits are [tokens, vocabulary] f32: 2.4 GB for 4,000 tokens of a vocabulary of 151,936. The
 * head therefore runs in chunks of tokens whose logits take 32 MiB (several buffers of that size
 * live at once), between 16 and 128 of them: fewer lose speed, more gain none.
 */
const CHUNK_BYTES = 32 * 2 ** 20;
/** A GPU needs more tokens at once to be busy. */
const GPU_CHUNK_BYTES = 256 * 2 ** 20;

export function headChunk(arch: Architecture, device: Device = 'cpu'): number {
  const bytes = device === 'cpu' ? CHUNK_BYTES : GPU_CHUNK_BYTES;
  const tokens = Math.floor(bytes / (4 * arch.vocabSize));
  return Math.min(device === 'cpu' ? 128 : 2048, Math.max(16, tokens));
}

export interface LoadedModel extends BodyModel {
  readonly head: Session;
}

export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof Cancelled ? signal.reason : new Cancelled();
}

/** @throws Cancelled between two chunks after `signal` aborts */
export async function scoreWindows(
  model: LoadedModel,
  windows: readonly TokenWindow[],
  signal: AbortSignal,
): Promise<ScoredWindow[]> {
  throwIfAborted(signal);
  if (windows.length === 0) return [];
  const rows = windows.map((window) => window.ids);
  const lengths = rows.map((row) => row.length);
  const hidden = await forward(model, { rows, lengths, cache: null });
  const results = windows.map(({ ids, scoreFrom }) => emptyScores(ids.length - scoreFrom));
  const places = windows.flatMap(({ ids, scoreFrom }, row) =>
    Array.from({ length: ids.length - scoreFrom }, (_, index) => {
      const token = scoreFrom + index;
      return { row, index, target: ids[token]!, at: row * hidden.width + token - 1 };
    }),
  );
  const size = headChunk(model.arch, model.gpu === null ? 'cpu' : 'webgpu');
  for (let from = 0; from < places.length; from += size) {
    throwIfAborted(signal);
    const chunk = places.slice(from, from + size);
    const feeds = hidden.feeds(chunk.map((place) => place.at));
    const targets = BigInt64Array.from(chunk, (place) => BigInt(place.target));
    const scores = await runScores(model, feeds, targets);
    chunk.forEach(({ row, index, target }, i) => {
      const result = results[row]!;
      result.logp[index] = scores.logp[i]!;
      result.topLogp[index] = scores.topLogp[i]!;
      result.sumSquares[index] = scores.sumSquares[i]!;
      result.hit[index] = Number(scores.best[i]) === target ? 1 : 0;
    });
  }
  return results;
}

function emptyScores(tokens: number): ScoredWindow {
  return {
    logp: new Float32Array(tokens),
    hit: new Uint8Array(tokens),
    topLogp: new Float32Array(tokens),
    sumSquares: new Float32Array(tokens),
  };
}

interface HeadScores {
  readonly logp: Float32Array;
  readonly topLogp: Float32Array;
  readonly sumSquares: Float32Array;
  readonly best: BigInt64Array | Int32Array;
}

/** What the head tells of hidden states and the tokens that followed them. */
export async function runScores(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  targets: BigInt64Array,
): Promise<HeadScores> {
  const tokens = targets.length;
  const { session, feeds } = await readLogits(model, hidden, { tokens, reader: 'scores' });
  feeds.targets = new model.ort.Tensor('int64', targets, [tokens, 1]);
  const out = await runSession(session, feeds, ['logp', 'topLogp', 'sumSquares', 'best']);
  return {
    logp: out.logp!.data as Float32Array,
    topLogp: out.topLogp!.data as Float32Array,
    sumSquares: out.sumSquares!.data as Float32Array,
    best: out.best!.data as HeadScores['best'],
  };
}

/** The most likely token of each hidden state (the lowest id of a tie), found in the graph. */
export async function runBest(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  tokens: number,
): Promise<number[]> {
  const { session, feeds } = await readLogits(model, hidden, { tokens, reader: 'best' });
  if (model.gpu === null) feeds.targets = noTargets(model, tokens);
  const { best } = await runSession(session, feeds, ['best']);
  return Array.from(best!.data as HeadScores['best'], Number);
}

/** Logits of `tokens` hidden states: [tokens, vocabulary or labels], row-major. */
export async function runLogits(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  tokens: number,
): Promise<Float32Array> {
  const { gpu, arch } = model;
  const language = gpu === null && arch.labels === null;
  const feeds = language ? { ...hidden, targets: noTargets(model, tokens) } : hidden;
  const { logits } = await runSession(model.head, feeds, ['logits']);
  return logits!.data as Float32Array;
}

/** On a GPU the logits stay there, for a small graph that reads them; on the CPU the head does. */
async function readLogits(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  { tokens, reader }: { tokens: number; reader: 'scores' | 'best' },
): Promise<{ session: Session; feeds: Record<string, Tensor> }> {
  const { gpu, head, arch } = model;
  if (gpu === null) return { session: head, feeds: { ...hidden } };
  const logits = await gpu.scratch('logits', [tokens, arch.vocabSize], 'f32');
  await runSession(head, hidden, { logits });
  return { session: gpu[reader], feeds: { logits } };
}

let lastNoTargets: Tensor | null = null;

/** Zeros [tokens, 1]; those of the last call where it had as many, as all steps of a batch have. */
function noTargets({ ort }: LoadedModel, tokens: number): Tensor {
  if (lastNoTargets?.dims[0] !== tokens) {
    lastNoTargets = new ort.Tensor('int64', new BigInt64Array(tokens), [tokens, 1]);
  }
  return lastNoTargets;
}
