/**
 * What is known of a trace, a comparison or a timing file, as plain data: the JSON of `analyze`,
 * and what a report cites. A number has an address in it, so that `verify` finds it again.
 */

import { liftMatrix } from '../analyze/routing/co-activation.ts';
import type { JudgedTiming } from '../analyze/routing/timing.ts';
import type { TraceAnalysis } from './analyze-trace.ts';

export interface RouteNumberReference {
  readonly from: 'route';
  /** Path of the file, from the root that the document names. */
  readonly trace: string;
  /** With the trace before it: a comparison. */
  readonly against?: string;
  /** Keys and places in its facts: `/layers/0/top/2/count`. */
  readonly field: string;
}

export type RouteFacts = Readonly<Record<string, unknown>>;

/** `routes` counts rows read, `layers[].routes` those that are analyzed. */
export function traceFacts(trace: TraceAnalysis, of: { byRequest: boolean }): RouteFacts {
  const { read, layers, weightSums, normalized } = trace;
  const { routes, dummyRoutes, refusedRoutes, experts, expertsFrom, requests } = trace;
  return {
    ...{ kind: read.kind, model: read.header?.modelId ?? null },
    ...{ routes, dummyRoutes, refusedRoutes, experts, expertsFrom, requests },
    weights: { lowSum: weightSums[0], highSum: weightSums[1], normalized },
    problems: { total: read.problems.total, totals: read.problems.totals },
    layers: layers.map((layer) => {
      const { requests: each, ...rest } = layer;
      return of.byRequest ? { ...rest, requests: each } : rest;
    }),
  };
}

/** What charts and documents cite too: shares of rows, matrices. */
export function citedFacts(trace: TraceAnalysis): RouteFacts {
  const facts = traceFacts(trace, { byRequest: false });
  return {
    ...facts,
    dummyShare: trace.dummyRoutes / trace.routes,
    uniformBits: Math.log2(trace.experts),
    layers: trace.layers.map((layer, i) => ({
      ...layer,
      meanCount: (layer.routes * layer.topK) / layer.experts,
      overMean: layer.counts.map((n) => (n * layer.experts) / (layer.routes * layer.topK)),
      lifts: liftMatrix(trace.tallied[i]!.tally.counts, layer.experts),
    })),
  };
}

export function timingFacts(timing: JudgedTiming): RouteFacts {
  return { ...timing };
}

/** null where there is no such number. */
export function factAt(facts: RouteFacts | undefined, field: string): number | null {
  let value: unknown = facts;
  for (const key of field.split('/').slice(1)) {
    if (value === null || typeof value !== 'object') return null;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
