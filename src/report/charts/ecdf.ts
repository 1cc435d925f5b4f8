/** The whole distribution of end-to-end times, not three points of it. */
import { latencyQuantiles } from '../../analyze/distribution-reference.ts';
import { samplesOf } from '../../analyze/reference.ts';
import type { Cited } from '../document.ts';
import { type BenchData, rowOf, speedNotes } from './bench-data.ts';
import { type Chart, chart } from './chart.ts';
import { colorScale } from './theme.ts';

const SHARES = Array.from({ length: 41 }, (_, i) => i / 40);

export function ecdfChart(data: BenchData, suffix: string): Chart {
  const values = data.cells.flatMap((cell) => {
    const times = latencyQuantiles(samplesOf(cell.run), SHARES);
    return times.map((value, i) => {
      const q = SHARES[i] as number;
      const ms: Cited = {
        value,
        format: { style: 'significant', digits: 6 },
        reference: { from: 'latency-quantile', run: cell.run.manifest.runId, q },
      };
      return { ...rowOf(cell), share: q, ms };
    });
  });
  return chart(
    {
      name: `latency-distribution${suffix}`,
      title: `How long a batch takes: ${data.words}`,
      alt: `Cumulative share of iterations by end-to-end time, one panel for each batch size`,
      notes: ['Share of iterations that took at most this time', ...speedNotes(data)],
    },
    {
      data: { values },
      facet: { field: 'batch', type: 'ordinal', title: 'Batch size' },
      columns: 3,
      spec: {
        width: 220,
        height: 200,
        mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.6 },
        encoding: {
          x: { field: 'ms', type: 'quantitative', title: 'Time (ms)', scale: { zero: false } },
          y: { field: 'share', type: 'quantitative', title: 'Share of iterations' },
          order: { field: 'share', type: 'quantitative' },
          color: {
            field: 'variant',
            type: 'nominal',
            title: null,
            sort: [...data.variants],
            scale: colorScale(data.variants),
          },
          strokeDash: { condition: { test: 'datum.simulated', value: [4, 3] }, value: [1, 0] },
        },
      },
      resolve: { scale: { x: 'independent' } },
    },
  );
}
