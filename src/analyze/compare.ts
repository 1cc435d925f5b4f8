/**
 * A variant against the named baseline run, paired over the same documents or items: the same
 * text is hard for both, and pairing removes that shared difficulty from the difference.
 */
import { sum } from './describe.ts';
import type { Interval } from './intervals.ts';
import { bootstrapRatio, MIN_UNITS } from './intervals.ts';
import { type Samples, unitsOfWindows } from './samples.ts';

export type Verdict = 'better' | 'worse' | 'equivalent' | 'inconclusive' | 'refused';

export interface Comparison {
  /** Ratio (perplexity) or difference (accuracy) of variant against baseline. */
  readonly value: number | null;
  readonly ci95: Interval | null;
  readonly unit: 'ratio' | 'fraction';
  /** Tokens or items compared. */
  readonly n: number;
  /** Paired units that were resampled. */
  readonly units: number;
  readonly unitOf: string;
  readonly verdict: Verdict;
  /** Why it was refused or stays inconclusive. */
  readonly reason?: string;
}

export interface CompareParams {
  readonly resamples: number;
  readonly seed: number;
  /** Equivalent: the whole interval lies inside ± margin (relative for ratios, absolute else). */
  readonly margin: number;
}

export type CompareFormula = (
  variant: Samples,
  baseline: Samples,
  params: CompareParams,
) => Comparison;

function refused(unit: Comparison['unit'], reason: string): Comparison {
  return {
    value: null,
    ci95: null,
    unit,
    n: 0,
    units: 0,
    unitOf: 'none',
    verdict: 'refused',
    reason,
  };
}

interface Judged {
  value: number;
  ci95: Interval | null;
  low: number;
  high: number;
  /** The value of "no difference". */
  none: number;
  higherIsBetter: boolean;
}

/** Equivalence is asked first: a difference too small to matter is not called worse. */
function verdictOf(j: Judged): Verdict {
  if (!j.ci95) return 'inconclusive';
  const [low, high] = j.ci95;
  if (low > j.low && high < j.high) return 'equivalent';
  if (low > j.none) return j.higherIsBetter ? 'better' : 'worse';
  if (high < j.none) return j.higherIsBetter ? 'worse' : 'better';
  return 'inconclusive';
}

/** exp(mean over tokens of (ln p_baseline − ln p_variant)): > 1 means that it predicts worse. */
const perplexityRatio: CompareFormula = (variant, baseline, params) => {
  const negative = (row: { logp: (number | null)[] }, i: number): number | null => {
    const logp = row.logp[i] as number | null;
    return logp === null ? null : -logp;
  };
  const a = unitsOfWindows(variant.windows, negative, MIN_UNITS);
  const b = unitsOfWindows(baseline.windows, negative, MIN_UNITS);
  if ('nonFinite' in a || 'nonFinite' in b) return refused('ratio', 'a run has NaN or Inf tokens');
  const pairs = new Map(b.units.map((unit) => [unit.id, unit]));
  const same =
    a.units.length === b.units.length &&
    a.units.every((unit) => pairs.get(unit.id)?.tokens === unit.tokens);
  if (!same) return refused('ratio', 'the two runs did not score the same tokens');
  const differences = a.units.map((unit) => unit.total - (pairs.get(unit.id)?.total as number));
  const tokens = a.units.map((unit) => unit.tokens);
  const n = sum(tokens);
  if (n === 0) return refused('ratio', 'nothing was scored');
  const value = Math.exp(sum(differences) / n);
  const ci95 = intervalOf(differences, tokens, params);
  const exp: Interval | null = ci95 && [Math.exp(ci95[0]), Math.exp(ci95[1])];
  if (!Number.isFinite(Math.max(value, exp?.[1] ?? 0)))
    return refused('ratio', 'the ratio overflows');
  const verdict = verdictOf({
    value,
    ci95: exp,
    low: 1 / (1 + params.margin),
    high: 1 + params.margin,
    none: 1,
    higherIsBetter: false,
  });
  const base = { value, ci95: exp, unit: 'ratio' as const, n, units: tokens.length };
  return withReason({ ...base, unitOf: a.unitOf, verdict });
};

/** Accuracy of the variant − accuracy of the baseline, over the same items. */
const accuracyDifference: CompareFormula = (variant, baseline, params) => {
  const reference = new Map(baseline.items.map((item) => [item.item, item]));
  const same =
    variant.items.length === baseline.items.length &&
    variant.items.every((item) => reference.get(item.item)?.label === item.label);
  if (!same) return refused('fraction', 'the two runs did not score the same items');
  const n = variant.items.length;
  if (n === 0) return refused('fraction', 'no items were scored');
  const differences = [...variant.items]
    .sort((a, b) => a.item - b.item)
    .map((item) => Number(item.correct) - Number(reference.get(item.item)?.correct));
  const value = sum(differences) / n;
  const ci95 = intervalOf(differences, new Array<number>(n).fill(1), params);
  const { margin } = params;
  const verdict = verdictOf({
    value,
    ci95,
    low: -margin,
    high: margin,
    none: 0,
    higherIsBetter: true,
  });
  return withReason({ value, ci95, unit: 'fraction', n, units: n, unitOf: 'items', verdict });
};

function intervalOf(
  numerators: readonly number[],
  denominators: readonly number[],
  params: CompareParams,
): Interval | null {
  if (numerators.length < MIN_UNITS) return null;
  return bootstrapRatio({
    numerators,
    denominators,
    resamples: params.resamples,
    seed: params.seed,
  });
}

function withReason(comparison: Comparison): Comparison {
  if (comparison.ci95) return comparison;
  const reason = `${comparison.units} ${comparison.unitOf}: an interval needs ${MIN_UNITS}`;
  return { ...comparison, reason };
}

export const COMPARISONS: Readonly<Record<string, CompareFormula>> = {
  'compare.perplexity-ratio/1': perplexityRatio,
  'compare.accuracy-difference/1': accuracyDifference,
};

/** Throws RangeError for an unknown formula id. */
export function compareRuns(
  formula: string,
  runs: { variant: Samples; baseline: Samples },
  params: CompareParams,
): Comparison {
  const compare = COMPARISONS[formula];
  if (!compare) throw new RangeError(`unknown comparison ${formula}`);
  return compare(runs.variant, runs.baseline, params);
}
