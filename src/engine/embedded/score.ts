/** Scores windows: one run of the body, then the head in chunks of tokens. */
import { Cancelled } from '../../record/errors.ts';
import type { ScoredWindow, TokenWindow } from '../engine.ts';
import type { Architecture } from './architecture.ts';
import { forward } from './forward.ts';
import { float32, type Runtime, runSession, type Session, type Tensor } from './runtime.ts';

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

export interface LoadedModel {
  readonly ort: Runtime;
  readonly arch: Architecture;
  readonly body: Session;
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
    const x = gatherRows(
      hidden.values,
      chunk.map((place) => place.at),
      model.arch.hiddenSize,
    );
    const targets = BigInt64Array.from(chunk, (place) => BigInt(place.target));
    const scores = await runHead(model, x, targets);
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

/** Rows `at` of values [*, size], one after another. */
export function gatherRows(
  values: Float32Array,
  at: readonly number[],
  size: number,
): Float32Array {
  const out = new Float32Array(at.length * size);
  at.forEach((row, i) => {
    out.set(values.subarray(row * size, (row + 1) * size), i * size);
  });
  return out;
}

interface HeadScores {
  readonly logp: Float32Array;
  readonly topLogp: Float32Array;
  readonly sumSquares: Float32Array;
  readonly best: BigInt64Array;
}

async function runHead(
  { ort, head, arch }: LoadedModel,
  x: Float32Array,
  targets: BigInt64Array,
): Promise<HeadScores> {
  const tokens = targets.length;
  const feeds = {
    x: float32(ort, x, [tokens, arch.hiddenSize]),
    targets: new ort.Tensor('int64', targets, [tokens, 1]) as Tensor,
  };
  const out = await runSession(head, feeds, ['logp', 'topLogp', 'sumSquares', 'best']);
  return {
    logp: out.logp!.data as Float32Array,
    topLogp: out.topLogp!.data as Float32Array,
    sumSquares: out.sumSquares!.data as Float32Array,
    best: out.best!.data as BigInt64Array,
  };
}

/** Logits of hidden states x [tokens, hiddenSize]: [tokens, vocabulary or labels], row-major. */
export async function runLogits(
  { ort, head, arch }: LoadedModel,
  x: Float32Array,
): Promise<Float32Array> {
  const tokens = x.length / arch.hiddenSize;
  const feeds: Record<string, Tensor> = { x: float32(ort, x, [tokens, arch.hiddenSize]) };
  if (arch.labels === null) {
    feeds.targets = new ort.Tensor('int64', new BigInt64Array(tokens), [tokens, 1]);
  }
  const { logits } = await runSession(head, feeds, ['logits']);
  return logits!.data as Float32Array;
}
