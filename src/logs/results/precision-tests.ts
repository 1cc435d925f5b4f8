/** Benchmarks of one model by precision: accuracy lists, a benchmark's JSON, and its CSV. */
import {
  type Columns,
  type ImportedResult,
  isObject,
  type Json,
  metricsAt,
  type ResultReader,
  textAt,
} from './imported.ts';

const ACCURACY: Columns = {
  perplexity: ['perplexity', ''],
  loss: ['avg_loss', 'nats'],
  tokens: ['total_tokens', 'tokens'],
};

/** `[{"model_name": …, "precision": …, "perplexity": … | "error": …}]` */
export const readAccuracyList: ResultReader = ({ json }) => {
  if (!Array.isArray(json) || json.length === 0) return null;
  const rows = json.filter(
    (row): row is Json =>
      isObject(row) && !!textAt(row, 'model_name') && !!textAt(row, 'precision'),
  );
  if (rows.length !== json.length) return null;
  return rows.map((row) => ({
    tool: 'accuracy-test',
    model: textAt(row, 'model_name') as string,
    scheme: textAt(row, 'precision') as string,
    settings: {},
    measuredAt: textAt(row, 'timestamp'),
    error: textAt(row, 'error'),
    metrics: textAt(row, 'error') ? [] : metricsAt(row, ACCURACY),
  }));
};

const SPEED: Columns = {
  tokensPerSecond: ['tokens_per_second', 'tokens/s'],
  meanTime: ['mean_time_seconds', 's'],
  stdTime: ['std_time_seconds', 's'],
  runs: ['total_runs', 'runs'],
};
const MEMORY: Columns = { peakMemory: ['peak_memory_gb', 'GB as printed'] };

/** `{"model_name": …, "speed_metrics": {…}, "memory_metrics": {…}}` */
export const readSpeedTest: ResultReader = ({ json }) => {
  if (!isObject(json) || !textAt(json, 'model_name') || !isObject(json.speed_metrics)) return null;
  const memory = isObject(json.memory_metrics) ? json.memory_metrics : {};
  return [
    {
      tool: 'speed-test',
      model: textAt(json, 'model_name') as string,
      scheme: textAt(json, 'precision', 'dtype') ?? 'unstated',
      settings: { device: textAt(json, 'device') ?? 'unstated' },
      measuredAt: textAt(json, 'timestamp'),
      error: null,
      metrics: [
        ...metricsAt(json.speed_metrics, SPEED, 'speed_metrics.'),
        ...metricsAt(memory, MEMORY, 'memory_metrics.'),
      ],
    },
  ];
};

const TABLE: Columns = {
  tokensPerSecond: ['inference_speed_tokens_per_sec', 'tokens/s'],
  modelSize: ['model_size_mb', 'MB as printed'],
  memory: ['memory_usage_gb', 'GB as printed'],
  speedup: ['speedup_factor', '×'],
  perplexity: ['perplexity', ''],
  loss: ['avg_loss', 'nats'],
};

/** One row of a benchmark table: `model_name,quantization_method,precision,…`. */
export function benchmarkRow(row: Readonly<Record<string, string>>): ImportedResult {
  const numbers = Object.fromEntries(
    Object.entries(row).flatMap(([key, text]): [string, number][] => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      return Number.isFinite(value) ? [[key, value]] : [];
    }),
  );
  const method = row.quantization_method?.trim() || 'unstated';
  return {
    tool: 'benchmark-table',
    model: (row.model_name ?? row.model ?? '').trim(),
    scheme: row.precision?.trim() || 'unstated',
    settings: { method, hardware: row.hardware_config?.trim() || 'unstated' },
    measuredAt: [row.date, row.timestamp].filter(Boolean).join('T') || null,
    error: null,
    metrics: metricsAt(numbers, TABLE),
  };
}
