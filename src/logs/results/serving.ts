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
  goodput: ['request_goodput', 'requests/s'],
  outputTokensPerSecond: ['output_throughput', 'tokens/s'],
  totalTokensPerSecond: ['total_token_throughput', 'tokens/s'],
  duration: ['duration', 's'],
  completed: ['completed', 'requests'],
  failed: ['failed', 'requests'],
  inputTokens: ['total_input_tokens', 'tokens'],
  outputTokens: ['total_output_tokens', 'tokens'],
};
/** Which of them a file has, its user chose (`--percentile-metrics`, `--metric-percentiles`). */
const VLLM_LATENCY = /^(mean|median|std|p\d+(?:\.\d+)?)_(ttft|tpot|itl|e2el)_ms$/;
const LATENCIES: Readonly<Record<string, string>> = { e2el: 'e2e' };
/** More gaps between tokens than this are not carried along. */
const MAX_SAMPLES = 100_000;

/** `vllm bench serve --save-result`; with `--save-detailed` it has every request. */
export const readVllmBench: ResultReader = ({ json }) => {
  if (!isObject(json) || typeof json.request_throughput !== 'number') return null;
  if (typeof json.completed !== 'number') return null;
  return [
    {
      tool: 'vllm-bench',
      model: textAt(json, 'model_id') ?? 'unstated',
      scheme: textAt(json, 'quantization', 'dtype') ?? 'unstated',
      settings: settingsAt(json, ['backend', 'request_rate', 'max_concurrency', 'num_prompts']),
      measuredAt: textAt(json, 'date'),
      error: json.completed === 0 ? 'no request was completed' : null,
      metrics: json.completed === 0 ? [] : [...metricsAt(json, VLLM), ...vllmLatencies(json)],
    },
  ];
};

function vllmLatencies(json: Json): ReportedMetric[] {
  const samples: Readonly<Record<string, readonly number[] | null>> = {
    mean_ttft_ms: ofCompleted(json, 'ttfts'),
    mean_e2el_ms: ofCompleted(json, 'latencies'),
    mean_itl_ms: ofCompleted(json, 'itls'),
  };
  return Object.keys(json).flatMap((key) => {
    const [, statistic = '', what = ''] = VLLM_LATENCY.exec(key) ?? [];
    if (statistic === '') return [];
    const of = statistic === 'median' ? 'P50' : statistic[0]?.toUpperCase() + statistic.slice(1);
    const found = metricsAt(json, { [`${LATENCIES[what] ?? what}${of}`]: [key, 'ms'] });
    const seconds = samples[key];
    return found.map((m) => (seconds ? { ...m, samples: seconds.map((s) => s * 1000) } : m));
  });
}

/** Seconds; null where the file has none, or does not tell which requests failed. */
function ofCompleted(json: Json, key: string): number[] | null {
  const all = json[key];
  if (!Array.isArray(all) || all.length === 0) return null;
  const errors = Array.isArray(json.errors) ? json.errors : null;
  if (errors === null && all.length !== json.completed) return null;
  const completed = all.filter((_, i) => errors === null || !errors[i]);
  const values = numbers(completed.flat());
  return values.length > 0 && values.length <= MAX_SAMPLES ? values : null;
}

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
      measuredAt: timeOf(benchmark.start_time),
      ...guideNumbers(benchmark, `benchmarks[${i}].metrics`),
    };
  });
};

const GUIDE_COUNTS: Columns = {
  completed: ['successful', 'requests'],
  failed: ['errored', 'requests'],
  incomplete: ['incomplete', 'requests'],
};

function guideNumbers(benchmark: Json, prefix: string): Pick<ImportedResult, 'error' | 'metrics'> {
  const metrics = benchmark.metrics as Json;
  const totals = isObject(metrics.request_totals) ? metrics.request_totals : {};
  if (totals.successful === 0) return { error: 'no request was completed', metrics: [] };
  const counts = metricsAt(totals, GUIDE_COUNTS, `${prefix}.request_totals.`);
  const all = isObject(benchmark.requests) ? benchmark.requests.successful : null;
  const requests = Array.isArray(all) && all.length === totals.successful ? all : [];
  return { error: null, metrics: [...counts, ...guideMetrics(metrics, prefix, requests)] };
}

/** `requests`: all that succeeded, with what each took; empty where the file samples them. */
function guideMetrics(
  metrics: Json,
  prefix: string,
  requests: readonly unknown[],
): ReportedMetric[] {
  return Object.entries(GUIDE).flatMap(([key, [name, unit]]) => {
    const entry = metrics[key];
    const of = isObject(entry) && isObject(entry.successful) ? entry.successful : null;
    if (!of) return [];
    const columns = { [`${name}Mean`]: ['mean', unit], [`${name}P50`]: ['median', unit] } as const;
    const percentiles = isObject(of.percentiles) ? of.percentiles : {};
    const upper = { [`${name}P95`]: ['p95', unit], [`${name}P99`]: ['p99', unit] } as const;
    const at = `${prefix}.${key}.successful`;
    const samples = PER_REQUEST.has(key) ? numbers(requests.map((r) => isObject(r) && r[key])) : [];
    return [
      ...metricsAt(of, columns, `${at}.`).map((metric) =>
        // A request of one token has no gaps between tokens.
        metric.name === `${name}Mean` && samples.length > 0 && samples.length === of.count
          ? { ...metric, samples }
          : metric,
      ),
      ...metricsAt(percentiles, upper, `${at}.percentiles.`),
    ];
  });
}

/** Means over requests; those of rates and of gaps are weighted otherwise. */
const PER_REQUEST: ReadonlySet<string> = new Set(['request_latency', 'time_to_first_token_ms']);

/** Seconds since 1970. */
function timeOf(value: unknown): string | null {
  return typeof value === 'number' && Number.isFinite(value)
    ? new Date(value * 1000).toISOString()
    : null;
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
    // Its latencies are then those of nothing, printed as 0.
    error: values['Request Count'] === 0 ? 'no request was made' : null,
    metrics: values['Request Count'] === 0 ? [] : metricsAt(values, LOCUST),
  };
}
