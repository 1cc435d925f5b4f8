/** `[{"batch_size": 1, "total_samples": …, "throughput": …, "quantization": "awq"}]` */
import {
  type Columns,
  isObject,
  type Json,
  metricsAt,
  type ResultReader,
  textAt,
} from './imported.ts';

const METRICS: Columns = {
  samplesPerSecond: ['throughput', 'samples/s'],
  totalTime: ['total_time', 's'],
  samples: ['total_samples', 'samples'],
  meanLatency: ['avg_latency_ms', 'ms'],
  latencyP50: ['p50_latency_ms', 'ms'],
  latencyP95: ['p95_latency_ms', 'ms'],
  latencyP99: ['p99_latency_ms', 'ms'],
};

export const readBatchMatrix: ResultReader = ({ json }) => {
  if (!Array.isArray(json) || json.length === 0) return null;
  const rows = json.filter(
    (row): row is Json =>
      isObject(row) && typeof row.batch_size === 'number' && !!textAt(row, 'quantization'),
  );
  if (rows.length !== json.length) return null;
  return rows.map((row) => ({
    tool: 'batch-matrix',
    model: textAt(row, 'model_id', 'model') ?? 'unstated',
    scheme: textAt(row, 'quantization') as string,
    // Without this flag two variants would be averaged into one.
    settings: {
      batchSize: row.batch_size as number,
      ...(row.flash_attention === true ? { flashAttention: true } : {}),
    },
    measuredAt: textAt(row, 'timestamp', 'date'),
    error: textAt(row, 'error'),
    metrics: metricsAt(row, METRICS),
  }));
};
