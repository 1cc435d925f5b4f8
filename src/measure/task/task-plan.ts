/** What each method plans: batches to ask, and what is odd about them. */
import type { Finding } from '../../record/schema.ts';
import type { BatchPlan } from '../scoring.ts';

export interface TaskPlan extends BatchPlan {
  /** Tokens; of a head, items. */
  readonly scoredTokens: number;
  readonly findings: readonly Finding[];
}
