/** Costs of ranked cells at the experiment's prices. */
import { costUsd, PRICE_NAMES, type PriceName } from '../analyze/cost.ts';
import type { ExperimentReport } from './collect.ts';

export interface Price {
  readonly name: PriceName;
  readonly usdPerHour: number;
  readonly utilization: number;
}

/** In the order of PRICE_NAMES; empty where no price was given: nothing is estimated. */
export function pricesOf({ config }: ExperimentReport): Price[] {
  const { cost } = config;
  return PRICE_NAMES.flatMap((name): Price[] => {
    const usdPerHour = cost?.usd_per_hour[name];
    if (!cost || usdPerHour === undefined) return [];
    return [{ name, usdPerHour, utilization: cost.utilization }];
  });
}

/** US dollars for 1,000 requests at the first of the prices. */
export function costPer1k(report: ExperimentReport, perSecond: number): number | null {
  const [price] = pricesOf(report);
  return price ? costUsd({ ...price, perSecond, count: 1_000 }) : null;
}
