/** llm-compressor: loguru lines (`ISO+0100 | function | LEVEL - text`), its metrics, its stages. */
import { ruleDialect } from '../rules.ts';

export const llmCompressor = ruleDialect({
  name: 'llm-compressor',
  needles: [
    ...['ompression lifecycle', '| METRIC', 'Creating recipe', 'Quantizing ', 'Inferred `'],
    ...[
      'model is not saved',
      'ression statistic',
      'LLM Compressor',
      '): Calibrating: 100%',
      'Compressing model',
    ],
  ],
  rules: [
    { pattern: /Compression lifecycle (?:reset|initialized)/ },
    {
      pattern: /initialized for (\d+) modifiers/,
      facts: [{ name: 'modifiers', unit: 'modifiers' }],
    },
    {
      pattern: /Inferred `(\w+)` for `(\w+)`/,
      facts: [{ name: 'pipeline' }, { name: 'modifier' }],
    },
    {
      pattern: /Compression lifecycle finalized/,
      also: (_, log, line) => log.fact('finalized', true, line),
    },
    {
      // Printed whenever oneshot() got no output_dir, also when the script saves the model itself.
      pattern: /Optimized model is not saved/,
      also: (_, log, line) => log.fact('savedByItself', false, line),
    },
    {
      pattern: /\| METRIC - time ([\d.]+)s?/,
      also: ([, time], log, line) => log.sum('moduleTime', Number(time), line, 's'),
    },
    {
      pattern: /\| METRIC - error ([\d.]+(?:e[+-]?\d+)?)/,
      facts: [{ name: 'error.max', unit: 'squared error', keep: 'max' }],
      also: (_, log, line) => log.count('modulesQuantized', line, 'modules'),
    },
    {
      pattern: /\| METRIC - Compressed module size: ([\d.]+) MB/,
      also: ([, size], log, line) => log.sum('compressedSize', Number(size), line, 'MB'),
    },
    {
      pattern: /\((\d+)\/(\d+)\): Calibrating:/,
      facts: [
        { name: 'stage', unit: 'stage', keep: 'max' },
        { name: 'stages', unit: 'stages' },
      ],
    },
    {
      pattern: /Compressing model: (\d+)it/,
      facts: [{ name: 'modulesCompressed', unit: 'modules', keep: 'max' }],
    },
  ],
});
