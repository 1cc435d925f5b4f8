/** One reading of a GPU, as scripts around nvidia-smi write it: `gpu_name`, `power_draw`, … */
import {
  type Columns,
  type ImportedResult,
  isObject,
  type Json,
  metricsAt,
  type ResultReader,
  textAt,
} from './imported.ts';

const METRICS: readonly Columns[] = [
  {
    memoryTotal: ['memory_total_mib', 'MiB'],
    memoryUsed: ['memory_used_mib', 'MiB'],
    gpuUtilization: ['gpu_utilization', '%'],
    temperature: ['temperature', '°C'],
    powerDraw: ['power_draw', 'W'],
  },
  {
    gpuUtilization: ['gpu_utilization_percent', '%'],
    temperature: ['temperature_c', '°C'],
    powerDraw: ['power_draw_w', 'W'],
  },
];

/** Values may be texts, as nvidia-smi prints them. null: no reading of a GPU. */
export function gpuReading(row: Json): ImportedResult | null {
  const gpu = textAt(row, 'gpu_name', 'gpu');
  if (gpu === null) return null;
  const numbers = Object.fromEntries(
    Object.entries(row).map(([key, value]): [string, unknown] => {
      const isNumber = typeof value === 'string' && value.trim() !== '' && Number.isFinite(+value);
      return [key, isNumber ? Number(value) : value];
    }),
  );
  const metrics = METRICS.flatMap((columns) => metricsAt(numbers, columns));
  if (metrics.length === 0) return null;
  return {
    tool: 'gpu-reading',
    model: textAt(row, 'model_name', 'model') ?? 'unstated',
    scheme: textAt(row, 'precision') ?? 'unstated',
    settings: { gpu },
    measuredAt: textAt(row, 'test_timestamp', 'timestamp', 'date'),
    error: null,
    metrics,
  };
}

export const readGpuReading: ResultReader = ({ json }) => {
  const reading = isObject(json) ? gpuReading(json) : null;
  return reading && [reading];
};
