/** Charts over all layers: the heat map of their experts, and entropy over depth. */
import type { LayerAnalysis } from '../../analyze/routing/routing-analysis.ts';
import { type Chart, chart, type Planned } from '../charts/chart.ts';
import { BETTER, INK } from '../charts/theme.ts';
import type { CitedFacts } from './cite-route.ts';

export interface Depth {
  readonly layers: readonly LayerAnalysis[];
  readonly facts: CitedFacts;
  /** Of the model. */
  readonly words: string;
}

const ONE_LAYER = 'one layer was logged';

export function layerHeatMap({ layers, facts, words }: Depth): Planned {
  const [name, title] = ['layers', `Use of experts by layer: ${words}`];
  if (layers.length < 2) return { name, title, reason: ONE_LAYER };
  const values = layers.flatMap(({ layer, counts }, place) =>
    counts.map((_, expert) => ({
      ...{ layer, expert },
      use: facts.plotted(`/layers/${place}/overMean/${expert}`),
    })),
  );
  const experts = layers[0]?.experts ?? 0;
  const small = { labelFontSize: 8, labelOverlap: true };
  return chart(
    {
      ...{ name, title },
      alt: 'A map of layers by experts, darker where an expert is chosen more often than the mean',
      notes: ['Times chosen over the mean of the layer: 1 is uniform use, 0 is never chosen'],
    },
    {
      width: { step: experts > 64 ? 7 : 11 },
      height: { step: 14 },
      data: { values },
      mark: { type: 'rect' },
      encoding: {
        x: { field: 'expert', type: 'ordinal', title: 'Expert', axis: small },
        y: { field: 'layer', type: 'ordinal', title: 'Layer', axis: { labelFontSize: 9 } },
        color: {
          ...{ field: 'use', type: 'quantitative', title: 'Use / mean' },
          scale: { scheme: 'blueorange', domainMid: 1 },
        },
      },
    } as unknown as Chart['spec'],
  );
}

export function entropyOverDepth({ layers, facts, words }: Depth): Planned {
  const [name, title] = ['entropy', `Entropy over depth: ${words}`];
  if (layers.length < 2) return { name, title, reason: ONE_LAYER };
  const values = layers.map(({ layer, entropyBitsCi95 }, place) => ({
    layer,
    bits: facts.plotted(`/layers/${place}/entropyBits`),
    ...(entropyBitsCi95 === null
      ? {}
      : {
          low: facts.plotted(`/layers/${place}/entropyBitsCi95/0`),
          high: facts.plotted(`/layers/${place}/entropyBitsCi95/1`),
        }),
  }));
  const x = { field: 'layer', type: 'quantitative', title: 'Layer', axis: { tickMinStep: 1 } };
  const bits = (field: string) => ({ field, type: 'quantitative', scale: { zero: false } });
  return chart(
    {
      ...{ name, title },
      alt: 'A line of the entropy of expert use from the first layer to the last, and its interval',
      notes: ['Bits, with 95 % intervals; the dashed line is uniform use'],
    },
    {
      width: 520,
      height: 260,
      data: { values },
      layer: [
        {
          transform: [{ filter: 'isValid(datum.low)' }],
          mark: { type: 'area', color: BETTER, opacity: 0.18 },
          encoding: { x, y: bits('low'), y2: { field: 'high' } },
        },
        {
          mark: {
            type: 'line',
            color: BETTER,
            strokeWidth: 1.8,
            point: { size: 30, filled: true },
          },
          encoding: { x, y: { ...bits('bits'), title: 'Entropy (bits)' } },
        },
        {
          data: { values: [{ uniform: facts.plotted('/uniformBits') }] },
          mark: { type: 'rule', color: INK, strokeDash: [5, 4] },
          encoding: { y: bits('uniform') },
        },
      ],
    } as unknown as Chart['spec'],
  );
}
