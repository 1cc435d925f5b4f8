/**
 * Where the time of an `assay eval` goes: the engine (loading, scoring) against everything else
 * (process start, tokenizing, planning, rows, metrics, hashes). Read from what the run recorded.
 * Usage: npm run build && npx tsx benchmarks/eval-overhead.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MODEL_136M } from './dummy-model.ts';
import { printMachine, watchOthers } from './machine.ts';
import { describeBatches } from './recorded-times.ts';

const ROUNDS = 5;
const cli = resolve('dist/cli/entry.js');
const lab = mkdtempSync(join(tmpdir(), 'assay-benchmark-'));

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
    const othersShare = watchOthers();
    const runs = Array.from({ length: ROUNDS }, () => evaluate(args));
    const others = (100 * othersShare()).toFixed(1);
    console.log(`\n${name}, n = ${ROUNDS} runs; others took ${others} % of the CPU time`);
    describeBatches(runs);
  }
} finally {
  rmSync(lab, { recursive: true, force: true });
}
