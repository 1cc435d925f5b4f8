/** Ctrl-C: what was measured is kept, the run says that it was cancelled, the next one resumes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loadRun } from '../../src/record/run-reader.ts';
import { acknowledgedRows } from '../support/acknowledged-rows.ts';
import type { BenchLab } from '../support/bench-lab.ts';
import { qualityOf } from '../support/eval-output.ts';
import type { RunOutput } from '../support/experiment-file.ts';
import { longExperiment } from '../support/long-experiment.ts';
import { gone, waitFor, workerOf } from '../support/processes.ts';

let bench: BenchLab;
afterEach(() => bench.remove());

describe('an interrupted experiment', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s to the whole process group exits with 130, is cancelled, and resumes',
    async (signal) => {
      bench = longExperiment();
      const run = bench.start(['run', 'small.yaml', '--json'], { group: true });
      await run.says('batches');
      await waitFor(() => acknowledgedRows(bench.lab).size > 0);
      process.kill(-run.pid, signal);
      const result = await run.ended;
      expect(result.code, result.stderr).toBe(130);
      expect(result.stderr).toContain('run the same command again to resume');
      const { runs } = result.json<RunOutput>();
      const by = signal === 'SIGINT' ? 'interrupted by the user' : `ended by ${signal}`;
      const reason = expect.stringContaining(by);
      expect(runs).toMatchObject([{ status: 'cancelled', reason }]);
      const cancelled = loadRun(bench.lab, runs[0]!.runId);
      expect(cancelled.summary).toBeNull();
      expect((await bench.assay(['verify'])).code).toBe(0);
      const again = await bench.assay(['run', 'small.yaml', '--json']);
      expect(again.code, again.stderr).toBe(0);
      const second = again.json<RunOutput>().runs;
      const { resumedFrom } = loadRun(bench.lab, second[0]!.runId).manifest;
      expect(resumedFrom?.runId).toBe(runs[0]!.runId);
      expect(resumedFrom!.rows).toBeGreaterThan(0);
      const fresh = (
        await bench.assay(['run', 'small.yaml', '--json', '--fresh'])
      ).json<RunOutput>();
      expect(fresh.runs.map((each) => qualityOf(each.metrics))).toEqual(
        second.map((each) => qualityOf(each.metrics)),
      );
      expect(bench.leftovers()).toEqual([]);
    },
  );

  it('twice quits at once; its run is unfinished, and resumes', async () => {
    bench = longExperiment({ documents: 200 });
    const run = bench.start(['run', 'small.yaml'], { group: true });
    await run.says('batches');
    const worker = await waitFor(() => workerOf(run.pid));
    process.kill(-run.pid, 'SIGINT');
    process.kill(-run.pid, 'SIGINT');
    const result = await run.ended;
    expect(result.code).toBe(130);
    await gone(worker);
    const listed = await bench.assay(['runs', 'ls', '--json']);
    const [first] = listed.json<{ runs: { status: string }[] }>().runs;
    expect(['unfinished', 'cancelled']).toContain(first!.status);
    const again = await bench.assay(['run', 'small.yaml', '--json']);
    expect(again.code, again.stderr).toBe(0);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });

  it('before its first cell leaves nothing to clean up', async () => {
    bench = longExperiment();
    const run = bench.start(['run', 'small.yaml'], { group: true });
    await sleep(60);
    process.kill(-run.pid, 'SIGINT');
    const result = await run.ended;
    // So early that Node itself may have taken the signal.
    expect(result.code === 130 || result.signal === 'SIGINT').toBe(true);
    expect((await bench.assay(['run', 'small.yaml'])).code).toBe(0);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });

  it('of one evaluation resumes where the same command is given again', async () => {
    bench = longExperiment({ documents: 100 });
    const args = ['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--budget', 'extended'];
    const more = ['--context', '64', '--stride', '64', '--batch-tokens', '128', '--json'];
    const run = bench.start([...args, ...more], { group: true });
    await waitFor(() => acknowledgedRows(bench.lab).size > 0);
    process.kill(-run.pid, 'SIGINT');
    const result = await run.ended;
    expect(result.code, result.stderr).toBe(130);
    expect(result.stdout).not.toContain('"perplexity"');
    const again = await bench.assay([...args, ...more]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/resuming after \d+ batches/);
  });
});

describe('an interrupted generation', () => {
  it('exits with 130 and leaves nothing', async () => {
    bench = longExperiment();
    const args = ['generate', '--model', 'model', '--prompt', 'a', '--max-tokens', '250'];
    const run = bench.start([...args, '--temperature', '1'], { group: true });
    await Promise.race([sleep(250), run.ended]);
    if (run.child.exitCode === null) process.kill(-run.pid, 'SIGINT');
    const result = await run.ended;
    expect(result.code === 130 || result.code === 0 || result.signal === 'SIGINT').toBe(true);
    expect(result.stderr).not.toMatch(/\n {4}at /);
    expect(bench.leftovers()).toEqual([]);
  });
});
