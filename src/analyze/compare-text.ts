/**
 * What a variant writes against what the baseline writes. Behind the first different token both
 * continue different texts, so that nothing after it is compared.
 */
import {
  type ComparedRuns,
  type CompareFormula,
  type Comparison,
  type Measured,
  refused,
} from './comparison.ts';
import { sum } from './describe.ts';
import { bootstrapRatio, MIN_UNITS, tooFew, wilson } from './intervals.ts';
import { differentSettings } from './run-facts.ts';
import type { GeneratedRow } from './samples.ts';

interface Agreement {
  /** Tokens that are the same, from the start. */
  readonly same: number;
  /** Those and the first that differs, if one does. */
  readonly compared: number;
}

function agreementOf(a: GeneratedRow, b: GeneratedRow): Agreement {
  const shorter = Math.min(a.ids.length, b.ids.length);
  let same = 0;
  while (same < shorter && a.ids[same] === b.ids[same]) same++;
  // One text ended where the other goes on: the end is a token of its own.
  const identical = same === a.ids.length && same === b.ids.length;
  return { same, compared: identical ? same : same + 1 };
}

/** By prompt, or why the two sets of texts cannot be compared. */
function agreements(runs: ComparedRuns): Agreement[] | string {
  if (runs.manifests) {
    const other = differentSettings(runs.manifests);
    if (other.length > 0) return `measured with other settings: ${other.join(', ')}`;
  }
  const reference = new Map(runs.baseline.generated.map((row) => [row.prompt, row]));
  const own = runs.variant.generated;
  if (own.length === 0 || reference.size === 0) return 'a run recorded no text';
  if (own.length !== reference.size || !own.every((row) => reference.has(row.prompt))) {
    return 'the two runs did not continue the same prompts';
  }
  return own
    .toSorted((a, b) => a.prompt - b.prompt)
    .map((row) => agreementOf(row, reference.get(row.prompt) as GeneratedRow));
}

/**
 * Σ tokens that are the baseline's / Σ tokens up to and with the first that is not: how likely the
 * next token is the baseline's as long as all before were. Bootstrap over prompts.
 */
export const tokenAgreement: CompareFormula = (runs, params) => {
  const found = agreements(runs);
  if (typeof found === 'string') return refused('fraction', found);
  const same = found.map((each) => each.same);
  const compared = found.map((each) => each.compared);
  const n = sum(compared);
  if (n === 0) return refused('fraction', 'no token was generated');
  const value = sum(same) / n;
  const base = { value, unit: 'fraction', n, units: found.length, unitOf: 'prompts' } as const;
  if (value === 1) {
    // A bootstrap of nothing but 1 would claim a certainty that these few prompts do not give.
    const reason = 'no text differs: resampling cannot tell how rare a difference is';
    return { ...judged({ ...base, ci95: null }, params.margin), reason };
  }
  const { resamples, seed } = params;
  const few = found.length < MIN_UNITS;
  const drawn = { numerators: same, denominators: compared, resamples, seed };
  return judged({ ...base, ci95: few ? null : bootstrapRatio(drawn) }, params.margin);
};

/** Share of prompts that both continue with the very same text; Wilson's interval over prompts. */
export const identicalTexts: CompareFormula = (runs, params) => {
  const found = agreements(runs);
  if (typeof found === 'string') return refused('fraction', found);
  const n = found.length;
  const identical = found.filter((each) => each.same === each.compared).length;
  const ci95 = n < MIN_UNITS ? null : wilson(identical, n);
  const counted = { unit: 'fraction', n, units: n, unitOf: 'prompts' } as const;
  return judged({ value: identical / n, ci95, ...counted }, params.margin);
};

/** A text that is not the baseline's is no worse for it: only sameness can be shown. */
function judged(measured: Omit<Measured, 'p' | 'test' | 'notes'>, margin: number): Comparison {
  const { ci95, units, unitOf } = measured;
  const same = ci95 !== null && ci95[0] > 1 - margin;
  const figures = { ...measured, p: null, test: null, pHolm: null };
  if (same) return { ...figures, verdict: 'equivalent' };
  const reason = ci95 ? {} : { reason: tooFew(units, unitOf) };
  return { ...figures, verdict: 'inconclusive', ...reason };
}
