import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BenchSettings, planBench } from './plan.ts';

const settings = (changes: Partial<BenchSettings>): BenchSettings => ({
  batch_size: 1,
  runs: 10,
  warmup: 0,
  rounds: 10,
  new_tokens: 4,
  prompt_count: 4,
  prompt_tokens: 4,
  ...changes,
});

const plan = (changes: Partial<BenchSettings>, prompts = 4) =>
  planBench(settings(changes), {
    prompts: Array.from({ length: prompts }, (_, i) => [i + 1]),
    findings: [],
  });

test('the rounds share all runs, and differ by one at most', () => {
  const counts = fc.record({
    rounds: fc.integer({ min: 1, max: 30 }),
    more: fc.integer({ min: 0, max: 200 }),
  });
  fc.assert(
    fc.property(counts, ({ rounds, more }) => {
      const runs = rounds + more;
      const { runsOf } = plan({ runs, rounds });
      const shares = Array.from({ length: rounds }, (_, round) => runsOf(round));
      expect(shares.reduce((a, b) => a + b)).toBe(runs);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});

test('batches go through the prompts without a gap, over the borders of rounds', () => {
  const shape = fc.record({
    batch_size: fc.integer({ min: 1, max: 9 }),
    runs: fc.integer({ min: 5, max: 40 }),
    rounds: fc.integer({ min: 1, max: 5 }),
    prompts: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(shape, ({ prompts, ...of }) => {
      const { runsOf, batchOf } = plan(of, prompts);
      const fed = Array.from({ length: of.rounds }, (_, round) =>
        Array.from({ length: runsOf(round) }, (_, i) => batchOf(round, i)),
      ).flat(2);
      expect(fed).toEqual(Array.from({ length: of.runs * of.batch_size }, (_, i) => i % prompts));
    }),
  );
});
