/** Samples a second against batch size: where more in a batch stops to pay. */
import { type BenchData, measured, rowOf, speedNotes } from './bench-data.ts';
import { type Chart, chart, interval } from './chart.ts';
import { colorScale } from './theme.ts';

export function throughputChart(data: BenchData, suffix: string): Chart {
  const { variants } = data;
  const values = data.cells.map((cell) => {
    return { ...rowOf(cell), ...measured(cell, 'samplesPerSecond') };
  });
  return chart(
    {
      name: `throughput${suffix}`,
      title: `Throughput of ${data.words}`,
      alt: `Lines of texts a second against batch size, one for each variant of ${data.words}`,
      notes: ['Texts a second; higher is better; 95 % intervals over rounds', ...speedNotes(data)],
    },
    {
      width: 400,
      height: 260,
      data: { values },
      encoding: { x: { field: 'batch', type: 'ordinal', title: 'Batch size' } },
      layer: [
        {
          mark: { type: 'line', strokeWidth: 1.8, point: { size: 40, filled: true } },
          encoding: {
            y: { field: 'value', type: 'quantitative', title: 'Samples/s', scale: { zero: true } },
            color: {
              field: 'variant',
              type: 'nominal',
              title: null,
              sort: [...variants],
              scale: colorScale(variants),
            },
            strokeDash: {
              condition: { test: 'datum.simulated', value: [4, 3] },
              value: [1, 0],
            },
          },
        },
        ...interval('low', 'high', 'y'),
      ],
    },
  );
}
