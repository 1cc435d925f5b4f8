/**
 * How often 95 % intervals hold the truth, and how often equal things are called different, in
 * simulations from fixed seeds: the same machine-independent shares every time. Prints the tables
 * of docs/statistics.md. Usage: npx tsx benchmarks/coverage.ts [--trials N] [--only WORD]
 */
import { parseArgs } from 'node:util';
import { wilson } from '../src/analyze/intervals.ts';
import { sfc32 } from '../src/analyze/random.ts';
import { type Case, INTERVAL_CASES } from './coverage-cases.ts';
import { EQUAL_CASES } from './equal-cases.ts';

const options = { trials: { type: 'string', default: '5000' }, only: { type: 'string' } } as const;
const { values } = parseArgs({ options });
const trials = Number(values.trials);
const percent = (share: number): string => (100 * share).toFixed(1);

function table(heading: string, cases: readonly Case[]): void {
  console.log(`\n| ${heading} | share % | 95 % of the simulation |\n| --- | --- | --- |`);
  for (const { name, trial } of cases) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    const random = sfc32(20261125);
    let yes = 0;
    for (let seed = 0; seed < trials; seed++) if (trial(random, seed)) yes++;
    const [low, high] = wilson(yes, trials).map(percent);
    console.log(`| ${name} | ${percent(yes / trials)} | ${low} – ${high} |`);
  }
}

const start = performance.now();
table('95 % interval holds the truth', INTERVAL_CASES);
table('equal things called better or worse', EQUAL_CASES);
const seconds = ((performance.now() - start) / 1_000).toFixed(0);
console.error(`${trials} trials a case in ${seconds} s`);
