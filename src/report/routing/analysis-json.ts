/** The analysis as JSON: of one trace its own object, of several a list and their comparison. */
import type { JudgedTiming } from '../../analyze/routing/timing.ts';
import type { TraceAnalysis } from '../../routing/analyze-trace.ts';
import type { TraceComparison } from '../../routing/compare-traces.ts';
import { traceFacts } from '../../routing/route-facts.ts';
import { verdictsOf } from './verdicts.ts';

export interface AnalyzedFiles {
  readonly traces: readonly TraceAnalysis[];
  /** Of each trace after the first with the first. */
  readonly comparisons: readonly TraceComparison[];
  readonly timings: readonly (JudgedTiming & { readonly path: string })[];
}

/** `routes` counts rows read, `layers[].routes` those that are analyzed. */
export function analysisJson(
  { traces, comparisons, timings }: AnalyzedFiles,
  { byRequest }: { byRequest: boolean },
): Record<string, unknown> {
  const [first, ...others] = traces.map((trace) => traceJson(trace, byRequest));
  const timed = timings.length > 0 ? { timings } : {};
  if (others.length === 0) return { ...first, ...timed };
  return { traces: [first, ...others], comparisons, ...timed };
}

function traceJson(trace: TraceAnalysis, byRequest: boolean): Record<string, unknown> {
  const { layers, ...facts } = traceFacts(trace, { byRequest });
  return { path: trace.read.path, ...facts, verdicts: verdictsOf(trace), layers };
}
