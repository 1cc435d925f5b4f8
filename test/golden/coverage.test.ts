/**
 * A small version of benchmarks/coverage.ts, whose table is in docs/statistics.md: the cases that
 * reports stand on must stay where 5,000 trials found them.
 */
import { describe, expect, test } from 'vitest';
import { type Case, INTERVAL_CASES } from '../../benchmarks/coverage-cases.ts';
import { EQUAL_CASES } from '../../benchmarks/equal-cases.ts';
import { sfc32 } from '../../src/analyze/random.ts';

const TRIALS = 300;
/**
 * A share of 95 % (or 5 %) in 300 trials has a standard error of 1.3 points; four of them, and half
 * a point by which 5,000 trials may have missed. The seed is fixed: only a change can fail this.
 */
const TOLERANCE = 0.055;

function shareOf(name: string, cases: readonly Case[]): number {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`no case ${name}`);
  const random = sfc32(7);
  let yes = 0;
  for (let seed = 0; seed < TRIALS; seed++) if (found.trial(random, seed)) yes++;
  return yes / TRIALS;
}

describe('95 % intervals hold the truth as often as the table says', () => {
  test.each([
    ['bootstrap of a mean, expanded tails · normal · n = 10', 0.939],
    ["Student's t · normal · n = 10", 0.95],
    ['loss per token over documents of unequal length · n = 40', 0.948],
    ['correlated windows (ρ = 0.3), in blocks of 4 · n = 30', 0.929],
    ['Wilson, proportion 0.01 · n = 150', 0.933],
    ['Tango, accuracy difference 0, 10 % of items differ · n = 60', 0.953],
  ])('%s', (name, share) => {
    expect(Math.abs(shareOf(name, INTERVAL_CASES) - share)).toBeLessThan(TOLERANCE);
  });
});

describe('equal things are called different no more often than the table says', () => {
  test.each([
    ['latency, 10 rounds · margin none', 0.049],
    ['latency, 20 rounds · margin 5 %', 0],
    ['perplexity, 10 documents · margin none', 0.046],
    ['accuracy, 60 items, 10 % differ · margin none', 0.011],
    ['a report of 12 comparisons of equal speeds', 0.049],
  ])('%s', (name, share) => {
    expect(shareOf(name, EQUAL_CASES)).toBeLessThan(share + TOLERANCE);
  });
});
