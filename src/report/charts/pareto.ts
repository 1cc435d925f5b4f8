/** P95 against throughput, with the front of those that nobody beats in both. */
import type { ModelDecision } from '../collect-decision.ts';
import type { Ranked } from '../field.ts';
import { plotted, type Row, variantLabel } from './bench-data.ts';
import { type Chart, chart } from './chart.ts';
import { placeLabels } from './labels.ts';
import { colorScale, INK, NEITHER } from './theme.ts';

const SIZE = { width: 460, height: 320 };
/** Room to the right of the largest value, for names. */
const MARGIN = 1.12;

interface Extent {
  readonly x: number;
  readonly y: number;
}

/** One row a candidate, with the place of its name in px. */
function paretoRows(field: readonly Ranked[], most: Extent): Row[] {
  const points = field.map(({ cell, batchSize, p95Ms, throughput }) => ({
    text: `${variantLabel(cell)} b${batchSize}`,
    x: (p95Ms / most.x) * SIZE.width,
    y: SIZE.height * (1 - throughput / most.y),
  }));
  const labels = placeLabels(points, SIZE);
  const beaten = (one: Ranked): boolean =>
    field.some(
      (other) =>
        other.p95Ms <= one.p95Ms &&
        other.throughput >= one.throughput &&
        (other.p95Ms < one.p95Ms || other.throughput > one.throughput),
    );
  return field.map((each, i): Row => {
    const { cell, batchSize } = each;
    return {
      ...{ variant: variantLabel(cell), batch: batchSize, front: !beaten(each) },
      p95: plotted(cell, 'latencyP95'),
      throughput: plotted(cell, 'samplesPerSecond'),
      ...{ label: points[i]!.text, labelX: Math.round(labels[i]!.x) },
      labelY: Math.round(labels[i]!.y),
    };
  });
}

/** A place that is in px already. */
function pixels(name: string): { field: string; type: string; scale: null; axis: null } {
  return { field: name, type: 'quantitative', scale: null, axis: null };
}

/** Of a field with at least two candidates. */
export function paretoChart(decision: ModelDecision, words: string, suffix: string): Chart {
  const { field } = decision;
  const variants = [...new Set(field.map(({ cell }) => variantLabel(cell)))];
  const most = {
    x: MARGIN * Math.max(...field.map(({ p95Ms }) => p95Ms)),
    y: MARGIN * Math.max(...field.map(({ throughput }) => throughput)),
  };
  const color = {
    field: 'variant',
    type: 'nominal',
    title: null,
    sort: variants,
    scale: colorScale(variants),
  };
  const x = {
    field: 'p95',
    type: 'quantitative',
    title: 'P95 latency (ms), lower is better',
    scale: { domain: [0, Number(most.x.toPrecision(4))], nice: false },
  };
  const y = {
    field: 'throughput',
    type: 'quantitative',
    title: 'Samples/s, higher is better',
    scale: { domain: [0, Number(most.y.toPrecision(4))], nice: false },
  };
  return chart(
    {
      name: `pareto${suffix}`,
      title: `Latency against throughput: ${words}`,
      alt: 'Scatter of P95 latency and throughput, with the front of what nothing beats in both',
      notes: [
        'Filled: nothing is better in both; b: batch size; simulated speeds are left out',
        decision.dummy ? 'Dummy weights: the speed of a model of this shape' : null,
      ],
    },
    {
      ...SIZE,
      data: { values: paretoRows(field, most) },
      layer: [
        {
          transform: [{ filter: 'datum.front' }],
          mark: { type: 'line', interpolate: 'step-after', color: NEITHER, strokeDash: [5, 4] },
          encoding: { x, y, order: { field: 'p95', type: 'quantitative' } },
        },
        {
          mark: { type: 'point', size: 80, strokeWidth: 1.6 },
          encoding: {
            x,
            y,
            color,
            fill: {
              condition: { test: '!datum.front', value: 'white' },
              ...color,
              legend: null,
            },
          },
        },
        // A halo first, so that a name is read where the front runs behind it.
        ...[{ stroke: 'white', strokeWidth: 4 }, { color: INK }].map((ink) => ({
          mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 10, ...ink },
          encoding: { x: pixels('labelX'), y: pixels('labelY'), text: { field: 'label' } },
        })),
      ],
      resolve: { scale: { x: 'shared', y: 'shared' } },
    },
  );
}
