/** What `assay eval --json` prints, as far as tests read it. */
import type { Metric } from '../../src/record/schema.ts';

export interface EvalOutput {
  readonly runId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly findings: readonly { code: string; severity: string; message: string }[];
  readonly engine: { precision: string; simulated: string | null } | null;
}

/** Metrics that two runs of one measurement must agree in, bit for bit: not speed, not memory. */
const COST = new Set(['tokensPerSecond', 'loadSeconds', 'peakMemoryBytes']);

export function qualityOf(
  metrics: Readonly<Record<string, Metric>>,
): Readonly<Record<string, Metric>> {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !COST.has(name)));
}
