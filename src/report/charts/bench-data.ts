/** The benchmark of one model as rows that charts draw: one a variant and batch size. */
import { suspicionsOf } from '../../analyze/run-facts.ts';
import { citeMetric } from '../cite.ts';
import type { ExperimentReport } from '../collect.ts';
import { batchSizeOf, isMeasured, type MeasuredCell } from '../collect-speed.ts';
import type { Cited } from '../document.ts';
import { isDummy, modelWords, SIMULATED_MARK } from '../marks.ts';
import type { CitedJson } from './cited-json.ts';

export interface BenchData {
  readonly model: string;
  /** The model as readers know it. */
  readonly words: string;
  readonly dummy: boolean;
  readonly cells: readonly MeasuredCell[];
  /** Labels, in the order of the experiment. */
  readonly variants: readonly string[];
  readonly sizes: readonly number[];
}

export function benchData(report: ExperimentReport, model: string): BenchData | null {
  const cells = report.cells
    .filter((cell) => cell.model === model && batchSizeOf(cell) !== null)
    .filter(isMeasured);
  if (cells.length === 0) return null;
  const sizes = [...new Set(cells.map((cell) => batchSizeOf(cell) as number))];
  return {
    model,
    words: modelWords(model, report.cells),
    dummy: cells.some(isDummy),
    cells,
    variants: [...new Set(cells.map(variantLabel))],
    sizes: sizes.sort((a, b) => a - b),
  };
}

/** The scheme, marked where its speed is simulated. */
export function variantLabel(cell: MeasuredCell): string {
  const simulated = cell.run.manifest.engine?.simulated ? ` ${SIMULATED_MARK}` : '';
  return `${cell.scheme}${simulated}`;
}

export type Row = { readonly [key: string]: CitedJson | undefined };

/** What every row of a benchmark starts with. */
export function rowOf(cell: MeasuredCell): Row {
  return {
    variant: variantLabel(cell),
    batch: batchSizeOf(cell) as number,
    simulated: cell.run.manifest.engine?.simulated != null,
    suspect: suspicionsOf(cell.run.manifest).length > 0,
  };
}

/** Digits enough for any picture; bytes in MiB, shares in percent. */
export function plotted(cell: MeasuredCell, metric: string, part?: 'ci95.0' | 'ci95.1'): Cited {
  const cited = citeMetric(cell.run, metric, part ?? 'value');
  const { style } = cited.format;
  if (style === 'bytes-mib') return { ...cited, format: { style, digits: 2 } };
  if (style === 'percent') return { ...cited, format: { style, digits: 2 } };
  return { ...cited, format: { style: 'significant', digits: 6 } };
}

/** `value`, `low` and `high` of a metric. */
export function measured(cell: MeasuredCell, metric: string): Row {
  return {
    value: plotted(cell, metric),
    low: plotted(cell, metric, 'ci95.0'),
    high: plotted(cell, metric, 'ci95.1'),
  };
}

/** What must be said under a picture of speeds. */
export function speedNotes(data: BenchData): (string | null)[] {
  const marked = data.cells.some((cell) => cell.run.manifest.engine?.simulated);
  const suspect = data.cells.some((cell) => suspicionsOf(cell.run.manifest).length > 0);
  return [
    marked ? '† simulated (pale): exact stored values, f32 arithmetic; not ranked' : null,
    suspect ? '⚠ suspect: the machine drifted or was busy meanwhile' : null,
    data.dummy ? 'Dummy weights: the speed of a model of this shape' : null,
  ];
}
