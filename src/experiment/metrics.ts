/** Which metrics a run of each measure has, and what their figures may be called. */
import { computeMetric, type MetricRequest } from '../analyze/formulas.ts';
import type { Samples } from '../analyze/samples.ts';
import type { EngineInfo, Metric, ModelIdentity } from '../record/schema.ts';
import type { MeasureSettings } from './cell.ts';

const RESAMPLES = 2_000;
const ECE_BINS = 20;
/** Context lengths at whose borders the loss is split. */
const CONTEXT_BORDERS = [1, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768];

/** Figures that say how fast and how large: not those of real hardware on a simulated scheme. */
const COST_METRICS = new Set([
  'tokensPerSecond',
  'loadSeconds',
  'peakMemoryBytes',
  'residentWeightBytes',
]);

export function metricRequests(measure: MeasureSettings, seed: number): MetricRequest[] {
  const drawn = { seed, resamples: RESAMPLES };
  const quality = measure.kind === 'eval' ? evalRequests(measure, drawn) : taskRequests(drawn);
  const run: MetricRequest[] = [
    { name: 'tokensPerSecond', formula: 'run.tokens-per-second/1', params: drawn },
    { name: 'loadSeconds', formula: 'run.load-seconds/1', params: {} },
    { name: 'peakMemoryBytes', formula: 'run.peak-memory/1', params: {} },
    { name: 'residentWeightBytes', formula: 'run.resident-weights/1', params: {} },
    { name: 'storedWeightBytes', formula: 'run.stored-weights/1', params: {} },
  ];
  if (measure.check_repeat) {
    run.push({ name: 'bitEqualRepeats', formula: 'run.bit-equal-repeats/1', params: {} });
  }
  return [...quality, ...run];
}

type Drawn = { seed: number; resamples: number };

function evalRequests(
  measure: Extract<MeasureSettings, { kind: 'eval' }>,
  drawn: Drawn,
): MetricRequest[] {
  const context = measure.context ?? Number.POSITIVE_INFINITY;
  const borders = CONTEXT_BORDERS.filter((border) => border < context);
  return [
    { name: 'loss', formula: 'eval.loss/1', params: drawn },
    { name: 'perplexity', formula: 'eval.perplexity/1', params: drawn },
    { name: 'tokenAccuracy', formula: 'eval.token-accuracy/1', params: drawn },
    { name: 'ece', formula: 'eval.ece/1', params: { bins: ECE_BINS } },
    { name: 'brier', formula: 'eval.brier/1', params: drawn },
    { name: 'scoredTokens', formula: 'eval.scored-tokens/1', params: {} },
    ...borders.map((from, i) => {
      const to = CONTEXT_BORDERS[i + 1] ?? 2 ** 40;
      return {
        name: `lossAtContext${from}`,
        formula: 'eval.loss-at-context/1',
        params: { ...drawn, from, to },
      };
    }),
  ];
}

function taskRequests(drawn: Drawn): MetricRequest[] {
  return [
    { name: 'accuracy', formula: 'task.accuracy/1', params: {} },
    { name: 'macroAccuracy', formula: 'task.macro-accuracy/1', params: {} },
    { name: 'labelLoss', formula: 'task.label-loss/1', params: drawn },
    { name: 'items', formula: 'task.items/1', params: {} },
  ];
}

/** All metrics of a run. Context buckets that no token reached are left out, not shown empty. */
export function deriveMetrics(
  of: { measure: MeasureSettings; seed: number },
  samples: Samples,
  labels: { engine: EngineInfo | null; model: ModelIdentity },
): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  for (const request of metricRequests(of.measure, of.seed)) {
    const metric = computeMetric(request, samples);
    if (request.formula === 'eval.loss-at-context/1' && metric.value === null) continue;
    const simulated = simulatedNote(request.name, labels);
    metrics[request.name] = simulated === null ? metric : { ...metric, simulated };
  }
  return metrics;
}

function simulatedNote(
  name: string,
  { engine, model }: { engine: EngineInfo | null; model: ModelIdentity },
): string | null {
  const notes: string[] = [];
  if (model.dummyWeights && name !== 'storedWeightBytes') notes.push('dummy weights');
  if (engine?.simulated && COST_METRICS.has(name)) notes.push(`simulated: ${engine.simulated}`);
  return notes.length > 0 ? notes.join('; ') : null;
}
