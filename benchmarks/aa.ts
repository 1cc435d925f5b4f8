/**
 * A/A: one model twice in one experiment, in 50 experiments with other seeds, through `assay run`
 * as a user starts it. A comparison that is right at 95 % calls about 5 % of them different.
 * Usage: npm run build && npx tsx benchmarks/aa.ts [--experiments N]
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareRuns } from '../src/analyze/compare.ts';
import type { Comparison } from '../src/analyze/comparison.ts';
import { wilson } from '../src/analyze/intervals.ts';
import { groupSamples } from '../src/analyze/samples.ts';
import { labAt } from '../src/record/lab.ts';
import { type ClosedRun, listRuns } from '../src/record/run-reader.ts';
import { readSamples } from '../src/record/sample-reader.ts';
import { printMachine, watchOthers } from './machine.ts';

/** Of an experiment file, where nothing else is said. */
const MARGIN = 0.05;
const NO_MARGIN = 1e-9;

const { values } = parseArgs({ options: { experiments: { type: 'string', default: '50' } } });
const experiments = Number(values.experiments);
const cli = resolve('dist/cli/entry.js');
const lab = mkdtempSync(join(tmpdir(), 'assay-benchmark-'));

/** Two names of the same files: to the scheduler they are two variants like any others. */
const experimentFile = (seed: number): string => `
name: aa-${seed}
models: [./twin-a, ./twin-b]
schemes: [f32]
baseline: f32
seed: ${seed}
measures:
  - bench:
      batch_sizes: [1]
      runs: 40
      warmup: 3
      rounds: 10
      prompt_tokens: 16
      new_tokens: 16
      cold_starts: 0
`;

function runExperiment(seed: number): [ClosedRun, ClosedRun] {
  const file = join(lab, `aa-${seed}.yaml`);
  writeFileSync(file, experimentFile(seed));
  const options = { cwd: lab, stdio: 'ignore' } as const;
  execFileSync(process.execPath, [cli, 'run', file, '--json'], options);
  const runs = listRuns(labAt(lab)).filter((run) => run.runId.startsWith(`aa-${seed}/`));
  const closed = runs.filter((run): run is ClosedRun => run.kind === 'closed');
  if (closed.length !== 2) throw new Error(`experiment ${seed} left ${closed.length} runs`);
  return closed as [ClosedRun, ClosedRun];
}

function compare([variant, baseline]: [ClosedRun, ClosedRun], margin: number): Comparison {
  const samplesOf = ({ dir }: ClosedRun) =>
    groupSamples(readSamples(join(dir, 'samples.jsonl')).rows);
  const manifests = { variant: variant.manifest, baseline: baseline.manifest };
  const runs = { variant: samplesOf(variant), baseline: samplesOf(baseline), manifests };
  return compareRuns('compare.latency-ratio/2', runs, { resamples: 0, seed: 0, margin });
}

const isDifferent = ({ verdict }: Comparison): boolean => ['better', 'worse'].includes(verdict);

function share(name: string, found: readonly Comparison[]): void {
  const different = found.filter(isDifferent).length;
  const [low, high] = wilson(different, found.length).map((end) => (100 * end).toFixed(1));
  const percent = ((100 * different) / found.length).toFixed(1);
  console.log(`${name}: ${different} of ${found.length} = ${percent} % [${low}, ${high}]`);
}

try {
  for (const twin of ['twin-a', 'twin-b']) {
    cpSync(resolve('models/assay-tiny'), join(lab, twin), { recursive: true });
  }
  printMachine();
  const othersShare = watchOthers();
  const judged: Comparison[] = [];
  const strict: Comparison[] = [];
  for (let seed = 1; seed <= experiments; seed++) {
    const runs = runExperiment(seed);
    const comparison = compare(runs, MARGIN);
    judged.push(comparison);
    strict.push(compare(runs, NO_MARGIN));
    const { value, ci95, verdict, reason, note } = comparison;
    const interval = ci95?.map((end) => end.toFixed(3)).join(', ') ?? reason;
    const said = `${seed}: ${value?.toFixed(3)} [${interval}] ${verdict}`;
    console.error(note === undefined ? said : `${said} (${note.slice(0, 120)})`);
    rmSync(join(lab, 'runs'), { recursive: true });
  }
  console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
  share('called different (margin 5 %)', judged);
  share('95 % interval without 1', strict);
  const widths = judged.flatMap(({ ci95 }) => (ci95 ? [Math.log(ci95[1] / ci95[0]) / 2] : []));
  widths.sort((a, b) => a - b);
  const middle = widths[Math.floor(widths.length / 2)] ?? Number.NaN;
  console.log(`half width of the interval: median ${(100 * middle).toFixed(1)} %`);
} finally {
  rmSync(lab, { recursive: true, force: true });
}
