/** The comparisons by id: looked up here by reports, and again by `verify`. */
import { bitsPerByteRatio } from './compare-models.ts';
import { accuracyDifference, perplexityRatio } from './compare-quality.ts';
import { routingChance, routingDivergence } from './compare-routing.ts';
import { latencyRatio } from './compare-speed.ts';
import { identicalTexts, tokenAgreement } from './compare-text.ts';
import type { ComparedRuns, CompareFormula, CompareParams, Comparison } from './comparison.ts';

export const COMPARISONS: Readonly<Record<string, CompareFormula>> = {
  'compare.perplexity-ratio/2': perplexityRatio,
  'compare.accuracy-difference/2': accuracyDifference,
  'compare.bits-per-byte-ratio/1': bitsPerByteRatio,
  'compare.latency-ratio/1': latencyRatio[1],
  'compare.latency-ratio/2': latencyRatio[2],
  'compare.agreement/1': tokenAgreement,
  'compare.identical-texts/1': identicalTexts,
  'compare.routing-divergence/1': routingDivergence,
  'compare.routing-chance/1': routingChance,
};

/** What each reads and computes, for readers; docs/measures.md has all of it. */
export const COMPARISON_TEXTS: Readonly<Record<string, { reads: string; describe: string }>> = {
  'compare.perplexity-ratio/2': {
    reads: 'window',
    describe:
      'exp(mean over tokens of ln p of the baseline − ln p of the run); bootstrap over ' +
      'documents, paired; sign-flip permutation',
  },
  'compare.accuracy-difference/2': {
    reads: 'item',
    describe:
      'accuracy of the run − that of the baseline, paired by item; Tango’s interval, McNemar exact',
  },
  'compare.bits-per-byte-ratio/1': {
    reads: 'window',
    describe: 'bits per byte of the run / of the baseline; bootstrap over documents, paired',
  },
  ...Object.fromEntries(
    ['compare.latency-ratio/1', 'compare.latency-ratio/2'].map((id) => [
      id,
      {
        reads: 'iteration',
        describe:
          'exp(mean over rounds of ln(mean end-to-end time of the run / of the baseline)); ' +
          'Student’s t over common rounds, Welch’s without; permutation',
      },
    ]),
  ),
  'compare.agreement/1': {
    reads: 'generated',
    describe: 'share of tokens that are the baseline’s, up to the first that differs; bootstrap',
  },
  'compare.identical-texts/1': {
    reads: 'generated',
    describe: 'share of prompts with the very same text; Wilson',
  },
  'compare.routing-divergence/1': {
    reads: 'routing',
    describe:
      'Jensen-Shannon divergence, bits, of the experts that a layer of both runs chose; ' +
      'permutation of requests, in pairs where both have the same',
  },
  'compare.routing-chance/1': {
    reads: 'routing',
    describe: 'mean of that divergence over the permutations: what chance alone gives',
  },
};

/** Throws RangeError for an unknown formula id. */
export function compareRuns(
  formula: string,
  runs: ComparedRuns,
  params: CompareParams,
): Comparison {
  const compare = COMPARISONS[formula];
  if (!compare) throw new RangeError(`unknown comparison ${formula}`);
  return compare(runs, params);
}
