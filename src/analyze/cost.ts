/** What a request costs: the price of the machine's time, over what it does in that time. */

/** How the hour of a machine is rented. */
export const PRICE_NAMES = ['on_demand', 'spot'] as const;
export type PriceName = (typeof PRICE_NAMES)[number];

export interface CostInputs {
  /** Requests, or tokens, a second. */
  readonly perSecond: number;
  readonly usdPerHour: number;
  readonly utilization: number;
  /** How many of them: 1,000 or 1,000,000. */
  readonly count: number;
}

/** `count / (perSecond · utilization) · usdPerHour / 3600`, in US dollars; null for no rate. */
export function costUsd(of: CostInputs): number | null {
  const { perSecond, usdPerHour, utilization, count } = of;
  const usd = ((count / (perSecond * utilization)) * usdPerHour) / 3_600;
  return Number.isFinite(usd) && perSecond > 0 ? usd : null;
}

/**
 * What is priced, by which rate of a benchmark. Input tokens are charged the prefill's time and
 * output tokens that of the decode steps, so the two of a request sum up to its cost, but for the
 * first token of each output, which comes with the prefill.
 */
export const PRICED = [
  { of: 'requests', count: 1_000, rate: 'samplesPerSecond' },
  { of: 'requests', count: 1_000_000, rate: 'samplesPerSecond' },
  { of: 'input tokens', count: 1_000_000, rate: 'prefillTokensPerSecond' },
  { of: 'output tokens', count: 1_000_000, rate: 'decodeTokensPerSecond' },
] as const;

export const COST_FORMULA = 'count / (rate · utilization) · usd_per_hour / 3600';
