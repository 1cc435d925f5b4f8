/**
 * Different models on the same text, in bits per byte: their tokens differ, so that neither loss
 * nor perplexity compares. What it shows is a difference of models, no effect of quantization.
 */
import { type CompareFormula, concluded, drawsOf, ratioMargin, refused } from './comparison.ts';
import { sum } from './describe.ts';
import { bootstrapRatio, MIN_UNITS } from './intervals.ts';
import { signFlip } from './permutation.ts';
import { otherCorpora, otherModels } from './run-facts.ts';
import { BYTES_UNKNOWN, bytesOfUnits, resamplingOf, type Samples } from './samples.ts';

/** By document: what the model needed, in nats, and the bytes that it was for. */
interface Cost {
  readonly nats: number;
  readonly bytes: number;
}

function costs({ windows }: Samples): Map<number, Cost> | string {
  const bytes = bytesOfUnits(windows, 'documents');
  if (bytes === null) return BYTES_UNKNOWN;
  const nats = new Map<number, number>();
  for (const { document, logp } of windows) {
    if (logp.includes(null)) return 'a run has NaN or Inf tokens';
    const own = -sum(logp as number[]);
    nats.set(document, (nats.get(document) ?? 0) + own);
  }
  return new Map([...bytes].map(([id, n]) => [id, { nats: nats.get(id) as number, bytes: n }]));
}

/**
 * Bits per byte of the variant / of the baseline, over the documents of which both scored the same
 * bytes: a budget counts tokens and a first token may go unscored, so that models can end or begin
 * elsewhere. Above 1 the variant needs more bits. Bootstrap and signs of whole documents, paired;
 * under 10 documents no interval.
 */
export const bitsPerByteRatio: CompareFormula = ({ variant, baseline, manifests }, params) => {
  if (manifests && otherCorpora(manifests)) {
    return refused('ratio', 'different corpora: the data files have other SHA-256');
  }
  const [own, base] = [costs(variant), costs(baseline)];
  for (const found of [own, base]) if (typeof found === 'string') return refused('ratio', found);
  const reference = base as Map<number, Cost>;
  const all = [...(own as Map<number, Cost>)].toSorted(([a], [b]) => a - b);
  const pairs = all.flatMap(([id, cost]) => {
    const other = reference.get(id);
    return other && other.bytes === cost.bytes && cost.bytes > 0 ? [{ cost, other }] : [];
  });
  if (pairs.length === 0) return refused('ratio', 'no document has the same bytes scored by both');
  const numerators = pairs.map(({ cost }) => cost.nats);
  const denominators = pairs.map(({ other }) => other.nats);
  const value = sum(numerators) / sum(denominators);
  if (!Number.isFinite(value)) return refused('ratio', 'the baseline needed no bits at all');
  const units = pairs.length;
  const { resamples, seed } = params;
  const how = { resamples, seed, ...resamplingOf('documents', units) };
  const ci95 = units < MIN_UNITS ? null : bootstrapRatio({ numerators, denominators, ...how });
  const { p, exact } = signFlip(
    numerators.map((nats, i) => nats - (denominators[i] as number)),
    drawsOf(params),
  );
  const left = Math.max(all.length, reference.size) - units;
  return concluded(
    {
      ...{ value, ci95, unit: 'ratio', n: sum(pairs.map(({ cost }) => cost.bytes)), units },
      ...{ unitOf: 'documents', p },
      test: `sign-flip permutation over documents${exact ? ', exact' : ''}`,
      notes: [
        ...(manifests && otherModels(manifests)
          ? ['different models: no effect of quantization']
          : []),
        ...(left > 0 ? [`${left} documents left out: not the same bytes scored`] : []),
      ],
    },
    ratioMargin(params.margin),
  );
};
