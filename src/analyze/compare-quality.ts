/**
 * Quality, paired over the same documents or items: the same text is hard for both, and pairing
 * removes that shared difficulty from the difference.
 */
import {
  type CompareFormula,
  type CompareParams,
  concluded,
  drawsOf,
  ratioMargin,
  refused,
} from './comparison.ts';
import { sum } from './describe.ts';
import { bootstrapRatio, type Interval, MIN_UNITS } from './intervals.ts';
import { mcnemar, tango } from './paired-proportions.ts';
import { signFlip } from './permutation.ts';
import { cannotCompareQuality } from './run-facts.ts';
import { blocksOf, resamplingOf, type Unit, unitsOfWindows } from './samples.ts';

const negative = (row: { logp: readonly (number | null)[] }, i: number): number | null => {
  const logp = row.logp[i] as number | null;
  return logp === null ? null : -logp;
};

/** exp(mean over tokens of (ln p_baseline − ln p_variant)): > 1 means that it predicts worse. */
export const perplexityRatio: CompareFormula = ({ variant, baseline, manifests }, params) => {
  const impossible = cannotCompareQuality(manifests);
  if (impossible !== null) return refused('ratio', impossible);
  const a = unitsOfWindows(variant.windows, negative, MIN_UNITS);
  const b = unitsOfWindows(baseline.windows, negative, MIN_UNITS);
  if ('nonFinite' in a || 'nonFinite' in b) return refused('ratio', 'a run has NaN or Inf tokens');
  const pairs = new Map(b.units.map((unit) => [unit.id, unit]));
  const same =
    a.units.length === b.units.length &&
    a.units.every((unit) => pairs.get(unit.id)?.tokens === unit.tokens);
  if (!same) return refused('ratio', 'the two runs did not score the same tokens');
  const differences = a.units.map(({ id, total, tokens }): Unit => {
    return { id, total: total - (pairs.get(id)?.total as number), tokens };
  });
  const n = sum(differences.map((unit) => unit.tokens));
  if (n === 0) return refused('ratio', 'nothing was scored');
  const value = Math.exp(sum(differences.map((unit) => unit.total)) / n);
  const log = intervalOf(differences, a.unitOf, params);
  const ci95: Interval | null = log && [Math.exp(log[0]), Math.exp(log[1])];
  if (!Number.isFinite(Math.max(value, ci95?.[1] ?? 0)))
    return refused('ratio', 'the ratio overflows');
  const blocks = blocksOf(differences, a.unitOf);
  const { p, exact } = signFlip(
    blocks.map((block) => block.total),
    drawsOf(params),
  );
  const over = a.unitOf === 'documents' ? 'documents' : `${blocks.length} blocks of windows`;
  const test = `sign-flip permutation over ${over}${exact ? ', exact' : ''}`;
  const counted = { n, units: differences.length, unitOf: a.unitOf };
  return concluded({ value, ci95, unit: 'ratio', ...counted, p, test }, ratioMargin(params.margin));
};

/** Interval of Σ totals / Σ tokens of paired differences; null for fewer than 10 units. */
function intervalOf(
  units: readonly Unit[],
  unitOf: 'documents' | 'windows',
  { resamples, seed }: CompareParams,
): Interval | null {
  if (units.length < MIN_UNITS) return null;
  const numerators = units.map((unit) => unit.total);
  const denominators = units.map((unit) => unit.tokens);
  const how = resamplingOf(unitOf, units.length);
  return bootstrapRatio({ numerators, denominators, resamples, seed, ...how });
}

/**
 * Accuracy of the variant − accuracy of the baseline, over the same items: Tango's score interval
 * and McNemar's exact test.
 */
export const accuracyDifference: CompareFormula = ({ variant, baseline, manifests }, params) => {
  const impossible = cannotCompareQuality(manifests);
  if (impossible !== null) return refused('fraction', impossible);
  const reference = new Map(baseline.items.map((item) => [item.item, item]));
  const same =
    variant.items.length === baseline.items.length &&
    variant.items.every((item) => reference.get(item.item)?.label === item.label);
  if (!same) return refused('fraction', 'the two runs did not score the same items');
  const n = variant.items.length;
  if (n === 0) return refused('fraction', 'no items were scored');
  const broken = [...variant.items, ...baseline.items].some((item) => item.logp === null);
  if (broken) return refused('fraction', 'a run has items with NaN or Inf');
  const changed = variant.items.filter(
    (item) => item.correct !== reference.get(item.item)?.correct,
  );
  const gained = changed.filter((item) => item.correct).length;
  const counts = { n, gained, lost: changed.length - gained };
  const { margin } = params;
  return concluded(
    {
      ...{ value: (gained - counts.lost) / n, ci95: n < MIN_UNITS ? null : tango(counts) },
      ...{ unit: 'fraction', n, units: n, unitOf: 'items' },
      ...{ p: mcnemar(counts).exact, test: 'McNemar, exact' },
    },
    { low: -margin, high: margin, none: 0, higherIsBetter: true },
  );
};
