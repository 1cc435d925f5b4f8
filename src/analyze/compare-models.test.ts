import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import type { Manifest } from '../record/schema.ts';
import { compareRuns } from './compare.ts';
import type { Comparison } from './comparison.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples, type Samples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 300, margin: 0.01 };

interface Cut {
  /** Tokens of each document: another tokenizer cuts the same text into more or fewer. */
  readonly tokens: number;
  readonly nats: number;
  readonly documents?: number;
  readonly bytes?: (document: number) => number | undefined;
}

/** `nats` a document, spread over its tokens. */
function scored({ tokens, nats, documents = 20, bytes = (d) => 100 + d }: Cut): Samples {
  const rows = Array.from({ length: documents }, (_, document): SampleRow => {
    const logp = Array.from({ length: tokens }, () => -(nats + document / 10) / tokens);
    const about = { logp, hit: '0'.repeat(tokens), topLogp: logp, sumSquares: logp };
    const size = bytes(document);
    const row = { kind: 'window', batch: 0, document, window: 0, scoreFrom: 1, ...about } as const;
    return size === undefined ? row : { ...row, bytes: size };
  });
  return groupSamples(rows);
}

function manifest(files: string, data = 'a'): Manifest {
  const model = { files: [{ path: 'w', bytes: 1, sha256: files }], configSha256: files };
  return { model, config: { dataSha256: data } } as unknown as Manifest;
}

const compare = (
  variant: Samples,
  baseline: Samples,
  formula = 'compare.bits-per-byte-ratio/1',
  data = 'a',
): Comparison => {
  const manifests = { variant: manifest('x'), baseline: manifest('y', data) };
  return compareRuns(formula, { variant, baseline, manifests }, PARAMS);
};

describe('bits per byte', () => {
  test('are −log2 p over the bytes, whatever the tokens', () => {
    const metric = (tokens: number) =>
      computeMetric(
        { formula: 'eval.bits-per-byte/1', params: PARAMS },
        scored({ tokens, nats: 80 }),
      );
    const bytes = 20 * 100 + 190;
    const nats = 20 * 80 + 19;
    expect(metric(4).value).toBeCloseTo(nats / Math.LN2 / bytes, 12);
    expect(metric(4)).toMatchObject({ unit: 'bits/byte', n: bytes, unitOf: 'documents' });
    expect(metric(25).value).toBeCloseTo(metric(4).value!, 12);
  });

  test('compare models that cut the text into other tokens, and say that they are others', () => {
    const compared = compare(scored({ tokens: 4, nats: 160 }), scored({ tokens: 9, nats: 80 }));
    expect(compared.value).toBeCloseTo((20 * 160 + 19) / (20 * 80 + 19), 12);
    expect(compared).toMatchObject({ verdict: 'worse', units: 20, n: 2_190 });
    expect(compared.note).toBe('different models: no effect of quantization');
  });

  test('documents of which the two scored other bytes are left out, and counted', () => {
    const cut = scored({ tokens: 4, nats: 80, bytes: (d) => (d < 5 ? 90 : 100 + d) });
    const compared = compare(cut, scored({ tokens: 9, nats: 80, documents: 24 }));
    expect(compared).toMatchObject({ units: 15, value: 1 });
    expect(compared.note).toContain('9 documents left out: not the same bytes scored');
  });
});

describe('refused', () => {
  const plain = scored({ tokens: 4, nats: 80 });

  test('unknown bytes, other corpora, no document in common, NaN', () => {
    const ids = scored({ tokens: 4, nats: 80, bytes: () => undefined });
    expect(compare(ids, plain).reason).toContain('rows of ids');
    const metric = { formula: 'eval.bits-per-byte/1', params: PARAMS };
    expect(computeMetric(metric, ids)).toMatchObject({ value: null, ci95: null });
    expect(compare(plain, plain, undefined, 'b').reason).toContain('different corpora');
    const other = scored({ tokens: 4, nats: 80, bytes: () => 7 });
    expect(compare(other, plain).reason).toContain('same bytes scored by both');
    const [first, ...rest] = plain.windows;
    const broken = groupSamples([{ ...first!, logp: [null, -1, -1, -1] }, ...rest]);
    expect(compare(plain, broken).reason).toBe('a run has NaN or Inf tokens');
  });

  test('perplexity in other windows; what only changes the time is no reason', () => {
    const of = (measure: object): Manifest => {
      return { ...manifest('x'), config: { measure: { kind: 'eval', ...measure } }, seeds: {} };
    };
    const compared = (a: object, b: object): Comparison => {
      const manifests = { variant: of(a), baseline: of(b) };
      const runs = { variant: plain, baseline: plain, manifests };
      return compareRuns('compare.perplexity-ratio/2', runs, PARAMS);
    };
    const other = compared({ context: 512 }, { context: 256 });
    expect(other.reason).toBe('measured with other settings: context');
    expect(compared({ batch_tokens: 512 }, { batch_tokens: 256 }).verdict).toBe('equivalent');
  });

  test('perplexity and accuracy of other models or other data', () => {
    const perplexity = 'compare.perplexity-ratio/2';
    expect(compare(plain, plain, perplexity).reason).toContain('different models');
    expect(compare(plain, plain, perplexity, 'b').reason).toContain('different corpora');
    expect(compare(plain, plain, 'compare.accuracy-difference/2').verdict).toBe('refused');
  });
});
