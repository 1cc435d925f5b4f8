import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argmax, createSampler, randomUniform } from './sampler.ts';

const request = { ids: [1], maxNewTokens: 1, stopIds: [] };
const logitsOf = fc
  .array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 })
  .map((values) => Float32Array.from(values, (value) => value / 8));

/** The same choice without any shortcut: sort all, cut, cut again. */
function allowed(logits: Float32Array, cut: { t: number; topK: number; topP: number }): number[] {
  const ids = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = ids.slice(0, cut.topK);
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[ids[0]!]!) / cut.t));
  const total = weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  const last = weights.findIndex((weight) => {
    sum += weight;
    // A little more, because the sum is rounded in another order there.
    return sum >= (cut.topP + 1e-12) * total;
  });
  return last < 0 ? kept : kept.slice(0, last + 1);
}

describe('sampler', () => {
  test('argmax takes the lowest id of a tie', () => {
    expect(argmax(Float32Array.of(1, 3, 3, 2))).toBe(1);
    expect(createSampler(request).next(Float32Array.of(0, 7, 7))).toBe(1);
  });

  test('draws only from top-k and the nucleus', () => {
    fc.assert(
      fc.property(
        logitsOf,
        fc.integer({ min: 1, max: 70 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer(),
        (logits, topK, topP, seed) => {
          const sampler = createSampler({ ...request, temperature: 0.7, topK, topP, seed });
          const ids = allowed(logits, { t: 0.7, topK, topP });
          for (let i = 0; i < 5; i++) expect(ids).toContain(sampler.next(logits));
        },
      ),
    );
  });

  test('frequencies follow the softmax', () => {
    const logits = Float32Array.of(0, Math.log(2), Math.log(5));
    const sampler = createSampler({ ...request, temperature: 1, seed: 11 });
    const counts = [0, 0, 0];
    const draws = 20_000;
    for (let i = 0; i < draws; i++) counts[sampler.next(logits)]! += 1;
    // Five standard deviations of a share of 1/8 over 20,000 draws are 0.012.
    [1 / 8, 2 / 8, 5 / 8].forEach((share, id) => {
      expect(Math.abs(counts[id]! / draws - share)).toBeLessThan(0.02);
    });
  });

  test('a very low temperature is greedy, and the same seed repeats', () => {
    const logits = Float32Array.of(0.1, 0.9, 0.8);
    expect(createSampler({ ...request, temperature: 1e-3, seed: 1 }).next(logits)).toBe(1);
    const [a, b] = [randomUniform(5), randomUniform(5)];
    const numbers = Array.from({ length: 100 }, () => a());
    expect(Array.from({ length: 100 }, () => b())).toEqual(numbers);
    expect(numbers.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(numbers).size).toBe(100);
  });
});
