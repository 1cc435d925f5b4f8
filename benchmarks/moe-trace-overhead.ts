/**
 * What tracing every layer costs a mixture of experts at batch 8: `assay moe trace --compare`, in
 * which the same batch is generated traced and untraced, one right after the other.
 * Usage: npm run build && npx tsx benchmarks/moe-trace-overhead.ts [PAIRS] [THREADS]
 */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metric } from '../src/record/schema.ts';
import { printMachine, watchOthers } from './machine.ts';

const pairs = process.argv[2] ?? '20';
const threads = process.argv[3];
const entry = join(import.meta.dirname, '../dist/cli/entry.js');
const lab = mkdtempSync(join(tmpdir(), 'assay-bench-'));
process.on('exit', () => rmSync(lab, { recursive: true, force: true }));

const BUILTIN = 'builtin:assay-tiny-moe';
const SCHEMES = ['f32', 'int4-g128'];

function compare(scheme: string): Record<string, Metric> {
  const prompts = ['--prompts', `${BUILTIN}/prompts.jsonl`, '--prompt-count', '8'];
  const settings = ['--scheme', scheme, '--new-tokens', '128', '--batch-size', '8'];
  const own = threads === undefined ? [] : ['--threads', threads];
  const args = ['moe', 'trace', '--model', BUILTIN, ...prompts, ...settings, ...own];
  const options: ExecFileSyncOptions = { cwd: lab, stdio: ['ignore', 'pipe', 'ignore'] };
  const output = execFileSync(
    process.execPath,
    [entry, ...args, '--compare', pairs, '--json'],
    options,
  );
  return JSON.parse(output.toString()).metrics;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const cited = (metric: Metric | undefined, show: (value: number) => string): string => {
  const [low, high] = metric?.ci95 ?? [Number.NaN, Number.NaN];
  return `${show(metric?.value ?? Number.NaN)} [${show(low)}, ${show(high)}]`;
};

printMachine();
const others = watchOthers();
console.log(
  '| scheme | decoding | whole batches | CPU time | tok/s traced | untraced | same tokens |',
);
console.log('|---|---|---|---|---|---|---|');
for (const scheme of SCHEMES) {
  const found = compare(scheme);
  const rate = (name: string): string => cited(found[name], (value) => value.toFixed(0));
  const same = `${found.sameTokenPairs?.value} of ${found.sameTokenPairs?.n}`;
  const overheads = ['decodeOverhead', 'wallOverhead', 'cpuOverhead'].map((name) =>
    cited(found[name], percent),
  );
  const row = [scheme, ...overheads, rate('decodeRateTraced'), rate('decodeRateUntraced'), same];
  console.log(`| ${row.join(' | ')} |`);
}
console.log(`others took ${percent(others())} of the CPU time`);
