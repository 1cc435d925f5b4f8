/** P50, P95 and P99 side by side: a panel a batch size, a row a variant. */
import { type BenchData, measured, rowOf, speedNotes } from './bench-data.ts';
import { type Chart, chart, interval } from './chart.ts';

const PERCENTILES = ['P50', 'P95', 'P99'];
const SHADES = ['#56b4e9', '#0072b2', '#222222'];

export function latencyChart(data: BenchData, suffix: string): Chart {
  const rows = data.cells.flatMap((cell) =>
    PERCENTILES.map((percentile) => ({
      ...rowOf(cell),
      percentile,
      ...measured(cell, `latency${percentile}`),
    })),
  );
  const percentile = { field: 'percentile', type: 'nominal', title: null, sort: PERCENTILES };
  return chart(
    {
      name: `latency${suffix}`,
      title: `Latency of ${data.words}`,
      alt:
        `Percentiles of the end-to-end time by variant, one panel for each batch size of ` +
        data.words,
      notes: [
        'End-to-end time of a batch; lower is better; 95 % intervals where n allows one',
        ...speedNotes(data),
      ],
    },
    {
      data: { values: rows },
      facet: {
        row: { field: 'batch', type: 'ordinal', title: 'Batch size', header: { labelAngle: 0 } },
      },
      spec: {
        width: 440,
        height: Math.max(50, 42 * data.variants.length),
        encoding: {
          y: { field: 'variant', type: 'nominal', title: null, sort: [...data.variants] },
          yOffset: percentile,
        },
        layer: [
          ...interval('low', 'high', 'x'),
          {
            mark: { type: 'point', filled: true, size: 46 },
            encoding: {
              x: {
                field: 'value',
                type: 'quantitative',
                title: 'Time (ms)',
                scale: { zero: true },
              },
              color: { ...percentile, scale: { domain: PERCENTILES, range: SHADES } },
              shape: { ...percentile, scale: { range: ['circle', 'diamond', 'triangle-up'] } },
            },
          },
        ],
      },
      resolve: { scale: { x: 'independent' } },
    },
  );
}
