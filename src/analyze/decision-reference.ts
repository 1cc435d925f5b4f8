/** Numbers of a decision, as functions of metrics: the writer and the verifier both come here. */
import { balanceScores } from './balance.ts';
import { headroom, requestsPerMinute, workersFor } from './capacity.ts';
import { excessOver, LIMITS, type LimitName } from './constraints.ts';
import { COST_FORMULA, costUsd } from './cost.ts';
import type { NumberReference } from './reference.ts';

export type DecisionReference =
  /** US dollars for `count` of what the metric `rate` counts a second. */
  | {
      from: 'cost';
      run: string;
      rate: string;
      usdPerHour: number;
      utilization: number;
      count: number;
    }
  /** The balance score of the run in a field of runs. */
  | { from: 'balance'; run: string; field: readonly string[] }
  /** By how much a number breaks a limit, in the limit's unit; `relative`: as a share of it. */
  | {
      from: 'excess';
      run: string;
      of: NumberReference;
      limit: LimitName;
      bound: number;
      relative?: true;
    }
  | { from: 'capacity'; run: string }
  | { from: 'workers'; run: string; requestsPerMinute: number; utilization: number }
  | { from: 'headroom'; run: string; requestsPerMinute: number; utilization: number }
  /** Largest reading of the GPU's memory / what the GPU has. */
  | { from: 'gpu-share'; run: string };

/** What the resolver offers: metrics computed again, the manifest, other references. */
export interface Numbers {
  metric(run: string, name: string): number | null;
  gpuMemoryBytes(run: string): number | null;
  resolve(reference: NumberReference): number | null;
}

export function resolveDecision(reference: DecisionReference, numbers: Numbers): number | null {
  const { run } = reference;
  switch (reference.from) {
    case 'cost': {
      const perSecond = numbers.metric(run, reference.rate);
      return perSecond === null ? null : costUsd({ ...reference, perSecond });
    }
    case 'balance':
      return balanceOf(run, reference.field, numbers);
    case 'excess': {
      const { limit, bound, of, relative } = reference;
      const value = numbers.resolve(of);
      if (value === null) return null;
      const over = excessOver(limit, bound, value / LIMITS[limit].scale);
      return relative ? over / bound : over;
    }
    case 'gpu-share': {
      const [used, all] = [numbers.metric(run, 'gpuPeakMemoryBytes'), numbers.gpuMemoryBytes(run)];
      return used === null || !all ? null : used / all;
    }
    default: {
      const samplesPerSecond = numbers.metric(run, 'samplesPerSecond');
      if (samplesPerSecond === null) return null;
      if (reference.from === 'capacity') return requestsPerMinute(samplesPerSecond);
      const demand = { ...reference, samplesPerSecond };
      const workers = workersFor(demand);
      if (reference.from === 'workers' || workers === null) return workers;
      return headroom({ ...demand, workers });
    }
  }
}

function balanceOf(run: string, field: readonly string[], numbers: Numbers): number | null {
  const at = field.indexOf(run);
  const entries = field.flatMap((id) => {
    const throughput = numbers.metric(id, 'samplesPerSecond');
    const p95Ms = numbers.metric(id, 'latencyP95');
    return throughput === null || p95Ms === null ? [] : [{ id, throughput, p95Ms }];
  });
  if (at < 0 || entries.length !== field.length) return null;
  return balanceScores(entries)[at] ?? null;
}

export function describeDecision(
  reference: DecisionReference,
  describe: (of: NumberReference) => string,
): string {
  const { run } = reference;
  switch (reference.from) {
    case 'cost': {
      const { rate, usdPerHour, utilization, count } = reference;
      const inputs = `count = ${count}, utilization = ${utilization}, usd_per_hour = ${usdPerHour}`;
      return `${COST_FORMULA}, with rate = ${rate} of run ${run}, ${inputs}`;
    }
    case 'balance':
      return (
        `(minmax(samplesPerSecond) + 1 − minmax(latencyP95)) / 2 of run ${run} ` +
        `in a field of ${reference.field.length} runs`
      );
    case 'excess': {
      const { of, limit, bound, relative } = reference;
      const share = relative ? ', as a share of it' : '';
      return `how far ${describe(of)} is beyond ${limit} = ${bound}${share}`;
    }
    case 'capacity':
      return `60 · samplesPerSecond of run ${run}, requests a minute`;
    case 'workers': {
      const { requestsPerMinute: demand, utilization } = reference;
      return `⌈${demand} / (60 · samplesPerSecond · ${utilization})⌉ of run ${run}`;
    }
    case 'headroom': {
      const { requestsPerMinute: demand, utilization } = reference;
      const capacity = '60 · samplesPerSecond';
      const workers = `⌈${demand} / (${capacity} · ${utilization})⌉`;
      return `1 − ${demand} / (${workers} · ${capacity}) of run ${run}`;
    }
    case 'gpu-share':
      return `gpuPeakMemoryBytes of run ${run} / memory of its GPUs`;
  }
}
