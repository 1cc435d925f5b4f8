/** Load generators: vllm bench serve, GuideLLM, Locust. */
import {
  type Columns,
  type ImportedResult,
  isObject,
  type Json,
  metricsAt,
  type ReportedMetric,
  type ResultReader,
  settingsAt,
  textAt,
} from './imported.ts';

const VLLM: Columns = {
  requestsPerSecond: ['request_throughput', 'requests/s'],
  outputTokensPerSecond: ['output_throughput', 'tokens/s'],
  totalTokensPerSecond: ['total_token_throughput', 'tokens/s'],
  duration: ['duration', 's'],
  completed: ['completed', 'requests'],
  inputTokens: ['total_input_tokens', 'tokens'],
  outputTokens: ['total_output_tokens', 'tokens'],
  ttftMean: ['mean_ttft_ms', 'ms'],
  ttftP50: ['median_ttft_ms', 'ms'],
  ttftP99: ['p99_ttft_ms', 'ms'],
  tpotMean: ['mean_tpot_ms', 'ms'],
  tpotP50: ['median_tpot_ms', 'ms'],
  tpotP99: ['p99_tpot_ms', 'ms'],
  itlMean: ['mean_itl_ms', 'ms'],
  itlP99: ['p99_itl_ms', 'ms'],
  e2eMean: ['mean_e2el_ms', 'ms'],
  e2eP99: ['p99_e2el_ms', 'ms'],
};

/** `vllm bench serve --save-result`; with `--save-detailed` it has every request's TTFT. */
export const readVllmBench: ResultReader = ({ json }) => {
  if (!isObject(json) || typeof json.request_throughput !== 'number') return null;
  if (typeof json.completed !== 'number') return null;
  const ttfts = json.ttfts;
  const metrics = metricsAt(json, VLLM).map((metric): ReportedMetric => {
    const isMean = metric.name === 'ttftMean' && Array.isArray(ttfts) && ttfts.length > 0;
    return isMean ? { ...metric, samples: numbers(ttfts).map((s) => s * 1000) } : metric;
  });
  return [
    {
      tool: 'vllm-bench',
      model: textAt(json, 'model_id') ?? 'unstated',
      scheme: textAt(json, 'quantization', 'dtype') ?? 'unstated',
      settings: settingsAt(json, ['backend', 'request_rate', 'max_concurrency', 'num_prompts']),
      measuredAt: textAt(json, 'date'),
      error: null,
      metrics,
    },
  ];
};

function numbers(values: readonly unknown[]): number[] {
  return values.filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
}

const GUIDE: Readonly<Record<string, readonly [string, string]>> = {
  requests_per_second: ['requestsPerSecond', 'requests/s'],
  request_latency: ['e2e', 's'],
  time_to_first_token_ms: ['ttft', 'ms'],
  inter_token_latency_ms: ['itl', 'ms'],
  time_per_output_token_ms: ['tpot', 'ms'],
  output_tokens_per_second: ['outputTokensPerSecond', 'tokens/s'],
  tokens_per_second: ['totalTokensPerSecond', 'tokens/s'],
};

/** `{"benchmarks": [{"metrics": {"time_to_first_token_ms": {"successful": {"mean": …}}}}]}` */
export const readGuideLlm: ResultReader = ({ json }) => {
  if (!isObject(json) || !Array.isArray(json.benchmarks)) return null;
  const benchmarks = json.benchmarks.filter((b): b is Json => isObject(b) && isObject(b.metrics));
  if (benchmarks.length === 0) return null;
  return benchmarks.map((benchmark, i): ImportedResult => {
    const args = [benchmark.args, benchmark.config, benchmark.benchmarker].find(isObject) ?? {};
    const strategy = [args.strategy, args.profile].find(isObject) ?? {};
    return {
      tool: 'guidellm',
      model: deepText([benchmark, json], ['model', 'backend_model', 'model_id']) ?? 'unstated',
      scheme: 'unstated',
      settings: { benchmark: i, ...settingsAt(strategy, ['type_', 'rate', 'streams']) },
      measuredAt: null,
      error: null,
      metrics: guideMetrics(benchmark.metrics as Json, `benchmarks[${i}].metrics`),
    };
  });
};

function guideMetrics(metrics: Json, prefix: string): ReportedMetric[] {
  return Object.entries(GUIDE).flatMap(([key, [name, unit]]) => {
    const entry = metrics[key];
    const of = isObject(entry) && isObject(entry.successful) ? entry.successful : null;
    if (!of) return [];
    const columns = { [`${name}Mean`]: ['mean', unit], [`${name}P50`]: ['median', unit] } as const;
    const percentiles = isObject(of.percentiles) ? of.percentiles : {};
    const upper = { [`${name}P95`]: ['p95', unit], [`${name}P99`]: ['p99', unit] } as const;
    const at = `${prefix}.${key}.successful`;
    return [
      ...metricsAt(of, columns, `${at}.`),
      ...metricsAt(percentiles, upper, `${at}.percentiles.`),
    ];
  });
}

/** The first text under one of the keys, three levels down at most: layouts differ by version. */
function deepText(from: readonly Json[], keys: readonly string[], depth = 3): string | null {
  for (const object of from) {
    const found = textAt(object, ...keys);
    if (found) return found;
  }
  if (depth === 0) return null;
  const below = from.flatMap((object) => Object.values(object).filter(isObject));
  return below.length > 0 ? deepText(below, keys, depth - 1) : null;
}

const LOCUST: Columns = {
  requests: ['Request Count', 'requests'],
  failures: ['Failure Count', 'requests'],
  latencyMean: ['Average Response Time', 'ms'],
  latencyP50: ['Median Response Time', 'ms'],
  latencyP95: ['95%', 'ms'],
  latencyP99: ['99%', 'ms'],
  requestsPerSecond: ['Requests/s', 'requests/s'],
};

/** A row of `*_stats.csv`; the aggregate has no type. */
export function locustRow(row: Readonly<Record<string, string>>): ImportedResult {
  const values = Object.fromEntries(
    Object.entries(row).flatMap(([key, text]): [string, number][] => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      return Number.isFinite(value) ? [[key, value]] : [];
    }),
  );
  return {
    tool: 'locust',
    model: 'unstated',
    scheme: 'unstated',
    settings: { request: `${row.Type ?? ''} ${row.Name ?? ''}`.trim() || 'Aggregated' },
    measuredAt: null,
    error: null,
    metrics: metricsAt(values, LOCUST),
  };
}
