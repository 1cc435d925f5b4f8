/** llama.cpp: llama-perplexity, llama-server's timings, llama-bench's table. */
import { ruleDialect } from '../rules.ts';

const NUMBER = String.raw`([\d.]+)`;
/** `inf` occurs where nothing took any time. */
const PER_SECOND = String.raw`(?:.{0,120}?([\d.]+|inf) tokens per second)?`;

export const llamaCpp = ruleDialect({
  name: 'llama.cpp',
  needles: [
    ...['Final estimate: PPL', 'prompt eval time', ' eval time = ', 'llama_', 'total time = '],
    ...['| pp', '| tg', 'print_info: ', 'llm_load_print_meta'],
  ],
  rules: [
    {
      pattern: /Final estimate: PPL = ([\d.]+) \+\/- ([\d.]+)/,
      facts: [
        { name: 'perplexity', unit: 'perplexity' },
        { name: 'perplexityError', unit: 'perplexity' },
      ],
      sign: { kind: 'final', outcome: 'succeeded' },
    },
    {
      pattern: new RegExp(
        String.raw`prompt eval time = +${NUMBER} ms \/ +(\d+) tokens${PER_SECOND}`,
      ),
      facts: [
        { name: 'promptEval', unit: 'ms', keep: 'last' },
        { name: 'promptTokens', unit: 'tokens', keep: 'last' },
        { name: 'promptSpeed', unit: 'tokens/s', keep: 'last' },
      ],
      also: (_, log, line) => log.count('requests', line, 'requests'),
    },
    {
      pattern: new RegExp(
        String.raw`(?:^|[^t]) +eval time = +${NUMBER} ms \/ +(\d+) (?:tokens|runs)${PER_SECOND}`,
      ),
      facts: [
        { name: 'eval', unit: 'ms', keep: 'last' },
        { name: 'generated', unit: 'tokens', keep: 'last' },
        { name: 'generationSpeed', unit: 'tokens/s', keep: 'last' },
      ],
    },
    {
      // llama-bench: `| llama 7B Q4_0 | 3.56 GiB | 6.74 B | CUDA | 99 | pp512 | 2368.80 ± 93.24 |`
      pattern: /\| +((?:pp|tg)\d+(?: ?@ ?d\d+)?) +\| +([\d.]+) ± ([\d.]+) +\|/,
      also: ([, test, mean, deviation], log, line) => {
        log.fact(`bench.${test}`, Number(mean), line, { unit: 'tokens/s' });
        log.fact(`bench.${test}.stddev`, Number(deviation), line, { unit: 'tokens/s' });
      },
    },
    {
      pattern: /(?:print_info|llm_load_print_meta): general\.name += (.+)/,
      facts: [{ name: 'model' }],
    },
    {
      pattern: /(?:print_info|llm_load_print_meta): (?:file|model) type += (.+)/,
      facts: [{ name: 'fileType' }],
    },
    {
      pattern: /(?:print_info|llm_load_print_meta): (?:file|model) size += ([\d.]+) GiB/,
      facts: [{ name: 'size', unit: 'GiB' }],
    },
  ],
});
