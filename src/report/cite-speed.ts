/** Numbers of a speed comparison with their origin. */
import type { MetricPart } from '../analyze/reference.ts';
import { transformed } from '../analyze/reference.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';
import { citeManifest, inUnits } from './cite.ts';
import type { CellReport } from './collect.ts';
import {
  batchSizeOf,
  IDENTICAL_TEXTS,
  LATENCY_RATIO,
  type SpeedComparison,
  TOKEN_AGREEMENT,
} from './collect-speed.ts';
import type { Cited, Piece } from './document.ts';

const RATIO: NumberFormat = { style: 'fixed', digits: 3 };
const PERCENT: NumberFormat = { style: 'percent', digits: 1 };

type As = 'inverse' | 'reduction' | undefined;

interface Wanted {
  readonly formula: string;
  readonly part: MetricPart;
  readonly format: NumberFormat;
  readonly as?: As;
}

function cite(of: SpeedComparison, wanted: Wanted): Cited {
  const { formula, part, format, as } = wanted;
  const result = {
    [LATENCY_RATIO]: of.latency,
    [TOKEN_AGREEMENT]: of.agreement,
    [IDENTICAL_TEXTS]: of.identical,
  }[formula];
  const ends = { 'ci95.0': result?.ci95?.[0], 'ci95.1': result?.ci95?.[1], value: result?.value };
  const value = part === 'n' || part === 'units' ? result?.[part] : ends[part];
  return {
    value: transformed(value ?? null, as),
    format,
    reference: {
      from: 'comparison',
      formula,
      run: of.cell.run.manifest.runId,
      baseline: of.baseline.run.manifest.runId,
      params: of.params,
      part,
      ...(as ? { as } : {}),
    },
  };
}

/** `× 0.704 [0.685, 0.725]`: below 1 the variant takes less time. */
export function citeLatencyRatio(of: SpeedComparison): Piece {
  return ratio(of, { low: 'ci95.0', high: 'ci95.1' });
}

/** `× 1.420 [1.379, 1.460]`: how many times as many texts in the same time. */
export function citeSpeedup(of: SpeedComparison): Piece {
  return ratio(of, { low: 'ci95.1', high: 'ci95.0', as: 'inverse' });
}

/** `× 1.420` alone, for tables that have no room. */
export function citeSpeedupValue(of: SpeedComparison): Piece {
  const format: NumberFormat = { style: 'fixed', digits: 2 };
  return ['× ', cite(of, { formula: LATENCY_RATIO, part: 'value', format, as: 'inverse' })];
}

/** How many times as fast, and the ends of its interval, for pictures. */
export function citeSpeedupEnds(of: SpeedComparison): Record<'value' | 'low' | 'high', Cited> {
  const format: NumberFormat = { style: 'significant', digits: 6 };
  const at = (part: MetricPart): Cited =>
    cite(of, { formula: LATENCY_RATIO, part, format, as: 'inverse' });
  return { value: at('value'), low: at('ci95.1'), high: at('ci95.0') };
}

function ratio(of: SpeedComparison, ends: { low: MetricPart; high: MetricPart; as?: As }): Piece {
  const at = (part: MetricPart): Cited =>
    cite(of, { formula: LATENCY_RATIO, part, format: RATIO, as: ends.as });
  const head = ['× ', at('value')];
  if (!of.latency.ci95) return of.latency.value === null ? '—' : head;
  return [...head, ' [', at(ends.low), ', ', at(ends.high), ']'];
}

/** Share of the baseline's time that is saved; negative where it takes longer. */
export function citeLatencyReduction(of: SpeedComparison): Piece {
  return inUnits(
    cite(of, { formula: LATENCY_RATIO, part: 'value', format: PERCENT, as: 'reduction' }),
  );
}

/** `97.20 [95.10, 98.80] %`, or the reason why the texts were not compared. */
export function citeTexts(of: SpeedComparison, which: 'agreement' | 'identical'): Piece {
  const result = of[which];
  if (result.value === null) return result.reason ?? '—';
  const formula = which === 'agreement' ? TOKEN_AGREEMENT : IDENTICAL_TEXTS;
  const at = (part: MetricPart): Cited => cite(of, { formula, part, format: PERCENT });
  if (!result.ci95) return inUnits(at('value'));
  return [at('value'), ' [', at('ci95.0'), ', ', at('ci95.1'), '] %'];
}

export function citeLatencyMargin({ configured, params }: SpeedComparison): Piece {
  if (!configured) return `±${renderNumber(params.margin, PERCENT)} %`;
  const path = 'config.experiment.margins.latency';
  return ['±', inUnits(citeManifest(configured, path, PERCENT, params.margin))];
}

/** The batch size as the run was configured; a cell that never ran has it in its name only. */
export function citeBatchSize(cell: CellReport): Piece {
  const size = batchSizeOf(cell);
  if (size === null) return '—';
  if (!cell.run) return String(size);
  return citeManifest(cell.run, 'config.measure.batch_size', { style: 'integer' }, size);
}
