/** Charts of one layer: the histogram of its experts, and which are chosen together. */
import type { LayerAnalysis } from '../../analyze/routing/routing-analysis.ts';
import { type Chart, chart, type Planned } from '../charts/chart.ts';
import { type CitedJson, Words } from '../charts/cited-json.ts';
import { INK } from '../charts/theme.ts';
import type { CitedFacts } from './cite-route.ts';
import { fixed, INTEGER, percent } from './cite-route.ts';

/** A layer, and its place among the layers of the facts. */
export interface PlacedLayer {
  readonly layer: LayerAnalysis;
  readonly place: number;
  readonly facts: CitedFacts;
  /** Of the model. */
  readonly words: string;
}

const HIGHLIGHT = '#d55e00';
const BAR = '#7aa6c9';
const HIGHLIGHTED = 3;
/** Colours end at eight times as often as by chance, and an eighth. */
const MOST_LOG2 = 3;

/** All experts on the axis; what a reader wants to know beside the plot, never on it. */
export function expertHistogram(of: PlacedLayer): Chart {
  const { layer, place, facts, words } = of;
  const { experts } = layer;
  const at = `/layers/${place}`;
  const top = new Set(layer.top.slice(0, HIGHLIGHTED).map(({ expert }) => expert));
  const values = layer.counts.map((_, expert) => ({
    ...{ expert, top: top.has(expert) },
    count: facts.plotted(`${at}/counts/${expert}`),
  }));
  const x = {
    ...{ field: 'expert', type: 'ordinal', title: 'Expert' },
    axis: { labelAngle: -90, labelFontSize: experts > 64 ? 6 : 8, labelOverlap: false },
  };
  const bars = {
    width: { step: experts > 128 ? 7 : experts > 64 ? 9 : 12 },
    height: 300,
    data: { values },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          x,
          y: { field: 'count', type: 'quantitative', title: 'Times chosen' },
          color: {
            condition: { test: 'datum.top', value: HIGHLIGHT },
            value: BAR,
          },
        },
      },
      {
        transform: [{ filter: 'datum.top' }],
        mark: { type: 'text', dy: -7, fontSize: 9, color: INK },
        encoding: {
          x,
          y: { field: 'count', type: 'quantitative' },
          text: { field: 'count', type: 'quantitative' },
        },
      },
      {
        data: { values: [{ mean: facts.plotted(`${at}/meanCount`) }] },
        mark: { type: 'rule', color: INK, strokeDash: [5, 4] },
        encoding: { y: { field: 'mean', type: 'quantitative' } },
      },
    ],
  };
  return chart(
    {
      name: `experts-layer-${layer.layer}`,
      title: `Experts of layer ${layer.layer}: ${words}`,
      alt: `Bars of how often each of ${experts} experts was chosen, the three most used marked`,
      notes: ['The dashed line is uniform use; the three most used are marked'],
    },
    { hconcat: [bars, statistics(of)] } as unknown as Chart['spec'],
  );
}

/** Lines of text as a view of their own. */
function statistics({ layer, place, facts }: PlacedLayer): CitedJson {
  const at = `/layers/${place}`;
  const said = (field: string, format = fixed(4)) => facts.said(`${at}/${field}`, format);
  const top = layer.top
    .slice(0, HIGHLIGHTED)
    .map((_, i): [string, Words] => [
      i === 0 ? 'Most used' : '',
      new Words(
        ...[said(`top/${i}/expert`, INTEGER), ': ', said(`top/${i}/count`, INTEGER), ' ('],
        ...[said(`top/${i}/share`, percent(2)), ' %)'],
      ),
    ]);
  const interval =
    layer.entropyBitsCi95 === null
      ? []
      : [['95 %', range(said('entropyBitsCi95/0'), said('entropyBitsCi95/1'))] as const];
  const rows: (readonly [string, CitedJson])[] = [
    ['Routes', new Words(said('routes', INTEGER))],
    ['Dummies left out', new Words(said('dummyRoutes', INTEGER))],
    ['Experts', new Words('top ', said('topK', INTEGER), ' of ', said('experts', INTEGER))],
    ['Entropy', new Words(said('entropyBits'), ' bits')],
    ...interval,
    ['', new Words('= ', said('entropyNats'), ' nats')],
    ['Of uniform', new Words(said('entropyNormalized', percent(1)), ' %')],
    ['Max / mean', new Words(said('maxOverMean', fixed(3)))],
    ['CV', new Words(said('cv', fixed(3)))],
    ['Unused', new Words(said('unused', INTEGER))],
    ...top,
  ];
  const text = (field: string, align: string, x: number) => ({
    mark: { type: 'text', align, fontSize: 11, color: field === 'name' ? '#555555' : INK, x },
    encoding: {
      y: { field: 'line', type: 'ordinal', axis: null },
      text: { field, type: 'nominal' },
    },
  });
  return {
    width: 230,
    height: { step: 22 },
    data: { values: rows.map(([name, value], line) => ({ line, name, value })) },
    layer: [text('name', 'left', 0), text('value', 'left', 110)],
  } as unknown as CitedJson;
}

function range(low: CitedJson, high: CitedJson): CitedJson {
  return new Words('[', low as never, ', ', high as never, ']');
}

/** Which experts are chosen together more often than chance has it. */
export function coActivationChart({ layer, place, facts, words }: PlacedLayer): Planned {
  const name = `co-activation-layer-${layer.layer}`;
  const title = `Experts chosen together in layer ${layer.layer}: ${words}`;
  const lifts = (facts.facts.layers as { lifts: (number | null)[][] | null }[])[place]?.lifts;
  if (!lifts) return { name, title, reason: 'a route has one expert, or there are too many' };
  const values = lifts.flatMap((row, a) =>
    row.flatMap((lift, b) => {
      if (lift === null || a >= b) return [];
      return [{ a, b, lift: facts.plotted(`/layers/${place}/lifts/${a}/${b}`) }];
    }),
  );
  if (values.length === 0) return { name, title, reason: 'too few routes for any pair' };
  const step = layer.experts > 64 ? 5 : 9;
  const axis = { labelAngle: 0, labelFontSize: 8, labelOverlap: true };
  const domain = Array.from({ length: layer.experts }, (_, expert) => expert);
  const of = (field: string) => ({
    ...{ field, type: 'ordinal', title: 'Expert', axis },
    scale: { domain },
  });
  return chart(
    {
      ...{ name, title },
      alt: 'A triangle of pairs of experts, darker where both are chosen together more often',
      notes: [
        'Lift: times chosen together over what their own use would give; 1 is chance',
        'Pairs expected fewer than 5 times are left white',
      ],
    },
    {
      width: { step },
      height: { step },
      data: { values },
      transform: [
        {
          calculate: `clamp(log(max(datum.lift, 0.001)) / LN2, -${MOST_LOG2}, ${MOST_LOG2})`,
          as: 'level',
        },
      ],
      mark: { type: 'rect' },
      encoding: {
        x: of('a'),
        y: of('b'),
        color: {
          ...{ field: 'level', type: 'quantitative' },
          scale: { scheme: 'blueorange', domain: [-MOST_LOG2, MOST_LOG2] },
          legend: { title: 'Lift', labelExpr: "'× ' + pow(2, datum.value)", tickCount: 6 },
        },
      },
    } as unknown as Chart['spec'],
  );
}
