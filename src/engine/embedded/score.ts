/** Scores windows: one run of the body, then the head in chunks of tokens. */
import { Cancelled } from '../../record/errors.ts';
import type { ScoredWindow, TokenWindow } from '../engine.ts';
import type { Architecture } from './architecture.ts';
import { type BodyModel, forward } from './forward.ts';
import { runSession, type Session, type Tensor } from './runtime.ts';

/**
 * Logits are [tokens, vocabulary] f32: 2.4 GB for 4,000 tokens of a vocabulary of 151,936. The
 * head therefore runs in chunks of tokens whose logits take 32 MiB (several buffers of that size
 * live at once), between 16 and 128 of them: fewer lose speed, more gain none.
 */
const CHUNK_BYTES = 32 * 2 ** 20;

export function headChunk(arch: Architecture): number {
  const tokens = Math.floor(CHUNK_BYTES / (4 * arch.vocabSize));
  return Math.min(128, Math.max(16, tokens));
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
  const size = headChunk(model.arch);
  for (let from = 0; from < places.length; from += size) {
    throwIfAborted(signal);
    const chunk = places.slice(from, from + size);
    const feeds = hidden.feeds(chunk.map((place) => place.at));
    const targets = BigInt64Array.from(chunk, (place) => BigInt(place.target));
    const scores = await runHead(model, feeds, targets);
    chunk.forEach(({ row, index, target }, i) => {
      const result = results[row]!;
      result.logp[index] = scores.logp[i]!;
      result.topLogp[index] = scores.topLogp[i]!;
      result.sumSquares[index] = scores.sumSquares[i]!;
      result.hit[index] = scores.best[i] === BigInt(target) ? 1 : 0;
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
  readonly best: BigInt64Array;
}

async function runHead(
  { ort, head }: LoadedModel,
  hidden: Record<string, Tensor>,
  targets: BigInt64Array,
): Promise<HeadScores> {
  const feeds = { ...hidden, targets: new ort.Tensor('int64', targets, [targets.length, 1]) };
  const out = await runSession(head, feeds, ['logp', 'topLogp', 'sumSquares', 'best']);
  return {
    logp: out.logp!.data as Float32Array,
    topLogp: out.topLogp!.data as Float32Array,
    sumSquares: out.sumSquares!.data as Float32Array,
    best: out.best!.data as BigInt64Array,
  };
}

/** Logits of `tokens` hidden states: [tokens, vocabulary or labels], row-major. */
export async function runLogits(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  tokens: number,
): Promise<Float32Array> {
  const { logits } = await runSession(model.head, headFeeds(model, hidden, tokens), ['logits']);
  return logits!.data as Float32Array;
}

/** The most likely token of each hidden state (the lowest id of a tie), found in the graph. */
export async function runBest(
  model: LoadedModel,
  hidden: Record<string, Tensor>,
  tokens: number,
): Promise<number[]> {
  const { best } = await runSession(model.head, headFeeds(model, hidden, tokens), ['best']);
  return Array.from(best!.data as BigInt64Array, Number);
}

function headFeeds(
  { ort, arch }: LoadedModel,
  hidden: Record<string, Tensor>,
  tokens: number,
): Record<string, Tensor> {
  if (arch.labels !== null) return hidden;
  return { ...hidden, targets: new ort.Tensor('int64', new BigInt64Array(tokens), [tokens, 1]) };
}
