/** `[{"batch_size": 1, "total_samples": …, "throughput": …, "quantization": "awq"}]` */
import {
  type Columns,
  type ImportedResult,
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

const SIZE = 'Batch Size';
const WIDE = /^(?<variant>.+) (?<what>Throughput|(?:P\d{2}|Avg|Mean) Latency)$/i;

/** `Batch Size,AWQ Throughput,AWQ P95 Latency,…`: a variant a group of columns. null: not one. */
export function readWideMatrix(
  rows: readonly Readonly<Record<string, string>>[],
): ImportedResult[] | null {
  const columns = Object.keys(rows[0] ?? {}).flatMap((column) => {
    const { variant = '', what = '' } = WIDE.exec(column)?.groups ?? {};
    return variant === '' ? [] : [{ column, variant, what }];
  });
  if (columns.length === 0 || !(SIZE in (rows[0] ?? {}))) return null;
  const variants = [...new Set(columns.map(({ variant }) => variant))];
  const results = rows.flatMap((row) =>
    variants.map((variant) => ({
      tool: 'batch-matrix',
      model: 'unstated',
      scheme: variant.toLowerCase(),
      settings: { batchSize: Number(row[SIZE]) },
      measuredAt: null,
      error: null,
      // The table says no units.
      metrics: columns
        .filter((each) => each.variant === variant && row[each.column]?.trim())
        .map(({ column, what }) => ({
          name: nameOf(what),
          value: Number(row[column]),
          unit: 'as printed',
          place: column,
        }))
        .filter(({ value }) => Number.isFinite(value)),
    })),
  );
  // A cell without a number was not measured: it is a gap, and is named as one.
  return results.filter(({ metrics }) => metrics.length > 0);
}

function nameOf(what: string): string {
  const [first = '', second] = what.split(' ');
  if (second === undefined) return 'throughput';
  return /^p\d/i.test(first) ? `latency${first.toUpperCase()}` : 'meanLatency';
}
