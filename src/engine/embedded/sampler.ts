/** Chooses the next token of one request. All arithmetic is f64 over f32 logits. */
import type { GenerateRequest } from '../engine.ts';

export interface Sampler {
  next(logits: Float32Array): number;
}

/** The lowest id of a tie. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if (logits[id]! > logits[best]!) best = id;
  }
  return best;
}

/**
 * splitmix32 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", 32-bit
 * variant with the finaliser of MurmurHash3). Two outputs make one number of 53 bits in [0, 1).
 */
export function randomUniform(seed: number): () => number {
  let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

export const isGreedy = (request: GenerateRequest): boolean => (request.temperature ?? 0) === 0;

/**
 * Greedy at temperature 0, else: softmax of logits / temperature over the `topK` most likely
 * tokens, of these the shortest prefix whose probability reaches `topP`, drawn by one uniform
 * number per token from the request's own generator.
 */
export function createSampler(request: GenerateRequest): Sampler {
  const { temperature = 0, topK, topP = 1, seed = 0 } = request;
  if (isGreedy(request)) return { next: argmax };
  const uniform = randomUniform(seed);
  return {
    next(logits) {
      const top = logits[argmax(logits)]!;
      const weigh = (id: number): number => Math.exp((logits[id]! - top) / temperature);
      let ids = topK === undefined ? allIds(logits) : mostLikely(logits, topK);
      let weights = Float64Array.from(ids, weigh);
      if (topP < 1) {
        ids = nucleus(ids, { weights, logits, topP });
        weights = Float64Array.from(ids, weigh);
      }
      return ids[drawIndex(weights, uniform())]!;
    },
  };
}

/** Index i with probability weights[i] / Σ weights, for a uniform number in [0, 1). */
function drawIndex(weights: Float64Array, uniform: number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  let rest = uniform * total;
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}

const allIds = (logits: Float32Array): Uint32Array => Uint32Array.from(logits, (_, id) => id);

/** Largest logit first, the lower id first in a tie. */
const byLikelihood =
  (logits: Float32Array) =>
  (a: number, b: number): number =>
    logits[b]! - logits[a]! || a - b;

/** Ids of the `count` largest logits. Sorting the bare values first is ten times faster. */
function mostLikely(logits: Float32Array, count: number): Uint32Array {
  if (count >= logits.length) return allIds(logits);
  const smallest = logits.slice().sort()[logits.length - count]!;
  const ids = allIds(logits).filter((id) => logits[id]! >= smallest);
  return ids.sort(byLikelihood(logits)).subarray(0, count);
}

/**
 * The shortest prefix (most likely first) that holds `topP` of the sum. Candidates below
 * (1 − topP) / n of the sum hold less than 1 − topP together, so none of them is in it and only
 * the others are sorted.
 */
function nucleus(
  ids: Uint32Array,
  of: { weights: Float64Array; logits: Float32Array; topP: number },
): Uint32Array {
  const { weights, logits, topP } = of;
  let total = 0;
  for (const weight of weights) total += weight;
  const least = ((1 - topP) * total) / weights.length;
  const weightOf = new Map<number, number>();
  ids.forEach((id, i) => {
    if (weights[i]! >= least) weightOf.set(id, weights[i]!);
  });
  const sorted = Uint32Array.from(weightOf.keys()).sort(byLikelihood(logits));
  let sum = 0;
  const count = sorted.findIndex((id) => {
    sum += weightOf.get(id)!;
    return sum >= topP * total;
  });
  return count < 0 ? sorted : sorted.subarray(0, count + 1);
}
