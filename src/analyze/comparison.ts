/** What a comparison of a variant with the named baseline run is, and how its verdict is found. */
import type { Manifest } from '../record/schema.ts';
import { type Interval, tooFew } from './intervals.ts';
import type { PermutationDraws } from './permutation.ts';
import type { Samples } from './samples.ts';

export type Verdict = 'better' | 'worse' | 'equivalent' | 'inconclusive' | 'refused';

export interface Comparison {
  /** Ratio (perplexity, latency) or difference (accuracy) of variant against baseline. */
  readonly value: number | null;
  readonly ci95: Interval | null;
  readonly unit: 'ratio' | 'fraction' | 'bits';
  /** Tokens, items or iterations compared. */
  readonly n: number;
  /** Paired units that were resampled. */
  readonly units: number;
  readonly unitOf: string;
  /** Two-sided, of the hypothesis that there is no difference; null where there is no test. */
  readonly p: number | null;
  readonly test: string | null;
  /** p adjusted for all tests of the report that it is in (`judgeFamily`); null before that. */
  readonly pHolm: number | null;
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
  /** Of a comparison of routing. */
  readonly layer?: number;
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
    ...{ value: null, ci95: null, unit, n: 0, units: 0, unitOf: 'none' },
    ...{ p: null, test: null, pHolm: null, verdict: 'refused', reason },
  };
}

/** The level of one test alone; `judgeFamily` holds it for all tests of a report. */
const LEVEL = 0.05;

/** A permutation test that cannot count all arrangements draws so many: p from 0.0001 on. */
export function drawsOf({ seed }: CompareParams): PermutationDraws {
  return { permutations: 9_999, seed };
}

export interface Measured {
  readonly value: number;
  /** null: too few units. */
  readonly ci95: Interval | null;
  readonly unit: Comparison['unit'];
  readonly n: number;
  readonly units: number;
  readonly unitOf: string;
  readonly p: number;
  readonly test: string;
  readonly notes?: readonly string[];
}

export interface Judged {
  readonly low: number;
  readonly high: number;
  /** The value of "no difference". */
  readonly none: number;
  readonly higherIsBetter: boolean;
}

/** The margin of a ratio that is better the smaller it is. */
export function ratioMargin(margin: number): Judged {
  return { low: 1 / (1 + margin), high: 1 + margin, none: 1, higherIsBetter: false };
}

/** From what was measured to a comparison with verdict and reasons. */
export function concluded(measured: Measured, judged: Judged): Comparison {
  const { notes = [], ...figures } = measured;
  const { value, ci95, units, unitOf } = figures;
  const unvaried = ci95 !== null && ci95[0] === ci95[1] && value !== judged.none;
  const all = unvaried ? [...notes, `no two ${unitOf} differ: the interval has no width`] : notes;
  const note = all.length > 0 ? { note: all.join('; ') } : {};
  if (!ci95) {
    const reason = tooFew(units, unitOf);
    const none = { p: null, test: null, pHolm: null };
    return { ...figures, ...none, verdict: 'inconclusive', reason, ...note };
  }
  const found = { ...figures, pHolm: null, ...note };
  const verdict = verdictOf(ci95, judged);
  if ((verdict === 'better' || verdict === 'worse') && figures.p > LEVEL) {
    const reason = 'the interval excludes no difference, but the test does not';
    return { ...found, verdict: 'inconclusive', reason };
  }
  if (verdict !== 'inconclusive') return { ...found, verdict };
  const reason = 'the interval holds no difference, and differences beyond the margin';
  return { ...found, verdict, reason };
}

/** Equivalence is asked first: a difference too small to matter is not called worse. */
export function verdictOf([low, high]: Interval, judged: Judged): Verdict {
  if (low > judged.low && high < judged.high) return 'equivalent';
  if (low > judged.none) return judged.higherIsBetter ? 'better' : 'worse';
  if (high < judged.none) return judged.higherIsBetter ? 'worse' : 'better';
  return 'inconclusive';
}
