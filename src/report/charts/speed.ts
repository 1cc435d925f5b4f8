/** Bars of generated tokens a second, a group a batch size, a colour a variant. */
import { type BenchData, measured, rowOf, speedNotes } from './bench-data.ts';
import { type Chart, chart, interval, type Spec } from './chart.ts';
import { colorScale, WORSE } from './theme.ts';

interface Bars {
  readonly metric: string;
  readonly axis: string;
  readonly width: number;
  readonly height: number;
}

/** Grouped bars of one metric, with intervals where there are some and a mark where suspect. */
export function groupedBars(data: BenchData, of: Bars): Spec {
  const { variants } = data;
  const offset = { field: 'variant', type: 'nominal', sort: [...variants] };
  const paleWhereSimulated = { condition: { test: 'datum.simulated', value: 0.35 }, value: 1 };
  return {
    width: of.width,
    height: of.height,
    data: { values: data.cells.map((cell) => ({ ...rowOf(cell), ...measured(cell, of.metric) })) },
    encoding: {
      x: { field: 'batch', type: 'ordinal', title: 'Batch size', axis: { grid: false } },
      xOffset: offset,
    },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          y: { field: 'value', type: 'quantitative', title: of.axis },
          color: {
            field: 'variant',
            type: 'nominal',
            title: null,
            sort: [...variants],
            scale: colorScale(variants),
          },
          opacity: paleWhereSimulated,
        },
      },
      ...interval('low', 'high', 'y'),
      {
        transform: [
          { filter: 'datum.suspect' },
          { calculate: 'isValid(datum.high) ? datum.high : datum.value', as: 'top' },
        ],
        mark: { type: 'text', text: '⚠', dy: -8, fontSize: 10, color: WORSE },
        encoding: { y: { field: 'top', type: 'quantitative' } },
      },
    ],
  };
}

/** Wide enough for every bar to be seen. */
export function widthOf({ variants, sizes }: BenchData): number {
  return Math.max(360, Math.min(900, sizes.length * (variants.length * 18 + 24)));
}

export function speedChart(data: BenchData, suffix: string): Chart {
  return chart(
    {
      name: `speed${suffix}`,
      title: `Generated tokens/s of ${data.words}`,
      alt: `Bars of generated tokens a second by batch size, one for each variant of ${data.words}`,
      notes: ['Higher is better; 95 % intervals over rounds', ...speedNotes(data)],
    },
    groupedBars(data, {
      ...{ metric: 'decodeTokensPerSecond', axis: 'Generated tokens/s' },
      ...{ width: widthOf(data), height: 260 },
    }),
  );
}
