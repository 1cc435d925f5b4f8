/**
 * What a report costs when an experiment has 500 runs: `assay report` and `assay compare` as a user
 * starts them, over made-up runs with real sample files.
 * Usage: npm run build && npx tsx benchmarks/report-size.ts [--runs N] [--times N]
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { quantile } from '../src/analyze/describe.ts';
import { listRuns } from '../src/record/run-reader.ts';
import { temporaryLab } from '../test/record/recorded-run.ts';
import { measureBench } from '../test/support/bench-runs.ts';
import { EXPERIMENT, measure } from '../test/support/measured-lab.ts';
import { printMachine, watchOthers } from './machine.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    times: { type: 'string', default: '7' },
  },
});
const wanted = Number(values.runs);
const times = Number(values.times);
const cli = resolve('dist/cli/entry.js');
const lab = temporaryLab();

const SCHEMES = ['f32', 'bf16', 'int8-g128', 'int4-g128'];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Every fiftieth an evaluation, the rest benchmarks of as many models as it takes. */
async function generate(): Promise<void> {
  const evaluations = Math.max(SCHEMES.length, Math.floor(wanted / 50));
  const benches = wanted - evaluations;
  const cells = SCHEMES.length * BATCHES.length;
  const models = Array.from({ length: Math.ceil(benches / cells) }, (_, i) => `builtin:m${i}`);
  const experiment = { ...EXPERIMENT, models: ['builtin:made-up', ...models] };
  for (let i = 0; i < evaluations; i++) {
    const scheme = SCHEMES[i % SCHEMES.length] as string;
    await measure(lab, { scheme, measure: 'eval', loses: 0.001 * (i % 4), experiment }, i);
  }
  for (let i = 0; i < benches; i++) {
    const model = models[Math.floor(i / cells)] as string;
    const scheme = SCHEMES[i % SCHEMES.length] as string;
    const batchSize = BATCHES[Math.floor(i / SCHEMES.length) % BATCHES.length] as number;
    const takes = 1 + 0.1 * (i % 7);
    const cell = { model, scheme, batchSize, takes, runsPerRound: 10, experiment };
    await measureBench(lab, cell, i % 60);
  }
}

function timed(args: readonly string[]): number {
  const start = performance.now();
  execFileSync(process.execPath, [cli, ...args], { cwd: lab.root, stdio: 'ignore' });
  return (performance.now() - start) / 1_000;
}

try {
  printMachine();
  await generate();
  const entries = listRuns(lab);
  const bytes = entries.reduce((n, run) => n + statSync(join(run.dir, 'samples.jsonl')).size, 0);
  console.log(`${entries.length} runs, ${(bytes / 1e6).toFixed(1)} MB of samples`);
  const othersShare = watchOthers();
  for (const args of [['report'], ['compare'], ['report', '--json']]) {
    const seconds = Array.from({ length: times }, () => timed(args)).sort((a, b) => a - b);
    const at = (q: number): string => quantile(seconds, q).toFixed(2);
    const range = `least ${at(0)}, most ${at(1)}, n = ${times}`;
    console.log(`assay ${args.join(' ')}: median ${at(0.5)} s (${range})`);
  }
  console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
} finally {
  lab.remove();
}
