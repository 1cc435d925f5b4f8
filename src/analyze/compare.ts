/** The comparisons by id: looked up here by reports, and again by `verify`. */
import { bitsPerByteRatio } from './compare-models.ts';
import { accuracyDifference, perplexityRatio } from './compare-quality.ts';
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
