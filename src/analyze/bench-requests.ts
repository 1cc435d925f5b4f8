/** The metrics of one cell of a benchmark, by name: what is derived when its run is closed. */
import type { MetricRequest } from './formulas.ts';
import type { Samples } from './samples.ts';

export interface BenchRequestOptions {
  readonly batchSize: number;
  /** Logical cores of the machine. */
  readonly cores: number;
  readonly seed: number;
  readonly resamples: number;
}

/** Those of the GPU only where it was read, those of the CPU's other users always. */
export function benchRequests(options: BenchRequestOptions, samples: Samples): MetricRequest[] {
  const { batchSize, cores, seed, resamples } = options;
  const drawn = { seed, resamples };
  const request = (
    name: string,
    formula: string,
    params: MetricRequest['params'] = {},
  ): MetricRequest => ({ name, formula: `bench.${formula}/1`, params });
  const gpu = [
    request('gpuUtilization', 'gpu-utilization'),
    request('gpuPeakMemoryBytes', 'gpu-peak-memory'),
    request('gpuPowerW', 'gpu-power'),
  ];
  return [
    request('latencyAvg', 'latency-mean', drawn),
    request('latencyP50', 'latency-quantile', { ...drawn, q: 0.5 }),
    request('latencyP95', 'latency-quantile', { ...drawn, q: 0.95 }),
    request('latencyP99', 'latency-quantile', { ...drawn, q: 0.99 }),
    request('ttftP50', 'ttft-quantile', { ...drawn, q: 0.5 }),
    request('ttftP95', 'ttft-quantile', { ...drawn, q: 0.95 }),
    request('stepP50', 'step-quantile', { ...drawn, q: 0.5 }),
    request('stepP95', 'step-quantile', { ...drawn, q: 0.95 }),
    request('prefillTokensPerSecond', 'prefill-rate', drawn),
    request('decodeTokensPerSecond', 'decode-rate', { ...drawn, batchSize }),
    request('samplesPerSecond', 'sample-rate', { ...drawn, batchSize }),
    request('cpuUtilization', 'cpu-utilization', drawn),
    request('coldStartSeconds', 'cold-start'),
    request('coldLoadSeconds', 'cold-load'),
    request('kvCacheBytes', 'kv-cache'),
    request('kvComputedBytes', 'kv-computed'),
    request('iterations', 'iterations'),
    request('failures', 'failures'),
    request('outliers', 'outliers'),
    request('drift', 'drift'),
    request('stolenShare', 'stolen-share', { cores }),
    request('repetition', 'repetition', drawn),
    request('generatedTokens', 'generated-tokens'),
    ...(samples.gpu.length > 0 ? gpu : []),
  ];
}
