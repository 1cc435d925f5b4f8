/** Benchmarks whose processes are killed, stopped, or too slow: no cell takes another one along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { completeRounds } from '../../src/experiment/bench-resume.ts';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { rowsOf, writeBenchFile } from '../support/bench-file.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import type { RunOutput } from '../support/experiment-file.ts';
import { childrenOf, gone, waitFor } from '../support/processes.ts';

let bench: BenchLab;
afterEach(() => bench.remove());

/** A benchmark of some seconds: rounds to be interrupted in. */
function longBenchmark(more = ''): void {
  bench = benchLab();
  writeBenchFile(bench, { rounds: 6, runs: 90, newTokens: 120, more });
}

/** Whole rounds of all attempts so far, each row as its JSON text. */
function roundRows(): Set<string> {
  const rows = new Set<string>();
  for (const { dir } of listRuns(bench.lab)) {
    const path = join(dir, 'samples.jsonl');
    if (!existsSync(path)) continue;
    const kept = completeRounds(readSamples(path).rows).rows;
    for (const row of kept.filter(({ kind }) => kind === 'iteration' || kind === 'round')) {
      rows.add(JSON.stringify(row));
    }
  }
  return rows;
}

/** Every round that was ever complete is in the final runs, and each final run is complete. */
function checkRounds(output: RunOutput, acknowledged: ReadonlySet<string>): void {
  const final = new Set<string>();
  for (const { runId } of output.runs) {
    const rounds = rowsOf(bench, runId, 'round');
    expect(rounds.map((row) => row.round).toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    const iterations = rowsOf(bench, runId, 'iteration');
    expect(iterations.filter((row) => !row.warmup)).toHaveLength(90);
    const numbers = iterations.map((row) => row.iteration);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(rowsOf(bench, runId, 'memory')).toHaveLength(1);
    expect(rowsOf(bench, runId, 'generated')).toHaveLength(5);
    for (const row of [...rounds, ...iterations]) final.add(JSON.stringify(row));
  }
  expect([...acknowledged].filter((row) => !final.has(row))).toEqual([]);
}

describe('a worker that is killed', () => {
  it('costs the cell that it measured, and no other; the next start resumes it', async () => {
    longBenchmark();
    const run = bench.start(['run', 'speed.yaml', '--json']);
    await run.says('round 3 of 6');
    const worker = await waitFor(() => childrenOf(run.pid)[0] ?? null);
    process.kill(worker, 'SIGKILL');
    const result = await run.ended;
    const { runs } = result.json<RunOutput>();
    const failed = runs.filter(({ status }) => status === 'failed');
    // It may have waited for its turn: then it was started again, and nothing was lost.
    expect(failed.length).toBeLessThanOrEqual(1);
    expect(result.code).toBe(failed.length === 0 ? 0 : 4);
    for (const { reason } of failed) expect(reason).toContain('killed by SIGKILL');
    expect(runs.filter(({ status }) => status === 'succeeded').length).toBeGreaterThanOrEqual(3);
    const acknowledged = roundRows();
    const again = await bench.assay(['run', 'speed.yaml', '--json']);
    expect(again.code, again.stderr).toBe(0);
    const output = again.json<RunOutput>();
    checkRounds(output, acknowledged);
    for (const { runId, reused } of output.runs.filter((each) => !each.reused)) {
      expect(reused).toBe(false);
      expect(loadRun(bench.lab, runId).manifest.resumedFrom?.rows).toBeGreaterThan(0);
    }
    expect((await bench.assay(['verify'])).code).toBe(0);
    expect(bench.leftovers()).toEqual([]);
  });
});

describe('a supervisor that ends', () => {
  it('by kill -9 loses no complete round', async () => {
    longBenchmark();
    const acknowledged = new Set<string>();
    for (const round of ['round 2 of 6', 'round 4 of 6']) {
      const run = bench.start(['run', 'speed.yaml']);
      await run.says(round);
      const workers = childrenOf(run.pid);
      process.kill(run.pid, 'SIGKILL');
      await run.ended;
      for (const worker of workers) await gone(worker);
      for (const row of roundRows()) acknowledged.add(row);
    }
    const listed = await bench.assay(['runs', 'ls', '--json']);
    expect(listed.code, listed.stderr).toBe(0);
    const last = await bench.assay(['run', 'speed.yaml', '--json']);
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(/resuming after \d+ rounds of cells/);
    checkRounds(last.json<RunOutput>(), acknowledged);
    expect((await bench.assay(['verify'])).code).toBe(0);
    expect(bench.leftovers()).toEqual([]);
  });

  it('by Ctrl-C closes every run as cancelled, and resumes', async () => {
    longBenchmark();
    const run = bench.start(['run', 'speed.yaml', '--json'], { group: true });
    await run.says('round 3 of 6');
    process.kill(-run.pid, 'SIGINT');
    const result = await run.ended;
    expect(result.code, result.stderr).toBe(130);
    const { runs } = result.json<RunOutput>();
    expect(runs).toHaveLength(4);
    for (const { status, reason } of runs) {
      expect({ status, reason }).toEqual({
        status: 'cancelled',
        reason: 'interrupted by the user',
      });
    }
    const acknowledged = roundRows();
    expect(acknowledged.size).toBeGreaterThan(0);
    const again = await bench.assay(['run', 'speed.yaml', '--json']);
    expect(again.code, again.stderr).toBe(0);
    checkRounds(again.json<RunOutput>(), acknowledged);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});

describe('a batch size that takes longer than its limit', () => {
  it('fails as timed out; the smaller one is measured', async () => {
    bench = benchLab();
    const config = { batchSizes: [1, 512], rounds: 1, runs: 20, newTokens: 100 };
    writeBenchFile(bench, { ...config, schemes: ['f32'], more: 'timeout_s: 4' });
    const result = await bench.assay(['run', 'speed.yaml', '--json']);
    expect(result.code).toBe(4);
    const { runs } = result.json<RunOutput>();
    expect(runs.map(({ status, reason }) => [status, reason])).toEqual([
      ['succeeded', null],
      ['failed', 'timed out after 4 s'],
    ]);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});
