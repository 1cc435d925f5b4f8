/** Hugging Face transformers and datasets: the trainer's dictionaries, shards, warnings. */
import type { Dialect } from '../dialect.ts';
import { applyRule, type Rule } from '../rules.ts';

const RULES: readonly Rule[] = [
  { pattern: /`torch_dtype` is deprecated/ },
  { pattern: /Some weights of (\w+) were not initialized/, facts: [{ name: 'notInitialized' }] },
  { pattern: /\*\*\*\*\* Running (training|[Ee]valuation|Prediction) \*\*\*\*\*/ },
  { pattern: /^\s*Num examples = ([\d,]+)/, facts: [{ name: 'examples', unit: 'examples' }] },
  { pattern: /^\s*Num Epochs = ([\d,]+)/, facts: [{ name: 'epochs', unit: 'epochs' }] },
  { pattern: /^\s*Total optimization steps = ([\d,]+)/, facts: [{ name: 'steps', unit: 'steps' }] },
  {
    pattern: /(?:Model weights|Configuration) saved in (\S+)/,
    facts: [{ name: 'savedIn', keep: 'last' }],
  },
  {
    pattern: /Token indices sequence length is longer .*\((\d+) > (\d+)\)/,
    facts: [
      { name: 'longestInput', unit: 'tokens', keep: 'max' },
      { name: 'inputLimit', unit: 'tokens' },
    ],
  },
];
/** `{'loss': 1.23, 'grad_norm': 0.5, 'learning_rate': 2e-05, 'epoch': 0.1}`, values also quoted. */
const PAIR = /'([a-z_]\w{0,40})': '?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)'?/g;

export const huggingFace: Dialect = {
  name: 'huggingface',
  needles: [
    ...['`torch_dtype` is', 'Some weights of', '***** Running', 'Num examples = ', 'Num Epochs = '],
    ...['optimization steps = ', ' saved in ', 'Token indices', "{'loss': ", "{'eval_", "{'train_"],
    'Loading checkpoint shards',
  ],
  open: (log) => ({
    line(line) {
      const { text } = line;
      if (text.includes('Loading checkpoint shards')) log.spoken();
      for (const rule of RULES) applyRule(rule, log, line);
      if (!/\{'(?:loss|eval_\w+|train_\w+)': /.test(text)) return;
      for (const [, name, value] of text.slice(0, 4000).matchAll(PAIR)) {
        log.lastFact(`${name}`, Number(value), line);
      }
      log.count('reports', line, 'reports');
    },
  }),
};
