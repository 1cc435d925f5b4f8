/** What an experiment demands (`choose:`), and whether a figure meets it, by how much not. */
import type { Interval } from './intervals.ts';

export type LimitName = keyof typeof LIMITS;

export interface Limit {
  /** Of a benchmark's cell, of the variant, of its quality against the baseline, or its price. */
  readonly metric: string;
  readonly holds: 'most' | 'least';
  readonly unit: string;
  /** One of the limit's units in the metric's. */
  readonly scale: number;
}

const most = (metric: string, unit: string, scale = 1): Limit => {
  return { metric, holds: 'most', unit, scale };
};
const least = (metric: string, unit: string): Limit => {
  return { metric, holds: 'least', unit, scale: 1 };
};
const GIB = 2 ** 30;

export const LIMITS = {
  p95_ms: most('latencyP95', 'ms'),
  p99_ms: most('latencyP99', 'ms'),
  ttft_p95_ms: most('ttftP95', 'ms'),
  memory_gib: most('peakMemoryBytes', 'GiB', GIB),
  gpu_memory_gib: most('gpuPeakMemoryBytes', 'GiB', GIB),
  weights_gib: most('storedWeightBytes', 'GiB', GIB),
  samples_per_second: least('samplesPerSecond', 'samples/s'),
  tokens_per_second: least('decodeTokensPerSecond', 'tokens/s'),
  perplexity_increase: most('perplexity', 'share'),
  accuracy_loss: most('accuracy', 'share'),
  usd_per_1k_requests: most('cost', 'USD'),
} as const satisfies Record<string, Limit>;

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** A figure in the limit's own unit. */
export interface Figure {
  readonly value: number | null;
  readonly ci95: Interval | null;
  /** Read off, not sampled: it needs no interval. */
  readonly exact?: boolean;
  /** Why the value or the interval is not there. */
  readonly reason?: string;
}

/**
 * `met`: the whole interval is inside. `unproven`: the value is, its interval is not or is not
 * there. `violated`: the value is not inside. `unknown`: there is no value.
 */
export type LimitState = 'met' | 'unproven' | 'violated' | 'unknown';

export interface LimitCheck {
  readonly limit: LimitName;
  readonly bound: number;
  readonly state: LimitState;
  /** How far beyond the bound, in its unit; null when it is not. */
  readonly excess: number | null;
  readonly reason?: string;
}

export function checkLimit(limit: LimitName, bound: number, figure: Figure): LimitCheck {
  const { value, ci95, exact, reason } = figure;
  const said = { limit, bound, excess: null };
  const why = reason === undefined ? {} : { reason };
  if (value === null || !Number.isFinite(value)) {
    return { ...said, state: 'unknown', reason: reason ?? 'not measured' };
  }
  const over = excessOver(limit, bound, value);
  if (over > 0) return { ...said, state: 'violated', excess: over };
  if (exact) return { ...said, state: 'met' };
  if (!ci95) return { ...said, state: 'unproven', ...why };
  const end = LIMITS[limit].holds === 'most' ? ci95[1] : ci95[0];
  if (excessOver(limit, bound, end) <= 0) return { ...said, state: 'met' };
  return { ...said, state: 'unproven', reason: 'its 95 % interval reaches beyond the limit' };
}

/** Above 0: by how much the value breaks the limit. */
export function excessOver(limit: LimitName, bound: number, value: number): number {
  return LIMITS[limit].holds === 'most' ? value - bound : bound - value;
}
