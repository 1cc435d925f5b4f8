/** What a claim comes to. */
import type { Evidence } from '../../logs/log-index.ts';

export type Verdict = 'proven' | 'refuted' | 'not-evidenced' | 'not-applicable';

export interface Decided {
  readonly verdict: Verdict;
  /** Why, with the numbers. */
  readonly reason: string;
  /** Hash the bytes again to check it. */
  readonly evidence: readonly Evidence[];
  /** The pattern matches nothing, and no program that wrote the logs prints such a line. */
  readonly vacuous?: boolean;
}

export const proven = (reason: string, evidence: readonly Evidence[] = []): Decided => {
  return { verdict: 'proven', reason, evidence };
};

export const refuted = (reason: string, evidence: readonly Evidence[] = []): Decided => {
  return { verdict: 'refuted', reason, evidence };
};

export const notEvidenced = (reason: string, evidence: readonly Evidence[] = []): Decided => {
  return { verdict: 'not-evidenced', reason, evidence };
};

export const notApplicable = (reason: string): Decided => {
  return { verdict: 'not-applicable', reason, evidence: [] };
};
