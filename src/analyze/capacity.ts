/**
 * How many requests a minute a measured configuration serves, and how many of it a demand takes.
 * The capacity is that of full batches, one after the other: arrivals at random queue before it is
 * reached, which only a load test measures. So what is left over is always said.
 */

/** 60 · samples a second. */
export function requestsPerMinute(samplesPerSecond: number): number {
  return 60 * samplesPerSecond;
}

/** The traffic that teams plan for; the last one is open, and is planned at its lower end. */
export const TIERS = [
  { name: 'Low traffic', from: 0, to: 100 },
  { name: 'Medium traffic', from: 100, to: 1_000 },
  { name: 'High traffic', from: 1_000, to: null },
] as const;

export type Tier = (typeof TIERS)[number];

/** The requests a minute that a tier is planned for. */
export function demandOf({ from, to }: Tier): number {
  return to ?? from;
}

export interface Demand {
  readonly requestsPerMinute: number;
  readonly samplesPerSecond: number;
  /** Share of the capacity that is to be used at most, 0 … 1. */
  readonly utilization: number;
}

/** The fewest workers whose capacity · utilization covers the demand; null without a capacity. */
export function workersFor(demand: Demand): number | null {
  const each = requestsPerMinute(demand.samplesPerSecond) * demand.utilization;
  const workers = Math.max(1, Math.ceil(demand.requestsPerMinute / each));
  return Number.isFinite(workers) ? workers : null;
}

/** Share of the capacity of `workers` that the demand leaves over. */
export function headroom(of: Omit<Demand, 'utilization'> & { workers: number }): number {
  return 1 - of.requestsPerMinute / (of.workers * requestsPerMinute(of.samplesPerSecond));
}

export interface Configuration {
  readonly p95Ms: number;
  readonly samplesPerSecond: number;
}

/**
 * The configuration to run for a demand: the lowest P95 that one worker covers it with, else the
 * most throughput. undefined for an empty list.
 */
export function configurationFor<C extends Configuration>(
  all: readonly C[],
  demand: Omit<Demand, 'samplesPerSecond'>,
): C | undefined {
  const alone = all.filter((each) => workersFor({ ...demand, ...each }) === 1);
  const [first] = alone.toSorted((a, b) => a.p95Ms - b.p95Ms);
  return first ?? all.toSorted((a, b) => b.samplesPerSecond - a.samplesPerSecond)[0];
}
