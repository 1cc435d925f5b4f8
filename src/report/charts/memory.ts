/** Stored, resident and peak memory of every variant, and what a scheme saves. */
import { citeReduction } from '../cite.ts';
import type { MeasuredCell } from '../collect-speed.ts';
import { plotted, type Row, variantLabel } from './bench-data.ts';
import { type Chart, chart, type Spec } from './chart.ts';
import { NEITHER } from './theme.ts';

const KINDS = [
  { metric: 'storedWeightBytes', name: 'weights, stored' },
  { metric: 'residentWeightBytes', name: 'weights, resident' },
  { metric: 'peakMemoryBytes', name: 'process, peak' },
] as const;
const SHADES = ['#0072b2', '#56b4e9', NEITHER];

/** The variant, with its measure where others were measured differently. */
function memoryLabel(cell: MeasuredCell, cells: readonly MeasuredCell[]): string {
  const alike = cells.every(({ measure }) => measure === cells[0]!.measure);
  return alike ? variantLabel(cell) : `${variantLabel(cell)} ${cell.measure}`;
}

/** `cells`: of one model, one a variant. */
export function memoryBars(cells: readonly MeasuredCell[], width: number): Spec {
  const variants = cells.map((cell) => memoryLabel(cell, cells));
  const names = KINDS.map(({ name }) => name);
  const values = cells.flatMap((cell) =>
    KINDS.map(({ metric, name }): Row => {
      // What is stored is real for every scheme.
      const simulated = cell.run.manifest.engine?.simulated != null;
      const pale = simulated && metric !== 'storedWeightBytes';
      return { variant: memoryLabel(cell, cells), kind: name, pale, value: plotted(cell, metric) };
    }),
  );
  const kind = { field: 'kind', type: 'nominal', sort: names, title: null };
  return {
    width,
    height: 240,
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      x: { field: 'variant', type: 'nominal', sort: variants, title: null, axis: tilted(variants) },
      xOffset: kind,
      y: { field: 'value', type: 'quantitative', title: 'MiB' },
      color: { ...kind, scale: { domain: names, range: SHADES } },
      opacity: { condition: { test: 'datum.pale', value: 0.4 }, value: 1 },
    },
  };
}

/** Names that would run into each other stand at an angle. */
export function tilted(names: readonly string[]): { labelAngle: number } {
  const longest = Math.max(0, ...names.map((name) => name.length));
  return { labelAngle: names.length > 6 || longest > 16 ? -35 : 0 };
}

export function memoryChart(
  of: { words: string; dummy: boolean; cells: readonly MeasuredCell[] },
  suffix: string,
): Chart {
  const marked = of.cells.some((cell) => cell.run.manifest.engine?.simulated);
  return chart(
    {
      name: `memory${suffix}`,
      title: `Memory of ${of.words}`,
      alt: `Bars of stored weights, resident weights and peak memory for each variant`,
      notes: [
        'Lower is better',
        marked ? '† simulated (pale): memory is that of f32; what is stored is real' : null,
      ],
    },
    memoryBars(of.cells, Math.max(360, Math.min(900, of.cells.length * 84))),
  );
}

/** Share of the baseline's peak memory and stored weights that is saved. */
export function reductionBars(
  cells: readonly MeasuredCell[],
  baseline: MeasuredCell,
  width: number,
): Spec {
  const others = cells.filter((cell) => cell !== baseline);
  const values = others.flatMap((cell) => {
    const simulated = cell.run.manifest.engine?.simulated != null;
    const saved = (metric: string, kind: string): Row => ({
      ...{ variant: variantLabel(cell), kind },
      value: citeReduction({ run: cell.run, baseline: baseline.run }, metric),
    });
    const stored = saved('storedWeightBytes', KINDS[0].name);
    // A peak with more sequences in flight is not that of the baseline.
    const comparable = !simulated && cell.measure === baseline.measure;
    return !comparable ? [stored] : [stored, saved('peakMemoryBytes', KINDS[2].name)];
  });
  const kind = { field: 'kind', type: 'nominal', title: null };
  return {
    width,
    height: 200,
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      x: { field: 'variant', type: 'nominal', sort: others.map(variantLabel), title: null },
      xOffset: kind,
      y: { field: 'value', type: 'quantitative', title: 'Saved against the baseline (%)' },
      color: {
        ...kind,
        scale: { domain: [KINDS[0].name, KINDS[2].name], range: [SHADES[0]!, SHADES[2]!] },
      },
    },
  };
}
