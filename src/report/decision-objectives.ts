/** What a front weighs: latency, throughput, quality, memory, cost. */
import type { Objective } from '../analyze/pareto.ts';
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

/** The figures of a ranked cell by objective; the quality is that of its scheme. */
export function valuesOf(
  report: ExperimentReport,
  ranked: Ranked,
  dummy: boolean,
): Record<string, number | null> {
  const { cell, p95Ms, throughput, memoryBytes } = ranked;
  const quality = dummy ? [] : qualityOf(report);
  const values = quality.map(({ measure, metric }) => {
    const scored = report.cells.find(
      (each) =>
        each.model === cell.model && each.scheme === cell.scheme && each.measure === measure,
    );
    return [`${measure} ${metric}`, scored?.run?.summary?.metrics[metric]?.value ?? null] as const;
  });
  return {
    ...{ latencyP95: p95Ms, samplesPerSecond: throughput, peakMemoryBytes: memoryBytes },
    ...Object.fromEntries(values),
    cost: costPer1k(report, throughput),
  };
}
