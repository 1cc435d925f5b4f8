/** How many times as fast as the baseline, with a line at no difference. */
import { suspicionsOf } from '../../analyze/run-facts.ts';
import { citeSpeedupEnds } from '../cite-speed.ts';
import type { SpeedComparison } from '../collect-speed.ts';
import { type BenchData, variantLabel } from './bench-data.ts';
import { type Chart, chart, interval, type Spec } from './chart.ts';
import { BETTER, INK, NEITHER, WORSE } from './theme.ts';

const VERDICTS = { better: 'faster', worse: 'slower' } as const;

/** `comparisons`: of one model, none refused. */
export function speedupBars(comparisons: readonly SpeedComparison[], width: number): Spec {
  const values = comparisons.map((each) => ({
    label: `${variantLabel(each.cell)}, batch ${each.batchSize}`,
    verdict: VERDICTS[each.latency.verdict as keyof typeof VERDICTS] ?? 'not told apart',
    suspect: suspicionsOf(each.cell.run.manifest).length > 0,
    ...citeSpeedupEnds(each),
  }));
  const verdicts = ['faster', 'not told apart', 'slower'];
  return {
    width,
    height: Math.max(60, 24 * comparisons.length),
    data: { values },
    encoding: { y: { field: 'label', type: 'nominal', title: null, sort: null } },
    layer: [
      {
        mark: { type: 'bar', height: 14 },
        encoding: {
          x: { field: 'value', type: 'quantitative', title: 'Times as fast as the baseline' },
          color: {
            field: 'verdict',
            type: 'nominal',
            title: null,
            scale: { domain: verdicts, range: [BETTER, NEITHER, WORSE] },
          },
        },
      },
      ...interval('low', 'high', 'x'),
      {
        transform: [
          { calculate: 'isValid(datum.high) ? datum.high : datum.value', as: 'end' },
          {
            calculate: "format(datum.value, '.2f') + ' ×' + (datum.suspect ? ' ⚠' : '')",
            as: 'said',
          },
        ],
        mark: { type: 'text', align: 'left', dx: 6, fontSize: 10.5, color: INK },
        encoding: {
          x: { field: 'end', type: 'quantitative' },
          text: { field: 'said', type: 'nominal' },
        },
      },
      {
        data: { values: [{ one: 1 }] },
        mark: { type: 'rule', color: INK, strokeDash: [5, 4] },
        encoding: { x: { field: 'one', type: 'quantitative' }, y: null },
      },
    ],
  };
}

export function speedupChart(
  data: BenchData,
  comparisons: readonly SpeedComparison[],
  suffix: string,
): Chart {
  const base = comparisons[0]?.baseline.scheme ?? '';
  return chart(
    {
      name: `speedup${suffix}`,
      title: `Speedup of ${data.words} over ${base}`,
      alt: `Bars of how many times as fast as ${base} each variant is, and a line at one`,
      notes: [
        '95 % intervals, paired by round; the dashed line is the baseline',
        comparisons.some(({ cell }) => suspicionsOf(cell.run.manifest).length > 0)
          ? '⚠ suspect: the machine drifted or was busy meanwhile'
          : null,
        data.dummy ? 'Dummy weights: the speed of a model of this shape' : null,
      ],
    },
    speedupBars(comparisons, 420),
  );
}
