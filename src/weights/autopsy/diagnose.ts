/** What is wrong with a checkpoint, each diagnosis with its threshold and what was found. */
import { type DepthSeries, depthSeries, type Examined } from './depth.ts';
import { OUTLIER_RATIO } from './tensor-statistics.ts';

export interface Diagnosis {
  readonly code:
    | 'not-finite'
    | 'exploded'
    | 'flatlined'
    | 'mostly-zero'
    | 'dead-rows'
    | 'outlier-channels'
    | 'suspicious-scale';
  readonly severity: 'info' | 'warning' | 'error';
  readonly tensor: string;
  /** Row of the matrix, where it is one row that shows it. */
  readonly row: number | null;
  readonly value: number;
  readonly threshold: number;
  readonly message: string;
}

export const THRESHOLDS = {
  /** |w| of a trained weight stays far below: F16 ends at 65504. */
  absmax: 10_000,
  /** std of a tensor / median std of the same tensor over all layers. */
  stdRatio: 10,
  /** Share of zeros. */
  zeros: 0.5,
  /** RMS of an input channel / median of the tensor's channels. */
  channel: OUTLIER_RATIO,
  /** Largest scale of a matrix / its median scale. */
  scale: 1000,
} as const;

/** Of one tensor, from its statistics alone. */
export function diagnoseTensor({ name, shape, statistics }: Examined): Diagnosis[] {
  const { nan, positiveInfinity, negativeInfinity, elements, absmax, absmaxRow } = statistics;
  const { std, zeros, deadRows, firstDeadRow, firstBadRow, outliers } = statistics;
  const found: Diagnosis[] = [];
  const say = (diagnosis: Omit<Diagnosis, 'tensor' | 'row'> & { row?: number | null }): void => {
    found.push({ tensor: name, row: null, ...diagnosis });
  };
  const bad = nan + positiveInfinity + negativeInfinity;
  if (bad > 0) {
    const message = `${nan} NaN and ${bad - nan} infinities among ${elements} values`;
    const row = firstBadRow;
    say({ code: 'not-finite', severity: 'error', row, value: bad, threshold: 0, message });
  }
  if (absmax !== null && absmax > THRESHOLDS.absmax) {
    const message = `a weight of ${short(absmax)} in size, above ${THRESHOLDS.absmax}`;
    const threshold = THRESHOLDS.absmax;
    const row = absmaxRow;
    say({ code: 'exploded', severity: 'warning', row, value: absmax, threshold, message });
  }
  const isMatrix = shape.length >= 2 && elements > 1;
  // Vectors may be constant: biases of zero, norms of one.
  if (isMatrix && std === 0) {
    const message = `all values are ${short(statistics.mean!)}`;
    say({ code: 'flatlined', severity: 'error', value: 0, threshold: 0, message });
    return found;
  }
  if (isMatrix && zeros > THRESHOLDS.zeros * elements) {
    const value = zeros / elements;
    const message = `${percent(value)} of the values are zero, more than half`;
    const threshold = THRESHOLDS.zeros;
    say({ code: 'mostly-zero', severity: 'warning', value, threshold, message });
  }
  if (deadRows > 0) {
    const message = `${deadRows} rows hold nothing but zeros, the first is row ${firstDeadRow}`;
    const row = firstDeadRow;
    say({ code: 'dead-rows', severity: 'warning', row, value: deadRows, threshold: 0, message });
  }
  const [largest] = outliers;
  if (largest !== undefined) {
    const channels = outliers.map(({ channel }) => channel).join(', ');
    const message =
      `input channels ${channels}: up to ${short(largest.ratio)} times the median RMS ` +
      `(from ${THRESHOLDS.channel}); activations and groups that hold them lose precision`;
    const value = largest.ratio;
    const threshold = THRESHOLDS.channel;
    say({ code: 'outlier-channels', severity: 'info', value, threshold, message });
  }
  return found;
}

/** Of all tensors: each by itself, then against its like in other layers. */
export function diagnose(tensors: readonly Examined[]): {
  readonly diagnoses: readonly Diagnosis[];
  readonly series: readonly DepthSeries[];
} {
  const series = depthSeries(tensors);
  const diagnoses = [...tensors.flatMap(diagnoseTensor), ...series.flatMap(diagnoseSeries)];
  return { diagnoses, series };
}

function diagnoseSeries({ pattern, points, medianStd }: DepthSeries): Diagnosis[] {
  const found: Diagnosis[] = [];
  for (const { name, std } of points) {
    const value = std / medianStd;
    const threshold = value > 1 ? THRESHOLDS.stdRatio : 1 / THRESHOLDS.stdRatio;
    if (value < THRESHOLDS.stdRatio && value > 1 / THRESHOLDS.stdRatio) continue;
    const code = value > 1 ? 'exploded' : 'flatlined';
    const message =
      `std ${short(std)} is ${short(value)} times the median of ${pattern} ` +
      `(${short(medianStd)} over ${points.length} layers)`;
    found.push({ code, severity: 'warning', tensor: name, row: null, value, threshold, message });
  }
  return found;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
