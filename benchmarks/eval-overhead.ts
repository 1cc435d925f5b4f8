/**
 * Where the time of an `assay eval` goes: the engine (loading, scoring) against everything else
 * (process start, tokenizing, planning, rows, metrics, hashes). Read from what the run recorded.
 * Usage: npm run build && npx tsx benchmarks/eval-overhead.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printMachine } from './machine.ts';
import { describeBatches } from './recorded-times.ts';

const ROUNDS = 5;
const cli = resolve('dist/cli/entry.js');
const lab = mkdtempSync(join(tmpdir(), 'assay-benchmark-'));

/** A Llama of 136 M parameters with random weights: what a real small model costs. */
const MODEL_136M = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_key_value_heads: 12,
  vocab_size: 32_000,
  max_position_embeddings: 2_048,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
};

function evaluate(args: readonly string[]): string {
  const output = execFileSync(process.execPath, [cli, 'eval', ...args, '--json'], {
    cwd: lab,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return join(lab, 'runs', JSON.parse(output).runId);
}

try {
  printMachine();
  const config = join(lab, 'config.json');
  writeFileSync(config, JSON.stringify(MODEL_136M));
  const ids = join(lab, 'ids.jsonl');
  const row = (seed: number): string =>
    JSON.stringify({
      input_ids: Array.from({ length: 256 }, (_, i) => (seed * 7919 + i * 104_729) % 32_000),
    });
  writeFileSync(ids, Array.from({ length: 40 }, (_, i) => row(i)).join('\n'));
  const cases = {
    'assay-tiny, held-out text (5.2 M parameters)': [
      '--model',
      'builtin:assay-tiny',
      '--corpus',
      'builtin:assay-tiny/heldout.jsonl',
    ],
    'dummy weights, 10,200 token ids (136 M parameters)': [
      '--model',
      `dummy:${config}`,
      '--corpus',
      ids,
    ],
  };
  for (const [name, args] of Object.entries(cases)) {
    console.log(`\n${name}, ${ROUNDS} runs`);
    describeBatches(Array.from({ length: ROUNDS }, () => evaluate(args)));
  }
} finally {
  rmSync(lab, { recursive: true, force: true });
}
