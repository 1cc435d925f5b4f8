/**
 * `vllm bench serve` and its like: the block of results. The block rounds the duration, so what is
 * computed from it differs in the last digits from what it prints.
 */
import { ruleDialect } from '../rules.ts';

const NAMES: Readonly<Record<string, { name: string; unit: string }>> = {
  'Successful requests': { name: 'succeeded', unit: 'requests' },
  'Failed requests': { name: 'failed', unit: 'requests' },
  'Maximum request concurrency': { name: 'maxConcurrency', unit: 'requests' },
  'Request rate configured (RPS)': { name: 'requestRate', unit: 'requests/s' },
  'Benchmark duration (s)': { name: 'duration', unit: 's' },
  'Total input tokens': { name: 'inputTokens', unit: 'tokens' },
  'Total generated tokens': { name: 'generatedTokens', unit: 'tokens' },
  'Request throughput (req/s)': { name: 'requestThroughput', unit: 'requests/s' },
  'Output token throughput (tok/s)': { name: 'outputThroughput', unit: 'tokens/s' },
  'Peak output token throughput (tok/s)': { name: 'peakOutputThroughput', unit: 'tokens/s' },
  'Peak concurrent requests': { name: 'peakConcurrency', unit: 'requests' },
  'Total Token throughput (tok/s)': { name: 'totalThroughput', unit: 'tokens/s' },
  'Total token throughput (tok/s)': { name: 'totalThroughput', unit: 'tokens/s' },
};
const ROW = /^([A-Z][\w /()]{3,44}):\s+([\d.,]+|inf)\s*$/;
const LATENCY = /^(Mean|Median|P\d+(?:\.\d+)?) (TTFT|TPOT|ITL|E2EL) \(ms\):\s+([\d.]+)/;

export const vllmBench = ruleDialect({
  name: 'vllm-bench',
  needles: [
    ...[
      'Serving Benchmark Result',
      ' requests:',
      'request concurrency',
      'duration (s):',
      'tokens:',
    ],
    ...['(req/s)', '(tok/s)', 'TTFT (ms)', 'TPOT (ms)', 'ITL (ms)', 'EL (ms)', 'configured (RPS)'],
    'Peak concurrent',
  ],
  rules: [
    { pattern: /=+ Serving Benchmark Result =+/, sign: { kind: 'final', outcome: 'succeeded' } },
    {
      pattern: ROW,
      also: ([, label, figure], log, line) => {
        const known = NAMES[label as string];
        const value = Number(figure?.replaceAll(',', ''));
        if (known && Number.isFinite(value))
          log.fact(known.name, value, line, { unit: known.unit });
      },
    },
    {
      pattern: LATENCY,
      also: ([, which, what, ms], log, line) =>
        log.fact(`${what?.toLowerCase()}.${which?.toLowerCase()}`, Number(ms), line, {
          unit: 'ms',
        }),
    },
  ],
});
