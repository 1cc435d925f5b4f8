import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planWindows, type WindowRange, type WindowShape, windowsOf } from './windows.ts';

const shapes = fc
  .integer({ min: 2, max: 40 })
  .chain((context) =>
    fc.record({ context: fc.constant(context), stride: fc.integer({ min: 1, max: context }) }),
  );
const lengths = fc.integer({ min: 0, max: 300 });

/** Document position → how often it is scored and how many tokens it saw before it. */
function scoredPositions(windows: readonly WindowRange[]): Map<number, number[]> {
  const seen = new Map<number, number[]>();
  for (const { begin, end, scoreFrom } of windows) {
    for (let at = begin + scoreFrom; at < end; at++) {
      seen.set(at, [...(seen.get(at) ?? []), at - begin]);
    }
  }
  return seen;
}

/** The strided loop of the Hugging Face perplexity guide, token by token. */
function naiveLoop(length: number, { context, stride }: WindowShape): Map<number, number[]> {
  const seen = new Map<number, number[]>();
  let previousEnd = 0;
  for (let begin = 0; begin < length; begin += stride) {
    const end = Math.min(begin + context, length);
    const targets = end - previousEnd;
    for (let at = begin; at < end; at++) {
      const masked = at < end - targets;
      const shiftedAway = at === begin;
      if (!masked && !shiftedAway) seen.set(at, [...(seen.get(at) ?? []), at - begin]);
    }
    previousEnd = end;
    if (end === length) break;
  }
  return seen;
}

describe('windows of one document', () => {
  test('a small case, written out', () => {
    expect(windowsOf(10, { context: 4, stride: 2 })).toEqual([
      { begin: 0, end: 4, scoreFrom: 1 },
      { begin: 2, end: 6, scoreFrom: 2 },
      { begin: 4, end: 8, scoreFrom: 2 },
      { begin: 6, end: 10, scoreFrom: 2 },
    ]);
    expect(windowsOf(5, { context: 4, stride: 3 }).at(-1)).toEqual({
      begin: 3,
      end: 5,
      scoreFrom: 1,
    });
  });

  test('with a stride below the context every token but the first is scored exactly once', () => {
    fc.assert(
      fc.property(lengths, shapes, (length, shape) => {
        fc.pre(shape.stride < shape.context);
        const seen = scoredPositions(windowsOf(length, shape));
        expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1),
        );
        for (const contexts of seen.values()) expect(contexts).toHaveLength(1);
      }),
    );
  });

  test('with stride = context each window’s first token stays unscored, none is scored twice', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 2, max: 40 }), (length, context) => {
        const seen = scoredPositions(windowsOf(length, { context, stride: context }));
        for (let at = 0; at < length; at++) {
          expect(seen.get(at) ?? []).toHaveLength(at % context === 0 ? 0 : 1);
        }
      }),
    );
  });

  test('equals the naive strided loop: same tokens, same context each', () => {
    fc.assert(
      fc.property(lengths, shapes, (length, shape) => {
        expect(scoredPositions(windowsOf(length, shape))).toEqual(naiveLoop(length, shape));
      }),
    );
  });

  test('no window is longer than the context, leaves the document, or scores nothing', () => {
    fc.assert(
      fc.property(lengths, shapes, (length, shape) => {
        for (const { begin, end, scoreFrom } of windowsOf(length, shape)) {
          expect(end - begin).toBeLessThanOrEqual(shape.context);
          expect(end).toBeLessThanOrEqual(length);
          expect(scoreFrom).toBeGreaterThanOrEqual(1);
          expect(scoreFrom).toBeLessThan(end - begin);
        }
      }),
    );
  });

  test('behind the first window every token sees at least context − stride tokens', () => {
    fc.assert(
      fc.property(lengths, shapes, (length, shape) => {
        for (const { begin, scoreFrom } of windowsOf(length, shape)) {
          const least = begin === 0 ? 1 : Math.max(1, shape.context - shape.stride);
          expect(scoreFrom).toBeGreaterThanOrEqual(least);
        }
      }),
    );
  });

  test('a document of one token or none has no windows', () => {
    for (const length of [0, 1]) expect(windowsOf(length, { context: 8, stride: 4 })).toEqual([]);
  });
});

describe('windows of a corpus under a budget', () => {
  const corpora = fc.array(lengths, { maxLength: 12 });

  test('scores exactly the budget, or everything when there is less', () => {
    fc.assert(
      fc.property(corpora, shapes, fc.integer({ min: 1, max: 2_000 }), (corpus, shape, budget) => {
        const everything = planWindows(corpus, shape, Number.POSITIVE_INFINITY).scoredTokens;
        const plan = planWindows(corpus, shape, budget);
        const counted = plan.windows.reduce((n, w) => n + w.end - w.begin - w.scoreFrom, 0);
        expect(plan.scoredTokens).toBe(Math.min(budget, everything));
        expect(counted).toBe(plan.scoredTokens);
      }),
    );
  });

  test('a budget only cuts: what is left is the beginning of the whole plan', () => {
    fc.assert(
      fc.property(corpora, shapes, fc.integer({ min: 1, max: 500 }), (corpus, shape, budget) => {
        const whole = planWindows(corpus, shape, Number.POSITIVE_INFINITY).windows;
        const { windows } = planWindows(corpus, shape, budget);
        for (const [i, window] of windows.entries()) {
          const end = i < windows.length - 1 ? whole[i]!.end : Math.min(window.end, whole[i]!.end);
          expect(window).toEqual({ ...whole[i], end });
        }
      }),
    );
  });

  test('documents and their windows are counted from 0; a short document keeps its number', () => {
    const { windows } = planWindows([5, 1, 3], { context: 3, stride: 2 }, 100);
    expect(windows.map(({ document, window }) => [document, window])).toEqual([
      [0, 0],
      [0, 1],
      [2, 0],
    ]);
  });
});
