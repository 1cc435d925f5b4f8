/** Which metrics the run of a trace has. */
import type { MetricRequest } from '../analyze/formulas.ts';
import type { Samples } from '../analyze/samples.ts';
import type { TraceMeasure } from './cell.ts';

/** Of the decoding of whole batches, the writer of the trace at work. */
const SPEED = 'run.tokens-per-second/1';

export function traceRequests(
  measure: TraceMeasure,
  drawn: { seed: number; resamples: number },
  samples: Samples,
): MetricRequest[] {
  const layers = [...new Set(samples.routing.map(({ layer }) => layer))].sort((a, b) => a - b);
  const requests: MetricRequest[] = [
    ...layers.flatMap((layer) => layerRequests(layer, drawn.seed)),
    { name: 'routes', formula: 'routing.routes/1', params: {} },
    { name: 'traceStalls', formula: 'routing.stalls/1', params: {} },
    { name: 'tracedTokensPerSecond', formula: SPEED, params: drawn },
  ];
  if (measure.compare > 0) {
    requests.push(
      { name: 'decodeOverhead', formula: 'routing.decode-overhead/1', params: drawn },
      { name: 'wallOverhead', formula: 'routing.wall-overhead/1', params: drawn },
      { name: 'cpuOverhead', formula: 'routing.cpu-overhead/1', params: drawn },
      { name: 'decodeRateTraced', formula: 'routing.decode-rate-traced/1', params: drawn },
      { name: 'decodeRateUntraced', formula: 'routing.decode-rate-untraced/1', params: drawn },
      { name: 'sameTokenPairs', formula: 'routing.same-tokens/1', params: {} },
    );
  }
  if (measure.check_repeat) {
    requests.push({ name: 'bitEqualRepeats', formula: 'run.bit-equal-repeats/1', params: {} });
  }
  return requests;
}

function layerRequests(layer: number, seed: number): MetricRequest[] {
  const drawn = { layer, seed };
  return [
    { name: `routingEntropyLayer${layer}`, formula: 'routing.entropy/1', params: drawn },
    { name: `routingMaxOverMeanLayer${layer}`, formula: 'routing.max-over-mean/1', params: drawn },
    { name: `routingUnusedLayer${layer}`, formula: 'routing.unused/1', params: { layer } },
  ];
}
