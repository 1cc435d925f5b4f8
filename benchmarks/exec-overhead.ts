/**
 * What `assay exec` costs a command that prints a million lines, one write each: against the same
 * command whose output a shell puts into a file through a pipe, in turn, A B A B …
 * Usage: npm run build && npx tsx benchmarks/exec-overhead.ts [LINES]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { printMachine, watchOthers } from './machine.ts';

const LINES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;
const entry = join(import.meta.dirname, '../dist/cli/entry.js');
const script =
  `const { writeSync } = require('node:fs');` +
  `for (let i = 0; i < ${LINES}; i++) writeSync(1, 'line ' + i + ' of a program that talks\\n');`;

const lab = mkdtempSync(join(tmpdir(), 'assay-bench-'));
process.on('exit', () => rmSync(lab, { recursive: true, force: true }));

function timed(command: string, args: readonly string[]): number {
  const start = performance.now();
  const { status } = spawnSync(command, args, { cwd: lab, stdio: ['ignore', 'ignore', 'ignore'] });
  if (status !== 0) throw new Error(`${command} exited with ${status}`);
  return (performance.now() - start) / 1000;
}

const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

printMachine();
const othersShare = watchOthers();
const exec = (argument: string): number => {
  return timed(process.execPath, [entry, 'exec', '--', process.execPath, '-e', argument]);
};
const piped = (): number =>
  timed('sh', ['-c', '"$0" -e "$1" | cat > piped.log', process.execPath, script]);
const rounds = Array.from({ length: ROUNDS }, () => ({
  piped: piped(),
  exec: exec(script),
  nothing: exec('0'),
}));
const of = (key: 'piped' | 'exec' | 'nothing'): number => median(rounds.map((round) => round[key]));
const perLine = rounds.map((round) => ((round.exec - round.nothing - round.piped) / LINES) * 1e6);
console.log(`n = ${ROUNDS} rounds of ${LINES} lines; medians`);
console.log(`through a pipe into a file   ${of('piped').toFixed(2)} s`);
console.log(`assay exec                   ${of('exec').toFixed(2)} s`);
console.log(`assay exec of nothing        ${of('nothing').toFixed(2)} s`);
console.log(
  `more than the pipe and the start, a line: ${median(perLine).toFixed(2)} µs ` +
    `(${Math.min(...perLine).toFixed(2)} … ${Math.max(...perLine).toFixed(2)})`,
);
console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
