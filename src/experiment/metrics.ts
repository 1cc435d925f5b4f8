/** Which metrics a run of each measure has, and what their figures may be called. */
import { benchRequests } from '../analyze/bench-requests.ts';
import { computeMetric, type MetricRequest } from '../analyze/formulas.ts';
import type { Samples } from '../analyze/samples.ts';
import type { EngineInfo, Metric, ModelIdentity } from '../record/schema.ts';
import type { BenchMeasure, MeasureSettings, ScoringMeasure } from './cell.ts';
import { taskRequests } from './task-metrics.ts';
import { traceRequests } from './trace-metrics.ts';

const RESAMPLES = 2_000;
const ECE_BINS = 20;
/** Context lengths at whose borders the loss is split. */
const CONTEXT_BORDERS = [1, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768];

/** Figures that say how fast and how large: not those of real hardware on a simulated scheme. */
const COST_METRICS = new Set([
  ...['tokensPerSecond', 'loadSeconds', 'peakMemoryBytes', 'residentWeightBytes'],
  ...['latencyAvg', 'latencyP50', 'latencyP95', 'latencyP99', 'ttftP50', 'ttftP95'],
  ...['stepP50', 'stepP95', 'prefillTokensPerSecond', 'decodeTokensPerSecond'],
  ...['samplesPerSecond', 'cpuUtilization', 'coldStartSeconds', 'coldLoadSeconds'],
  ...['tracedTokensPerSecond', 'decodeRateTraced', 'decodeRateUntraced'],
  ...['kvCacheBytes', 'kvComputedBytes', 'gpuUtilization', 'gpuPeakMemoryBytes', 'gpuPowerW'],
]);

/** Of a benchmark only what the generated text says hangs on the values of the weights. */
const TEXT_METRICS = new Set(['repetition', 'generatedTokens']);

export interface MetricContext {
  readonly measure: MeasureSettings;
  readonly seed: number;
  /** Logical cores of the machine that measured; a benchmark needs them. */
  readonly cores?: number;
}

export function metricRequests(of: MetricContext, samples: Samples): MetricRequest[] {
  const { measure, seed } = of;
  const drawn = { seed, resamples: RESAMPLES };
  if (measure.kind === 'bench') {
    if (of.cores === undefined) throw new RangeError('the cores of the machine are not known');
    const known = { batchSize: measure.batch_size, cores: of.cores, ...drawn };
    const requests = benchRequests(known, samples);
    return [...requests.filter(({ name }) => wasMeasured(name, measure)), ...RUN_REQUESTS];
  }
  if (measure.kind === 'trace') return [...traceRequests(measure, drawn, samples), ...RUN_REQUESTS];
  const quality =
    measure.kind === 'eval'
      ? evalRequests(measure, drawn, samples)
      : taskRequests(measure, samples, drawn);
  const run: MetricRequest[] = [
    { name: 'tokensPerSecond', formula: 'run.tokens-per-second/1', params: drawn },
    ...RUN_REQUESTS,
  ];
  if (measure.check_repeat) {
    run.push({ name: 'bitEqualRepeats', formula: 'run.bit-equal-repeats/1', params: {} });
  }
  return [...quality, ...run];
}

/** Cold starts are taken at one batch size of a variant: elsewhere there is nothing to miss. */
function wasMeasured(name: string, measure: BenchMeasure): boolean {
  return measure.cold_starts > 0 || !name.startsWith('cold');
}

const RUN_REQUESTS: readonly MetricRequest[] = [
  { name: 'loadSeconds', formula: 'run.load-seconds/1', params: {} },
  { name: 'peakMemoryBytes', formula: 'run.peak-memory/1', params: {} },
  { name: 'residentWeightBytes', formula: 'run.resident-weights/1', params: {} },
  { name: 'storedWeightBytes', formula: 'run.stored-weights/1', params: {} },
];

type Drawn = { seed: number; resamples: number };

function evalRequests(
  measure: Extract<ScoringMeasure, { kind: 'eval' }>,
  drawn: Drawn,
  samples: Samples,
): MetricRequest[] {
  // Rows of ids stand for no text.
  const hasText = samples.windows.some((row) => row.bytes !== undefined);
  const perByte = { name: 'bitsPerByte', formula: 'eval.bits-per-byte/1', params: drawn };
  const context = measure.context ?? Number.POSITIVE_INFINITY;
  const borders = CONTEXT_BORDERS.filter((border) => border < context);
  return [
    { name: 'loss', formula: 'eval.loss/2', params: drawn },
    { name: 'perplexity', formula: 'eval.perplexity/2', params: drawn },
    ...(hasText ? [perByte] : []),
    { name: 'tokenAccuracy', formula: 'eval.token-accuracy/2', params: drawn },
    { name: 'ece', formula: 'eval.ece/1', params: { bins: ECE_BINS } },
    { name: 'brier', formula: 'eval.brier/2', params: drawn },
    { name: 'scoredTokens', formula: 'eval.scored-tokens/1', params: {} },
    ...borders.map((from, i) => {
      const to = CONTEXT_BORDERS[i + 1] ?? 2 ** 40;
      return {
        name: `lossAtContext${from}`,
        formula: 'eval.loss-at-context/2',
        params: { ...drawn, from, to },
      };
    }),
  ];
}

interface Labels {
  readonly engine: EngineInfo | null;
  readonly model: ModelIdentity;
}

/** All metrics of a run. Context buckets that no token reached are left out, not shown empty. */
export function deriveMetrics(
  of: MetricContext,
  samples: Samples,
  labels: Labels,
): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  for (const request of metricRequests(of, samples)) {
    const metric = computeMetric(request, samples);
    if (request.formula === 'eval.loss-at-context/2' && metric.value === null) continue;
    const simulated = simulatedNote(request.name, of.measure, labels);
    metrics[request.name] = simulated === null ? metric : { ...metric, simulated };
  }
  return metrics;
}

function simulatedNote(
  name: string,
  measure: MeasureSettings,
  { engine, model }: Labels,
): string | null {
  const notes: string[] = [];
  const meansNothing =
    measure.kind === 'bench' ? TEXT_METRICS.has(name) : name !== 'storedWeightBytes';
  if (model.dummyWeights && meansNothing) notes.push('dummy weights');
  if (engine?.simulated && COST_METRICS.has(name)) notes.push(`simulated: ${engine.simulated}`);
  return notes.length > 0 ? notes.join('; ') : null;
}
