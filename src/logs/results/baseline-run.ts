/** manifest.json and results_summary.json of a baseline runner: perplexity by dataset. */
import { type ImportedResult, isObject, metricsAt, type ResultReader, textAt } from './imported.ts';

const METRICS = {
  loss: ['loss', 'nats'],
  perplexity: ['perplexity', ''],
  tokenAccuracy: ['token_accuracy', ''],
  tokens: ['tokens_evaluated', 'tokens'],
  tokensPerSecond: ['tok_per_sec', 'tokens/s'],
} as const;

const SUMMARY = {
  perplexity: ['best_ppl', ''],
  tokenAccuracy: ['best_acc', ''],
  tokensPerSecond: ['avg_tok_per_sec', 'tokens/s'],
  peakVram: ['peak_vram_gb', 'GB as printed'],
} as const;

export const readBaselineManifest: ResultReader = ({ json }) => {
  if (!isObject(json) || !isObject(json.results) || !textAt(json, 'model_id')) return null;
  const datasets = Object.entries(json.results);
  if (!datasets.every(([, entry]) => isObject(entry) && isObject(entry.metrics))) return null;
  const peak = metricsAt(json, { peakVram: SUMMARY.peakVram });
  return datasets.map(([dataset, entry]): ImportedResult => {
    const metrics = (entry as { metrics: Record<string, unknown> }).metrics;
    return {
      tool: 'baseline-manifest',
      model: textAt(json, 'model_id') as string,
      scheme: textAt(json, 'dtype') ?? 'unstated',
      settings: { dataset, budget: textAt(json, 'baseline') ?? 'unstated' },
      measuredAt: textAt(json, 'date_utc'),
      error: null,
      metrics: [...metricsAt(metrics, METRICS, `results.${dataset}.metrics.`), ...peak],
    };
  });
};

export const readBaselineSummary: ResultReader = ({ json }) => {
  if (!isObject(json) || !textAt(json, 'model_id') || typeof json.best_ppl !== 'number')
    return null;
  return [
    {
      tool: 'baseline-summary',
      model: textAt(json, 'model_id') as string,
      scheme: textAt(json, 'dtype') ?? 'unstated',
      settings: { budget: textAt(json, 'baseline') ?? 'unstated' },
      measuredAt: textAt(json, 'created'),
      error: null,
      metrics: metricsAt(json, SUMMARY),
    },
  ];
};
