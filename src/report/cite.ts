/** Numbers with their origin, in the roundings that this project prints. */
import { coverageOf } from '../analyze/coverage.ts';
import {
  type ComparisonId,
  type MetricPart,
  type ResolvableRun as Run,
  reductionOf,
  samplesOf,
} from '../analyze/reference.ts';
import type { NumberFormat } from '../record/numerals.ts';
import type { Metric } from '../record/schema.ts';
import type { ComparisonReport } from './collect.ts';
import type { Cited, Piece } from './document.ts';

const COUNT: NumberFormat = { style: 'integer' };
/** How each metric is printed; anything else gets four significant digits. */
const FORMATS: Readonly<Record<string, NumberFormat>> = {
  loss: { style: 'fixed', digits: 4 },
  perplexity: { style: 'fixed', digits: 4 },
  bitsPerByte: { style: 'fixed', digits: 4 },
  tokenAccuracy: { style: 'percent', digits: 2 },
  accuracy: { style: 'percent', digits: 2 },
  accuracyNorm: { style: 'percent', digits: 2 },
  macroAccuracy: { style: 'percent', digits: 2 },
  macroF1: { style: 'percent', digits: 2 },
  answered: { style: 'percent', digits: 2 },
  labelMass: { style: 'percent', digits: 2 },
  labelEce: { style: 'fixed', digits: 4 },
  labelBrier: { style: 'fixed', digits: 4 },
  labelLoss: { style: 'fixed', digits: 4 },
  ece: { style: 'fixed', digits: 4 },
  brier: { style: 'fixed', digits: 4 },
  tokensPerSecond: { style: 'fixed', digits: 0 },
  loadSeconds: { style: 'fixed', digits: 2 },
  peakMemoryBytes: { style: 'bytes-mib', digits: 1 },
  residentWeightBytes: { style: 'bytes-mib', digits: 2 },
  storedWeightBytes: { style: 'bytes-mib', digits: 2 },
  scoredTokens: COUNT,
  items: COUNT,
  bitEqualRepeats: COUNT,
  coldStartSeconds: { style: 'fixed', digits: 3 },
  coldLoadSeconds: { style: 'fixed', digits: 3 },
  cpuUtilization: { style: 'fixed', digits: 2 },
  kvCacheBytes: { style: 'bytes-mib', digits: 2 },
  kvComputedBytes: { style: 'bytes-mib', digits: 2 },
  outliers: COUNT,
  failures: COUNT,
  iterations: COUNT,
  drift: { style: 'fixed', digits: 3 },
  stolenShare: { style: 'percent', digits: 1 },
  repetition: { style: 'percent', digits: 1 },
  generatedTokens: COUNT,
  routes: COUNT,
  traceStalls: COUNT,
  sameTokenPairs: COUNT,
  tracedTokensPerSecond: { style: 'fixed', digits: 0 },
  decodeOverhead: { style: 'percent', digits: 1 },
  wallOverhead: { style: 'percent', digits: 1 },
  cpuOverhead: { style: 'percent', digits: 1 },
  decodeRateTraced: { style: 'fixed', digits: 0 },
  decodeRateUntraced: { style: 'fixed', digits: 0 },
  gpuUtilization: { style: 'percent', digits: 1 },
  gpuPeakMemoryBytes: { style: 'bytes-mib', digits: 1 },
  gpuPowerW: { style: 'fixed', digits: 1 },
};
const OTHER: NumberFormat = { style: 'significant', digits: 4 };

const UNITS: Readonly<Record<string, string>> = {
  percent: ' %',
  'bytes-mib': ' MiB',
  'bytes-gib': ' GiB',
};

/** What stands behind a numeral of this format: renderNumber gives the numeral alone. */
export function unitOf(format: NumberFormat): string {
  return UNITS[format.style] ?? '';
}

/** The number and its unit. */
export function inUnits(cited: Cited): Piece {
  return cited.value === null ? cited : [cited, unitOf(cited.format)];
}

/** Of one layer: the name ends in its number. */
const OF_LAYER: Readonly<Record<string, NumberFormat>> = {
  routingEntropy: { style: 'fixed', digits: 3 },
  routingMaxOverMean: { style: 'fixed', digits: 2 },
  routingUnused: COUNT,
};

export function formatOf(metric: string): NumberFormat {
  const layer = /^(routing\w+)Layer\d+$/.exec(metric)?.[1];
  if (layer !== undefined) return OF_LAYER[layer] ?? OTHER;
  if (metric.startsWith('lossAtContext')) return FORMATS.loss!;
  if (/^(recall|precision|f1):/.test(metric)) return { style: 'percent', digits: 1 };
  return metric.startsWith('confusion:') ? COUNT : (FORMATS[metric] ?? OTHER);
}

function partOf(metric: Metric, part: MetricPart): number | null {
  if (part === 'ci95.0') return metric.ci95?.[0] ?? null;
  if (part === 'ci95.1') return metric.ci95?.[1] ?? null;
  return metric[part];
}

export function citeMetric(run: Run, name: string, part: MetricPart = 'value'): Cited {
  const metric = run.summary?.metrics[name];
  const reference = { from: 'metric', run: run.manifest.runId, metric: name, part } as const;
  const count = part === 'n' || part === 'units';
  return {
    value: metric ? partOf(metric, part) : null,
    format: count ? COUNT : formatOf(name),
    reference,
  };
}

/** `95.20 [93.70, 96.35] %`, or the bare value when no interval is claimed. */
export function citeWithInterval(run: Run, name: string): Piece {
  const value = citeMetric(run, name);
  const low = citeMetric(run, name, 'ci95.0');
  if (low.value === null) return inUnits(value);
  const high = citeMetric(run, name, 'ci95.1');
  return [value, ' [', low, ', ', high, ']', unitOf(value.format)];
}

export function citeManifest(run: Run, path: string, format: NumberFormat, value: number): Cited {
  return { value, format, reference: { from: 'manifest', run: run.manifest.runId, path } };
}

/** How much of a model is really at a scheme, from the tensor rows of the run. */
export function citeCoverage(run: Run, scheme: string, part: 'tensors' | 'parameterShare'): Cited {
  const reference = { from: 'coverage', run: run.manifest.runId, scheme, part } as const;
  return {
    value: coverageOf(samplesOf(run), scheme)[part],
    format: part === 'tensors' ? COUNT : { style: 'percent', digits: 1 },
    reference,
  };
}

/** The declared margin of a comparison, as the experiment file gave it. */
export function citeMargin(run: Run, quantity: 'perplexity' | 'accuracy', value: number): Piece {
  const path = `config.experiment.margins.${quantity}`;
  return ['±', inUnits(citeManifest(run, path, { style: 'percent', digits: 1 }, value))];
}

/** Share saved against the baseline: 1 − value / baseline. */
export function citeReduction(runs: { run: Run; baseline: Run }, metric: string): Cited {
  const of = runs.run.summary?.metrics[metric];
  const base = runs.baseline.summary?.metrics[metric];
  return {
    value: of && base ? reductionOf(of, base) : null,
    format: { style: 'percent', digits: 1 },
    reference: {
      from: 'reduction',
      run: runs.run.manifest.runId,
      baseline: runs.baseline.manifest.runId,
      metric,
    },
  };
}

/** `× 1.0423 [1.0351, 1.0490]` for perplexity, `-0.80 [-1.90, 0.30] %` for accuracy. */
export function citeComparison(comparison: ComparisonReport): Piece {
  const ratio = comparison.result.unit === 'ratio';
  const format: NumberFormat = ratio
    ? { style: 'fixed', digits: 4 }
    : { style: 'percent', digits: 2 };
  const { formula, run, baseline, params, result } = comparison;
  const cite = (part: MetricPart, value: number | null): Cited => ({
    value,
    format,
    reference: { from: 'comparison', formula, run, baseline, params, part },
  });
  const head = [ratio ? '× ' : '', cite('value', result.value)];
  if (!result.ci95) return [...head, unitOf(format)];
  const [low, high] = result.ci95;
  return [...head, ' [', cite('ci95.0', low), ', ', cite('ci95.1', high), ']', unitOf(format)];
}

const P: NumberFormat = { style: 'significant', digits: 2 };

/** `0.012`: p corrected for all tests of the document; a dash where there is no test. */
export function citeAdjusted(id: ComparisonId, { pHolm }: { pHolm: number | null }): Cited {
  const { formula, run, baseline, params } = id;
  const reference = { from: 'comparison', formula, run, baseline, params, part: 'pHolm' } as const;
  return { value: pHolm, format: P, reference };
}
