/**
 * Quality, paired over the same documents or items: the same text is hard for both, and pairing
 * removes that shared difficulty from the difference.
 */
import { type CompareFormula, intervalOf, refused, verdictOf, withReason } from './comparison.ts';
import { sum } from './describe.ts';
import { type Interval, MIN_UNITS } from './intervals.ts';
import { unitsOfWindows } from './samples.ts';

/** exp(mean over tokens of (ln p_baseline − ln p_variant)): > 1 means that it predicts worse. */
export const perplexityRatio: CompareFormula = ({ variant, baseline }, params) => {
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
export const accuracyDifference: CompareFormula = ({ variant, baseline }, params) => {
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
