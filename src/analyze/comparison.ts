/** What a comparison of a variant with the named baseline run is, and how its verdict is found. */
import type { Manifest } from '../record/schema.ts';
import { bootstrapRatio, type Interval, MIN_UNITS } from './intervals.ts';
import type { Samples } from './samples.ts';

export type Verdict = 'better' | 'worse' | 'equivalent' | 'inconclusive' | 'refused';

export interface Comparison {
  /** Ratio (perplexity, latency) or difference (accuracy) of variant against baseline. */
  readonly value: number | null;
  readonly ci95: Interval | null;
  readonly unit: 'ratio' | 'fraction';
  /** Tokens, items or iterations compared. */
  readonly n: number;
  /** Paired units that were resampled. */
  readonly units: number;
  readonly unitOf: string;
  readonly verdict: Verdict;
  /** Why it was refused or stays inconclusive. */
  readonly reason?: string;
  /** What a reader must know beside the verdict: a suspect cell, other lengths. */
  readonly note?: string;
}

export interface CompareParams {
  readonly resamples: number;
  readonly seed: number;
  /** Equivalent: the whole interval lies inside ± margin (relative for ratios, absolute else). */
  readonly margin: number;
}

/** The rows of two runs, and their manifests where what ran and on what decides the answer. */
export interface ComparedRuns {
  readonly variant: Samples;
  readonly baseline: Samples;
  readonly manifests?: { readonly variant: Manifest; readonly baseline: Manifest };
}

export type CompareFormula = (runs: ComparedRuns, params: CompareParams) => Comparison;

export function refused(unit: Comparison['unit'], reason: string): Comparison {
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

export interface Judged {
  value: number;
  ci95: Interval | null;
  low: number;
  high: number;
  /** The value of "no difference". */
  none: number;
  higherIsBetter: boolean;
}

/** Equivalence is asked first: a difference too small to matter is not called worse. */
export function verdictOf(j: Judged): Verdict {
  if (!j.ci95) return 'inconclusive';
  const [low, high] = j.ci95;
  if (low > j.low && high < j.high) return 'equivalent';
  if (low > j.none) return j.higherIsBetter ? 'better' : 'worse';
  if (high < j.none) return j.higherIsBetter ? 'worse' : 'better';
  return 'inconclusive';
}

/** Bootstrap of Σ numerators / Σ denominators over pairs; null for fewer than 10. */
export function intervalOf(
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

export function withReason(comparison: Comparison): Comparison {
  if (comparison.ci95) return comparison;
  const reason = `${comparison.units} ${comparison.unitOf}: an interval needs ${MIN_UNITS}`;
  return { ...comparison, reason };
}
