/** Perplexity and accuracy as points with their intervals, and calibration. */
import { calibrationBins } from '../../analyze/formulas-eval.ts';
import { samplesOf } from '../../analyze/reference.ts';
import type { MeasuredCell } from '../collect-speed.ts';
import type { Cited } from '../document.ts';
import { measured, plotted, type Row, variantLabel } from './bench-data.ts';
import { type Chart, chart, interval } from './chart.ts';
import { Words } from './cited-json.ts';
import { colorScale, INK, NEITHER } from './theme.ts';

export interface QualityData {
  readonly words: string;
  /** Name of the measure in the experiment. */
  readonly measure: string;
  /** One a variant. */
  readonly cells: readonly MeasuredCell[];
  readonly baseline: string;
}

interface Quality {
  readonly metric: 'perplexity' | 'accuracy';
  readonly word: string;
  /** Behind the word on the axis. */
  readonly unit: string;
  readonly digits: string;
  readonly better: string;
}

/** Points and intervals, a row a variant; the dashed line is the baseline's value. */
function points(data: QualityData, of: Quality, suffix: string): Chart {
  const { cells, words, measure } = data;
  const variants = cells.map(variantLabel);
  const base = cells.find(({ scheme }) => scheme === data.baseline);
  const values = cells.map((cell): Row => {
    return { variant: variantLabel(cell), ...measured(cell, of.metric) };
  });
  const [first] = cells as [MeasuredCell];
  const n: Cited = { ...plotted(first, of.metric), ...nOf(first, of.metric) };
  const line = base && {
    data: { values: [{ base: plotted(base, of.metric) }] },
    mark: { type: 'rule', color: NEITHER, strokeDash: [5, 4] },
    encoding: { x: { field: 'base', type: 'quantitative' }, y: null },
  };
  return chart(
    {
      name: `${of.metric}${suffix}`,
      title: `${of.word} of ${words}: ${measure}`,
      alt: `${of.word} of each variant with its interval, and a line at ${data.baseline}`,
      notes: [
        new Words(`${of.better}; n = `, n, '; 95 % intervals of each variant by itself'),
        'Paired differences are smaller than these intervals suggest: see the comparison',
      ],
    },
    {
      width: 440,
      height: Math.max(60, 32 * cells.length),
      data: { values },
      encoding: { y: { field: 'variant', type: 'nominal', sort: variants, title: null } },
      layer: [
        ...(line ? [line] : []),
        ...interval('low', 'high', 'x'),
        {
          mark: { type: 'point', filled: true, size: 80, opacity: 1 },
          encoding: {
            x: {
              field: 'value',
              type: 'quantitative',
              title: of.word + of.unit,
              scale: { zero: false, nice: true },
            },
            color: { field: 'variant', type: 'nominal', scale: colorScale(variants), legend: null },
          },
        },
        {
          transform: [{ calculate: 'isValid(datum.high) ? datum.high : datum.value', as: 'end' }],
          mark: { type: 'text', align: 'left', dx: 8, fontSize: 10.5, color: INK },
          encoding: {
            x: { field: 'end', type: 'quantitative' },
            text: { field: 'value', type: 'quantitative', format: of.digits },
          },
        },
      ],
    },
  );
}

function nOf(cell: MeasuredCell, metric: string): Pick<Cited, 'value' | 'format' | 'reference'> {
  const run = cell.run.manifest.runId;
  return {
    value: cell.run.summary?.metrics[metric]?.n ?? null,
    format: { style: 'integer' },
    reference: { from: 'metric', run, metric, part: 'n' },
  };
}

export function perplexityChart(data: QualityData, suffix: string): Chart {
  const better = 'Lower is better';
  const of = { metric: 'perplexity', word: 'Perplexity', unit: '', digits: '.4f', better } as const;
  return points(data, of, suffix);
}

export function accuracyChart(data: QualityData, suffix: string): Chart {
  const better = 'Higher is better';
  const of = { metric: 'accuracy', word: 'Accuracy', unit: ' (%)', digits: '.2f', better } as const;
  return points(data, of, suffix);
}

const BINS = 20;

/** One row a variant and bin that holds tokens. */
function calibrationRows(cells: readonly MeasuredCell[]): Row[] {
  return cells.flatMap((cell) => {
    const bins = calibrationBins(samplesOf(cell.run), BINS) ?? [];
    return bins.flatMap((bin, i): Row[] => {
      if (bin.tokens === 0) return [];
      const cite = (part: 'confidence' | 'accuracy' | 'tokens'): Cited => ({
        value: bin[part],
        format: part === 'tokens' ? { style: 'plain' } : { style: 'fixed', digits: 4 },
        reference: {
          ...{ from: 'calibration', run: cell.run.manifest.runId, bins: BINS, bin: i, part },
        },
      });
      const at = { confidence: cite('confidence'), accuracy: cite('accuracy') };
      return [{ variant: variantLabel(cell), ...at, tokens: cite('tokens') }];
    });
  });
}

/** Reliability: how often the most likely token was right, by how likely it was said to be. */
export function calibrationChart(data: QualityData, suffix: string): Chart {
  const variants = data.cells.map(variantLabel);
  const unit = { type: 'quantitative', scale: { domain: [0, 1] } };
  const tokens = {
    field: 'tokens',
    type: 'quantitative',
    title: 'Tokens in the bin',
    scale: { range: [8, 160] },
  };
  return chart(
    {
      name: `calibration${suffix}`,
      title: `Calibration of ${data.words}: ${data.measure}`,
      alt: 'Share of right tokens against mean probability, with the line of perfect calibration',
      notes: [
        `Most likely token, ${BINS} equal bins; on the dashed line a probability is what it says`,
      ],
    },
    {
      width: 340,
      height: 340,
      data: { values: calibrationRows(data.cells) },
      layer: [
        {
          data: {
            values: [
              { at: 0, is: 0 },
              { at: 1, is: 1 },
            ],
          },
          mark: { type: 'line', color: NEITHER, strokeDash: [5, 4] },
          encoding: { x: { field: 'at', ...unit }, y: { field: 'is', ...unit } },
        },
        ...[
          { type: 'line', strokeWidth: 1.2 },
          { type: 'point', filled: true, opacity: 1 },
        ].map((mark) => ({
          mark,
          encoding: {
            x: { field: 'confidence', title: 'Mean probability', ...unit },
            y: { field: 'accuracy', title: 'Share right', ...unit },
            ...(mark.type === 'point' ? { size: tokens } : {}),
            color: {
              field: 'variant',
              type: 'nominal',
              title: null,
              sort: variants,
              scale: colorScale(variants),
            },
          },
        })),
      ],
    },
  );
}
