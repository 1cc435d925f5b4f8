/**
 * What a variant writes against what the baseline writes. Behind the first different token both
 * continue different texts, so that nothing after it is compared.
 */
import {
  type ComparedRuns,
  type CompareFormula,
  intervalOf,
  refused,
  type Verdict,
  withReason,
} from './comparison.ts';
import { sum } from './describe.ts';
import { type Interval, MIN_UNITS, wilson } from './intervals.ts';
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
  if (value === 1) {
    // A bootstrap of nothing but 1 would claim a certainty that these few prompts do not give.
    const reason = 'no text differs: resampling cannot tell how rare a difference is';
    const none = { value, ci95: null, unit: 'fraction' as const, n, units: found.length };
    return { ...none, unitOf: 'prompts', verdict: 'inconclusive', reason };
  }
  const ci95 = intervalOf(same, compared, params);
  const base = { value, ci95, unit: 'fraction' as const, n, units: found.length };
  return withReason({ ...base, unitOf: 'prompts', verdict: judged(ci95, params.margin) });
};

/** Share of prompts that both continue with the very same text; Wilson's interval over prompts. */
export const identicalTexts: CompareFormula = (runs, params) => {
  const found = agreements(runs);
  if (typeof found === 'string') return refused('fraction', found);
  const n = found.length;
  const identical = found.filter((each) => each.same === each.compared).length;
  const value = identical / n;
  const ci95 = n < MIN_UNITS ? null : wilson(identical, n);
  const base = { value, ci95, unit: 'fraction' as const, n, units: n, unitOf: 'prompts' };
  return withReason({ ...base, verdict: judged(ci95, params.margin) });
};

/** A text that is not the baseline's is no worse for it: only sameness can be shown. */
function judged(ci95: Interval | null, margin: number): Verdict {
  return ci95 && ci95[0] > 1 - margin ? 'equivalent' : 'inconclusive';
}
