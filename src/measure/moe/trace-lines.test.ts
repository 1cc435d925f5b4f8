import { describe, expect, test } from 'vitest';
import { isDrawn } from './collect.ts';
import { traceEncoder } from './trace-lines.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('lines of a trace', () => {
  test('are the records that were put in, in order', () => {
    const encode = traceEncoder({ layers: [0, 27], topK: 2 });
    const chunk = {
      tokens: 2,
      request: Int32Array.of(0, 1_234_567),
      position: Int32Array.of(0, 99_999),
      decode: Uint8Array.of(0, 1),
      ids: Int32Array.of(3, 0, 59, 10, 100, 7, 4095, 1),
      weights: Float32Array.of(1, 0, 0.5, 0.25, 0.1, 1e-9, 0.99999999, 0.33333334),
    };
    const lines = text(encode(chunk)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      route('prompt-0', 0, 0, [3, 0], [1, 0], 'prefill'),
      route('prompt-0', 0, 27, [59, 10], [0.5, 0.25], 'prefill'),
      route('prompt-1234567', 99_999, 0, [100, 7], [0.1, 0], 'decode'),
      route('prompt-1234567', 99_999, 27, [4095, 1], [1, 0.33333334], 'decode'),
    ]);
    // A second, shorter chunk is not mixed with what the first left behind.
    const short = { ...chunk, tokens: 1 };
    expect(text(encode(short)).trimEnd().split('\n')).toEqual(lines.slice(0, 2));
  });

  test('a weight is within half a unit of its eighth decimal; what is none shows', () => {
    const encode = traceEncoder({ layers: [0], topK: 1 });
    const one = (weight: number): string =>
      text(
        encode({
          tokens: 1,
          request: Int32Array.of(0),
          position: Int32Array.of(0),
          decode: Uint8Array.of(0),
          ids: Int32Array.of(0),
          weights: Float32Array.of(weight),
        }),
      );
    for (let i = 0; i < 2000; i++) {
      const weight = Math.fround((i * 0.618034) % 1);
      expect(Math.abs(JSON.parse(one(weight)).topk_weights[0] - weight)).toBeLessThan(5.1e-9);
    }
    expect(one(Number.NaN)).toContain('"topk_weights":[NaN]');
  });
});

function route(
  req_id: string,
  token_idx: number,
  layer: number,
  topk_ids: number[],
  topk_weights: number[],
  phase: string,
) {
  return { type: 'route', req_id, token_idx, layer, topk_ids, topk_weights, phase };
}

test('a sample is a share of the tokens, the same for the same seed', () => {
  const drawn = (seed: number, sample: number): number[] =>
    Array.from({ length: 20_000 }, (_, i) => i).filter((i) =>
      isDrawn({ seed, request: i % 40, position: Math.floor(i / 40), sample }),
    );
  const tenth = drawn(1, 0.1);
  // Five standard deviations of a binomial.
  expect(Math.abs(tenth.length / 20_000 - 0.1)).toBeLessThan(5 * Math.sqrt(0.09 / 20_000));
  expect(drawn(1, 0.1)).toEqual(tenth);
  expect(drawn(2, 0.1)).not.toEqual(tenth);
  // A larger share holds the smaller one.
  const half = new Set(drawn(1, 0.5));
  expect(tenth.every((i) => half.has(i))).toBe(true);
});
