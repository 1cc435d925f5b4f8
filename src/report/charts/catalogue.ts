/** Which charts a report has: one of a kind for each model, and why others are not drawn. */

import type { CellReport, ExperimentReport } from '../collect.ts';
import { decisions } from '../collect-decision.ts';
import { batchSizeOf, isMeasured, type MeasuredCell } from '../collect-speed.ts';
import { isDummy, modelWords } from '../marks.ts';
import { benchData } from './bench-data.ts';
import type { Planned } from './chart.ts';
import { dashboardChart } from './dashboard.ts';
import { ecdfChart } from './ecdf.ts';
import { latencyChart } from './latency.ts';
import { memoryChart } from './memory.ts';
import { paretoChart } from './pareto.ts';
import { accuracyChart, calibrationChart, perplexityChart } from './quality.ts';
import { speedChart } from './speed.ts';
import { speedupChart } from './speedup.ts';
import { throughputChart } from './throughput.ts';

/** The dashboard first, then a chart a question. */
export function planCharts(report: ExperimentReport): Planned[] {
  const models = [...new Set(report.cells.map((cell) => cell.model))];
  const slugs = models.map((model) => slug(modelWords(model, report.cells)));
  return models.flatMap((model, i) => {
    const words = modelWords(model, report.cells);
    // Names that come out alike must not overwrite each other's files.
    const alike = slugs.indexOf(slugs[i]!) !== slugs.lastIndexOf(slugs[i]!) || slugs[i] === '';
    const suffix = models.length > 1 ? `-${slugs[i]}${alike ? `-${i + 1}` : ''}` : '';
    const of = { report, model, words, suffix };
    return [...speedCharts(of), ...qualityCharts(of)];
  });
}

/** Dashboard, speed, latency and its distribution, throughput, memory. */
const ALWAYS = 6;

/** That `planCharts` would have drawn at least, without its work. */
export function fewestCharts({ cells }: ExperimentReport): number {
  const timed = cells.filter((cell) => batchSizeOf(cell) !== null && isMeasured(cell));
  return ALWAYS * new Set(timed.map(({ model }) => model)).size;
}

interface Context {
  readonly report: ExperimentReport;
  readonly model: string;
  readonly words: string;
  readonly suffix: string;
}

/** A name for files: what a file system or a link could take amiss becomes a hyphen. */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|-+$/g, '');
}

function speedCharts(of: Context): Planned[] {
  const { report, model, words, suffix } = of;
  const bench = benchData(report, model);
  const memory = memoryCells(report, model, bench !== null);
  const dummy = memory.some(isDummy);
  const memoryPlan: Planned =
    memory.length > 0
      ? memoryChart({ words, dummy, cells: memory }, suffix)
      : { name: `memory${suffix}`, title: `Memory of ${words}`, reason: 'nothing was measured' };
  if (bench === null) return [memoryPlan];
  const speedups = report.speed.filter(
    ({ cell, latency }) => cell.model === model && latency.verdict !== 'refused',
  );
  const decision = decisions(report).find((each) => each.model === model);
  const baseline = memory.find(({ scheme }) => scheme === report.config.baseline);
  const front: Planned =
    decision && decision.field.length > 1
      ? paretoChart(decision, words, suffix)
      : {
          name: `pareto${suffix}`,
          title: `Latency against throughput: ${words}`,
          reason: 'fewer than two candidates can be ranked',
        };
  const speedup: Planned =
    speedups.length > 0
      ? speedupChart(bench, speedups, suffix)
      : {
          name: `speedup${suffix}`,
          title: `Speedup of ${words}`,
          reason: 'no speed was compared with a baseline',
        };
  return [
    dashboardChart({ bench, memory, baseline, speedups }, suffix),
    speedChart(bench, suffix),
    latencyChart(bench, suffix),
    ecdfChart(bench, suffix),
    throughputChart(bench, suffix),
    speedup,
    front,
    memoryPlan,
  ];
}

/** One cell a variant: of its smallest batch size, or of what was scored if nothing was timed. */
function memoryCells(report: ExperimentReport, model: string, benched: boolean): MeasuredCell[] {
  const own = report.cells.filter((cell) => cell.model === model).filter(isMeasured);
  const wanted = own.filter((cell) => (batchSizeOf(cell) !== null) === benched);
  const ordered = wanted.toSorted((a, b) => (batchSizeOf(a) ?? 0) - (batchSizeOf(b) ?? 0));
  const first = new Map(ordered.toReversed().map((cell) => [cell.scheme, cell]));
  return wanted.filter((cell) => first.get(cell.scheme) === cell);
}

function qualityCharts({ report, model, words, suffix }: Context): Planned[] {
  const own = report.cells.filter((cell) => cell.model === model).filter(isMeasured);
  // Quality of random weights means nothing, so that nobody shall look at a picture of it.
  const cells = own.filter((cell) => !isDummy(cell));
  const measures = [...new Set(cells.map(({ measure }) => measure))];
  return measures.flatMap((measure): Planned[] => {
    const of = {
      ...{ words, measure, baseline: report.config.baseline },
      cells: cells.filter((cell) => cell.measure === measure),
    };
    const named = measures.length > 1 ? `-${slug(measure)}${suffix}` : suffix;
    const has = (metric: string): boolean =>
      of.cells.some((cell: CellReport) => cell.run?.summary?.metrics[metric]?.value != null);
    return [
      ...(has('perplexity') ? [perplexityChart(of, named)] : []),
      ...(has('ece') ? [calibrationChart(of, named)] : []),
      ...(has('accuracy') ? [accuracyChart(of, named)] : []),
    ];
  });
}
