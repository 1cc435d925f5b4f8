import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemRow, WindowRow } from '../record/rows.ts';
import { compareRuns } from './compare.ts';
import type { Comparison } from './comparison.ts';
import { groupSamples, type Samples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 300, margin: 0.01 };

type Logps = readonly (number | null)[];

function scored(documents: readonly Logps[]): Samples {
  const rows = documents.map((logp, document): WindowRow => {
    const filled = logp.map(() => -0.1);
    const same = { topLogp: filled, sumSquares: filled, hit: '1'.repeat(logp.length) };
    return {
      kind: 'window',
      batch: 0,
      document,
      window: 0,
      scoreFrom: 1,
      logp: [...logp],
      ...same,
    };
  });
  return groupSamples(rows);
}

/** Twenty documents of unequal difficulty; `extra` nats a token on top of each. */
const corpus = (extra: (document: number) => number): Samples =>
  scored(
    Array.from({ length: 20 }, (_, d) =>
      Array.from({ length: 3 + (d % 4) }, (_, i) => -1 - d / 5 - i / 3 - extra(d)),
    ),
  );

const ratio = (variant: Samples, baseline: Samples, params = {}): Comparison =>
  compareRuns('compare.perplexity-ratio/2', { variant, baseline }, { ...PARAMS, ...params });

describe('perplexity ratio', () => {
  const base = corpus(() => 0);

  test('is the ratio of the two perplexities; pairing removes what both share', () => {
    const compared = ratio(
      corpus(() => Math.log(1.25)),
      base,
    );
    expect(compared.value).toBeCloseTo(1.25, 12);
    expect(compared).toMatchObject({ units: 20, unitOf: 'documents', n: 90, verdict: 'worse' });
    // The documents differ by 4 nats; the difference to the baseline is the same everywhere.
    expect(compared.ci95![1] - compared.ci95![0]).toBeLessThan(1e-12);
  });

  test('a run against itself is equivalent at 1', () => {
    expect(ratio(base, base)).toMatchObject({ value: 1, ci95: [1, 1], verdict: 'equivalent' });
  });

  test('the verdict follows the interval', () => {
    const spread = (mean: number, width: number) => (d: number) => mean + (d % 2 ? width : -width);
    expect(ratio(corpus(spread(-0.3, 0.01)), base).verdict).toBe('better');
    expect(ratio(corpus(spread(0.3, 0.01)), base).verdict).toBe('worse');
    expect(ratio(corpus(spread(0, 1)), base).verdict).toBe('inconclusive');
    expect(ratio(corpus(spread(0.005, 0.001)), base).verdict).toBe('equivalent');
  });

  test('equivalent needs the whole interval strictly inside the margin', () => {
    const variant = corpus(() => 0.005);
    const value = Math.exp(0.005);
    expect(ratio(variant, base, { margin: value - 1 + 1e-6 }).verdict).toBe('equivalent');
    expect(ratio(variant, base, { margin: value - 1 - 1e-6 }).verdict).toBe('worse');
    const better = corpus(() => -0.005);
    expect(ratio(better, base, { margin: value - 1 + 1e-6 }).verdict).toBe('equivalent');
    expect(ratio(better, base, { margin: value - 1 - 1e-6 }).verdict).toBe('better');
  });

  test('swapping the two runs turns the ratio around', () => {
    const noise = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(noise, (extra) => {
        const variant = corpus((d) => extra[d]!);
        const there = ratio(variant, base).value!;
        expect(there * ratio(base, variant).value!).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('refused', () => {
  const base = corpus(() => 0);

  test('other tokens: another document length, fewer documents, other documents', () => {
    const documents = base.windows.map((row) => row.logp);
    const shorter = scored([documents[0]!.slice(1), ...documents.slice(1)]);
    const fewer = scored(documents.slice(0, -1));
    const renamed = groupSamples(
      base.windows.map((row) => ({ ...row, document: row.document + 1 })),
    );
    for (const other of [shorter, fewer, renamed, groupSamples([])]) {
      expect(ratio(other, base)).toMatchObject({
        verdict: 'refused',
        value: null,
        ci95: null,
        reason: 'the two runs did not score the same tokens',
      });
    }
  });

  test('NaN tokens on either side', () => {
    const [first, ...rest] = base.windows.map((row) => row.logp as Logps);
    const broken = scored([[null, ...first!.slice(1)], ...rest]);
    expect(ratio(broken, base)).toMatchObject({ verdict: 'refused', value: null });
    expect(ratio(base, broken).reason).toBe('a run has NaN or Inf tokens');
  });

  test('nothing at all, and a ratio beyond all doubles', () => {
    expect(ratio(groupSamples([]), groupSamples([])).reason).toBe('nothing was scored');
    expect(
      ratio(
        corpus(() => 800),
        base,
      ),
    ).toMatchObject({ verdict: 'refused', value: null, reason: 'the ratio overflows' });
  });

  test('an unknown formula is a mistake of ours', () => {
    const pair = { variant: base, baseline: base };
    expect(() => compareRuns('compare.nonsense/1', pair, PARAMS)).toThrow(RangeError);
  });
});

test('fewer than ten documents and windows: a value, no interval, inconclusive', () => {
  const base = scored([[-1], [-2, -2]]);
  const variant = scored([[-2], [-3, -3]]);
  const compared = ratio(variant, base);
  expect(compared.value).toBeCloseTo(Math.E, 12);
  expect(compared).toMatchObject({
    ci95: null,
    verdict: 'inconclusive',
    reason: '2 windows: an interval needs 10',
  });
});

function labelled(outcomes: readonly boolean[], labels?: readonly string[]): Samples {
  return groupSamples(
    outcomes.map((correct, item): ItemRow => {
      const label = labels?.[item] ?? 'yes';
      return { kind: 'item', batch: 0, item, label, correct, logp: -1, tokens: 1 };
    }),
  );
}

describe('accuracy difference', () => {
  const difference = (variant: Samples, baseline: Samples, margin = 0.01): Comparison =>
    compareRuns('compare.accuracy-difference/2', { variant, baseline }, { ...PARAMS, margin });
  const half = Array.from({ length: 40 }, (_, i) => i % 2 === 0);
  const all = half.map(() => true);

  test('higher is better', () => {
    expect(difference(labelled(all), labelled(half))).toMatchObject({
      value: 0.5,
      unit: 'fraction',
      n: 40,
      units: 40,
      verdict: 'better',
    });
    expect(difference(labelled(half), labelled(all))).toMatchObject({
      value: -0.5,
      verdict: 'worse',
    });
  });

  test('the order of items in a file does not matter', () => {
    const forward = difference(labelled(all), labelled(half));
    const backward = labelled(all);
    const reversed = groupSamples([...backward.items].reverse());
    expect(difference(reversed, labelled(half))).toEqual(forward);
  });

  test('no change in forty items leaves room for a change: 40 cannot show 1 %', () => {
    const unchanged = difference(labelled(half), labelled(half));
    expect(unchanged).toMatchObject({ value: 0, p: 1, verdict: 'inconclusive' });
    expect(unchanged.ci95![1]).toBeCloseTo(0.0876, 4);
    expect(difference(labelled(half), labelled(half), 0.1).verdict).toBe('equivalent');
    const many = Array.from({ length: 400 }, (_, i) => i % 3 > 0);
    expect(difference(labelled(many), labelled(many)).verdict).toBe('equivalent');
    const flipped = half.map((correct, i) => (i === 0 ? !correct : correct));
    expect(difference(labelled(flipped), labelled(half)).verdict).toBe('inconclusive');
    expect(difference(labelled(flipped), labelled(half), 0.2).verdict).toBe('equivalent');
  });

  test('refuses other items, other labels, and none', () => {
    const other = labelled(
      half,
      half.map(() => 'no'),
    );
    const reason = 'the two runs did not score the same items';
    expect(difference(other, labelled(half))).toMatchObject({ verdict: 'refused', reason });
    expect(difference(labelled(half.slice(1)), labelled(half)).verdict).toBe('refused');
    const [first, ...rest] = labelled(half).items;
    const broken = groupSamples([{ ...first!, logp: null }, ...rest]);
    expect(difference(broken, labelled(half)).reason).toBe('a run has items with NaN or Inf');
    expect(difference(labelled([]), labelled([])).reason).toBe('no items were scored');
  });
});
