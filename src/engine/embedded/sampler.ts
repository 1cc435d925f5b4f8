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

/**
 * Greedy at temperature 0, else: softmax of logits / temperature over the `topK` most likely
 * tokens, of these the shortest prefix whose probability reaches `topP`, drawn by one uniform
 * number per token from the request's own generator.
 */
export function createSampler(request: GenerateRequest): Sampler {
  const { temperature = 0, topK, topP = 1, seed = 0 } = request;
  if (temperature === 0) return { next: argmax };
  const uniform = randomUniform(seed);
  return {
    next(logits) {
      const ids = mostLikely(logits, topK ?? logits.length);
      const top = logits[ids[0]!]!;
      const weights = Float64Array.from(ids, (id) => Math.exp((logits[id]! - top) / temperature));
      const kept = nucleus(weights, topP);
      let rest = uniform() * kept.sum;
      for (let i = 0; i < kept.count; i++) {
        rest -= weights[i]!;
        if (rest < 0) return ids[i]!;
      }
      return ids[kept.count - 1]!;
    },
  };
}

/** Ids of the `count` largest logits, largest first, the lower id first in a tie. */
function mostLikely(logits: Float32Array, count: number): Uint32Array {
  const ids = Uint32Array.from(logits, (_, id) => id);
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return ids.subarray(0, count);
}

/** How many of the weights (largest first) reach the share `topP` of their sum, and their sum. */
function nucleus(weights: Float64Array, topP: number): { count: number; sum: number } {
  let total = 0;
  for (const weight of weights) total += weight;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum >= topP * total) return { count: i + 1, sum };
  }
  return { count: weights.length, sum };
}
