/**
 * Many comparisons at once: of twenty tests of things that are equal, one is below 0.05. The
 * family is every comparison of one report that has a p.
 */
import type { Comparison } from './comparison.ts';

/** The share of families of equal things in which anything at all is called different. */
export const FAMILY_LEVEL = 0.05;

/**
 * Holm's step-down adjustment (1979): valid whatever the dependence between the tests. Where a p is
 * null there is no test, and it does not count.
 */
export function holm(ps: readonly (number | null)[]): (number | null)[] {
  const ranked = ps
    .flatMap((p, index) => (p === null ? [] : [{ p, index }]))
    .toSorted((a, b) => a.p - b.p);
  const adjusted = ps.map((): number | null => null);
  let highest = 0;
  for (const [rank, { p, index }] of ranked.entries()) {
    highest = Math.max(highest, Math.min(1, p * (ranked.length - rank)));
    adjusted[index] = highest;
  }
  return adjusted;
}

export const NOT_AFTER_HOLM =
  'the interval excludes no difference, but the test does not, corrected for the number of tests ' +
  'in this report (Holm)';

/**
 * The comparisons of one report, with p adjusted over all of them. Better or worse needs both: an
 * interval without "no difference", and an adjusted p of at most 0.05; else it is inconclusive.
 * Equivalent stays: a claim that several things are all equivalent needs no correction, since it is
 * wrong only where one of its parts is (Berger 1982, intersection-union).
 */
export function judgeFamily(comparisons: readonly Comparison[]): Comparison[] {
  const adjusted = holm(comparisons.map(({ p }) => p));
  return comparisons.map((comparison, i): Comparison => {
    const pHolm = adjusted[i] as number | null;
    const differs = comparison.verdict === 'better' || comparison.verdict === 'worse';
    if (!differs || pHolm === null || pHolm <= FAMILY_LEVEL) return { ...comparison, pHolm };
    return { ...comparison, pHolm, verdict: 'inconclusive', reason: NOT_AFTER_HOLM };
  });
}
