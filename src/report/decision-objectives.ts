/** What a front weighs: latency, throughput, quality, memory, cost. */
import type { Objective, ParetoPoint } from '../analyze/pareto.ts';
import type { ExperimentReport } from './collect.ts';
import { costPer1k } from './decision-cost.ts';
import type { Ranked } from './field.ts';

export const OBJECTIVE_WORDS: Readonly<Record<string, string>> = {
  latencyP95: 'P95 latency',
  samplesPerSecond: 'throughput',
  peakMemoryBytes: 'peak memory',
  cost: 'cost',
};

/** Cost is a price over the throughput, so it places nobody who throughput does not. */
export function objectivesOf(report: ExperimentReport, dummy: boolean): Objective[] {
  const quality = dummy ? [] : qualityOf(report);
  return [
    { name: 'latencyP95', better: 'lower' },
    { name: 'samplesPerSecond', better: 'higher' },
    ...quality.map(({ measure, metric }): Objective => {
      const better = metric === 'perplexity' ? 'lower' : 'higher';
      return { name: `${measure} ${metric}`, better };
    }),
    { name: 'peakMemoryBytes', better: 'lower' },
    ...(report.config.cost ? [{ name: 'cost', better: 'lower' } as const] : []),
  ];
}

interface Quality {
  readonly measure: string;
  readonly metric: 'perplexity' | 'accuracy';
}

function qualityOf(report: ExperimentReport): Quality[] {
  return report.measures.flatMap((measure) =>
    (['perplexity', 'accuracy'] as const)
      .filter((metric) =>
        report.cells.some((c) => c.measure === measure && c.run?.summary?.metrics[metric]),
      )
      .map((metric) => ({ measure, metric })),
  );
}

/** The figures of ranked cells of one model by objective; the quality is that of the scheme. */
export function pointsOf(
  report: ExperimentReport,
  field: readonly Ranked[],
  dummy: boolean,
): ParetoPoint[] {
  const quality = dummy ? [] : qualityOf(report);
  const scored = report.cells.filter(({ measure }) => quality.some((q) => q.measure === measure));
  return field.map(({ id, cell, p95Ms, throughput, memoryBytes }) => {
    const own = scored.filter(
      ({ model, scheme }) => model === cell.model && scheme === cell.scheme,
    );
    const values = quality.map(({ measure, metric }) => {
      const of = own.find((each) => each.measure === measure);
      return [`${measure} ${metric}`, of?.run?.summary?.metrics[metric]?.value ?? null] as const;
    });
    return {
      id,
      values: {
        ...{ latencyP95: p95Ms, samplesPerSecond: throughput, peakMemoryBytes: memoryBytes },
        ...Object.fromEntries(values),
        cost: costPer1k(report, throughput),
      },
    };
  });
}
