/** `assay compare --json`: every figure that the text shows, unrounded, with its runs. */
import { costUsd, PRICED } from '../analyze/cost.ts';
import { reductionOf } from '../analyze/reference.ts';
import type { CellReport, ExperimentReport } from './collect.ts';
import type { Chosen, ModelDecision } from './collect-decision.ts';
import { isMeasured, type SpeedComparison } from './collect-speed.ts';
import { notCompared } from './compare-tables.ts';
import { pricesOf } from './decision-cost.ts';
import type { Ranked } from './field.ts';

export const COMPARE_SCHEMA = 'assay.compare/1';

export function compareJson(
  report: ExperimentReport,
  all: readonly ModelDecision[],
): Record<string, unknown> {
  const { baseline } = report.config;
  return {
    schema: COMPARE_SCHEMA,
    experiment: report.name,
    baseline: {
      scheme: baseline,
      runs: report.cells
        .filter((cell) => cell.scheme === baseline && isMeasured(cell))
        .map((cell) => cell.run?.manifest.runId),
    },
    quality: report.comparisons.map(({ configured: _, ...comparison }) => comparison),
    speed: report.speed.map(speedJson),
    notCompared: notCompared(report).map(({ cell, reason }) => ({ ...cellJson(cell), reason })),
    decisions: all.map((decision) => decisionJson(report, decision)),
  };
}

function cellJson({ model, scheme, measure, status, run }: CellReport): Record<string, unknown> {
  return { model, scheme, measure, status, run: run?.manifest.runId ?? null };
}

function speedJson(of: SpeedComparison): Record<string, unknown> {
  const { cell, baseline, batchSize, params, latency, agreement, identical } = of;
  const [own, base] = [cell, baseline].map(({ run }) => run.summary?.metrics.peakMemoryBytes);
  const { value } = latency;
  return {
    ...{ model: cell.model, scheme: cell.scheme, batchSize, run: cell.run.manifest.runId },
    ...{ baseline: baseline.run.manifest.runId, params },
    speedup: value === null ? null : 1 / value,
    latencyReduction: value === null ? null : 1 - value,
    memoryReduction: own && base ? reductionOf(own, base) : null,
    ...{ latency, agreement, identical },
  };
}

function figures({ id, scheme, batchSize, p95Ms, throughput, memoryBytes, cell }: Ranked) {
  const n = cell.run.summary?.metrics.latencyP95?.n ?? 0;
  const figure = { run: id, scheme, batchSize, p95Ms, n, samplesPerSecond: throughput };
  return { ...figure, peakMemoryBytes: memoryBytes };
}

function decisionJson(report: ExperimentReport, decision: ModelDecision): Record<string, unknown> {
  const { model, dummy, field, balance, fastest, widest, pareto, checks, unranked } = decision;
  const winner = balance ? (field[balance.winner]?.id ?? null) : null;
  return {
    ...{ model, dummyWeights: dummy },
    field: field.map((each, i) => ({ ...figures(each), balance: balance?.scores[i] ?? null })),
    unranked: unranked.map(({ cell, reason }) => ({ ...cellJson(cell), reason })),
    bestLatency: fastest && figures(fastest),
    bestThroughput: widest && figures(widest),
    bestBalance: winner === null ? null : { run: winner, flips: balance?.flips },
    pareto,
    limits: checks.map(({ reference: _, cell: __, ...check }) => check),
    costs: costsJson(report, field),
    recommendation: decision.chosen ? chosenJson(decision.chosen) : null,
    reason: decision.reason,
  };
}

function costsJson(report: ExperimentReport, field: readonly Ranked[]) {
  return pricesOf(report).flatMap((price) =>
    field.flatMap(({ id, cell }) =>
      PRICED.map(({ of, count, rate }) => {
        const perSecond = cell.run.summary?.metrics[rate]?.value ?? null;
        const { name, usdPerHour, utilization } = price;
        const inputs = { usdPerHour, utilization, count };
        const usd = perSecond === null ? null : costUsd({ ...inputs, perSecond });
        return { run: id, price: name, of, rate, ...inputs, usd };
      }),
    ),
  );
}

function chosenJson({ cell, why, by, tied }: Chosen): Record<string, unknown> {
  return { ...figures(cell), why, batchSizeBy: by, tied: tied.map(({ id }) => id) };
}
