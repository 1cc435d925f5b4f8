/**
 * Cold start of `assay --version` against a bare `node -e 0`, in turn, A B A B …, so that a drift
 * of the machine's speed hits both alike.
 * Usage: npm run build && npx tsx benchmarks/version-start.ts
 */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { bootstrapRatio } from '../src/analyze/intervals.ts';
import { printMachine, watchOthers } from './machine.ts';

const PAIRS = 60;

function timed(args: readonly string[]): number {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${args.join(' ')} exited with ${status}`);
  return performance.now() - start;
}

const bare = ['-e', '0'];
const version = ['dist/cli/entry.js', '--version'];
timed(bare);
timed(version);
const othersShare = watchOthers();
const pairs = Array.from({ length: PAIRS }, () => ({ bare: timed(bare), version: timed(version) }));
const differences = pairs.map((pair) => pair.version - pair.bare);
const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
const [low, high] = bootstrapRatio({
  numerators: differences,
  denominators: differences.map(() => 1),
  resamples: 10_000,
  seed: 1,
});
printMachine();
const others = (100 * othersShare()).toFixed(1);
console.log(`n = ${PAIRS} pairs; others took ${others} % of the CPU time`);
console.log(`node -e 0         median ${median(pairs.map((p) => p.bare)).toFixed(1)} ms`);
console.log(`assay --version   median ${median(pairs.map((p) => p.version)).toFixed(1)} ms`);
console.log(
  `difference        median ${median(differences).toFixed(1)} ms, ` +
    `mean 95 % interval [${low.toFixed(1)}, ${high.toFixed(1)}] ms (limit 60)`,
);
