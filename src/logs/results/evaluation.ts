/** lm-eval's results file, and llama-bench's JSON. */
import {
  type ImportedResult,
  isObject,
  type Json,
  type ReportedMetric,
  type ResultReader,
  settingsAt,
  textAt,
} from './imported.ts';

/** `{"results": {"task": {"acc,none": 0.5, "acc_stderr,none": 0.01}}, "config": {…}}` */
export const readLmEval: ResultReader = ({ json }) => {
  if (!isObject(json) || !isObject(json.results) || !isObject(json.config)) return null;
  const tasks = Object.entries(json.results).filter((entry): entry is [string, Json] =>
    isObject(entry[1]),
  );
  if (!tasks.some(([, task]) => Object.keys(task).some((key) => key.includes(',')))) return null;
  const config = json.config;
  const pretrained = argumentOf(config, 'pretrained') ?? argumentOf(config, 'model');
  const counts = isObject(json['n-samples']) ? json['n-samples'] : {};
  const shots = isObject(json['n-shot']) ? json['n-shot'] : {};
  return tasks.map(([task, scores]): ImportedResult => {
    const n = isObject(counts[task]) ? (counts[task] as Json).effective : null;
    const samples: ReportedMetric[] =
      typeof n === 'number'
        ? [{ name: 'items', value: n, unit: 'items', place: `n-samples.${task}.effective` }]
        : [];
    return {
      tool: 'lm-eval',
      // Without a model's name the file has that of its own folder.
      model: pretrained ?? textAt(json, 'model_name') ?? 'unstated',
      scheme: argumentOf(config, 'dtype') ?? textAt(config, 'model_dtype') ?? 'unstated',
      settings: {
        task,
        ...(typeof shots[task] === 'number' ? { num_fewshot: shots[task] } : {}),
        ...settingsAt(config, ['num_fewshot', 'limit', 'batch_size']),
      },
      measuredAt: typeof json.date === 'number' ? new Date(json.date * 1000).toISOString() : null,
      error: null,
      metrics: [...scoresOf(task, scores), ...samples],
    };
  });
};

/** Of `pretrained=org/model,dtype=bfloat16`, or of the same as an object (0.4.13). */
function argumentOf(config: Json, name: string): string | null {
  const args = config.model_args;
  if (isObject(args)) return textAt(args, name);
  if (typeof args !== 'string') return null;
  const found = args.split(',').find((part) => part.trim().startsWith(`${name}=`));
  return found?.slice(found.indexOf('=') + 1).trim() || null;
}

function scoresOf(task: string, scores: Json): ReportedMetric[] {
  return Object.entries(scores).flatMap(([key, value]): ReportedMetric[] => {
    const [name, filter] = key.split(',');
    if (typeof value !== 'number' || !Number.isFinite(value) || name === 'sample_len') return [];
    const full = filter && filter !== 'none' ? `${name}.${filter}` : (name as string);
    return [{ name: full, value, unit: '', place: `results.${task}.${key}` }];
  });
}

/** `[{"model_type": "llama 7B Q4_0", "n_prompt": 512, "avg_ts": …, "samples_ts": […]}]` */
export const readLlamaBench: ResultReader = ({ json }) => {
  if (!Array.isArray(json) || json.length === 0) return null;
  const rows = json.filter((row): row is Json => isObject(row) && typeof row.avg_ts === 'number');
  if (rows.length !== json.length) return null;
  return rows.map((row): ImportedResult => {
    const type = textAt(row, 'model_type') ?? '';
    const samples = Array.isArray(row.samples_ts)
      ? row.samples_ts.filter((v): v is number => typeof v === 'number' && Number.isFinite(v))
      : [];
    const rate: ReportedMetric = {
      name: 'tokensPerSecond',
      value: row.avg_ts as number,
      unit: 'tokens/s',
      place: 'avg_ts',
      ...(samples.length > 0 ? { samples } : {}),
    };
    return {
      tool: 'llama-bench',
      model: textAt(row, 'model_filename')?.split('/').at(-1) ?? (type || 'unstated'),
      scheme: /\b(I?Q\d\w*|F16|F32|BF16)\b/.exec(type)?.[1] ?? 'unstated',
      settings: settingsAt(row, ['n_prompt', 'n_gen', 'n_depth', 'n_batch', 'n_threads']),
      measuredAt: textAt(row, 'test_time'),
      error: null,
      metrics: [rate],
    };
  });
};
