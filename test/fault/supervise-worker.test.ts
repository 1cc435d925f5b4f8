/** A worker that dies, or takes too long: recorded and explained, and the matrix goes on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import { acknowledgedRows } from '../support/acknowledged-rows.ts';
import type { BenchLab } from '../support/bench-lab.ts';
import type { RunningCommand } from '../support/command.ts';
import type { RunOutput } from '../support/experiment-file.ts';
import { longExperiment } from '../support/long-experiment.ts';
import { gone, sendSignal, waitFor, workerOf } from '../support/processes.ts';

let bench: BenchLab;
afterEach(() => bench.remove());

describe('a worker that is killed', () => {
  it.each(['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const)(
    'by %s is a failure with its reason; the other cells are measured; the next run resumes it',
    async (signal) => {
      bench = longExperiment({ documents: 200 });
      const run = bench.start(['run', 'small.yaml', '--json']);
      await run.says('batches');
      const worker = await waitFor(() => workerOf(run.pid));
      await waitFor(() => acknowledgedRows(bench.lab).size > 0);
      expect(sendSignal(worker, signal)).toBe(true);
      const result = await run.ended;
      expect(result.code, result.stderr).toBe(4);
      const { runs } = result.json<RunOutput>();
      expect(runs.map((each) => each.status)).toEqual(['failed', 'succeeded']);
      expect(runs[0]!.reason).toContain(signal);
      expect(runs[0]!.reason).toMatch(/peak resident set \d+\.\d\d GiB/);
      if (signal === 'SIGKILL') expect(runs[0]!.reason).toMatch(/memory/);
      expect(result.stderr).toContain(`error: ${runs[0]!.runId}: failed: `);
      expect(loadRun(bench.lab, runs[0]!.runId).summary).toBeNull();
      const log = bench.read('reports/small/EXPERIMENT_LOG.md');
      expect(log).toContain('❌ Failed');
      expect(log).toContain(signal);
      expect((await bench.assay(['verify'])).code).toBe(0);
      const again = await bench.assay(['run', 'small.yaml', '--json']);
      expect(again.code, again.stderr).toBe(0);
      const second = again.json<RunOutput>().runs;
      expect(second.map((each) => each.reused)).toEqual([false, true]);
      expect(loadRun(bench.lab, second[0]!.runId).manifest.resumedFrom?.runId).toBe(runs[0]!.runId);
      expect(bench.read('reports/small/EXPERIMENT_LOG.md')).not.toContain(signal);
      expect(bench.leftovers()).toEqual([]);
    },
  );
});

describe('a cell that takes longer than its limit', () => {
  it('is stopped, recorded as failed with the limit, and can be resumed', async () => {
    bench = longExperiment({ schemes: ['f32'], documents: 400, more: 'timeout_s: 1.5' });
    const result = await bench.assay(['run', 'small.yaml', '--json']);
    expect(result.code, result.stderr).toBe(4);
    const [run] = result.json<RunOutput>().runs;
    expect(run).toMatchObject({ status: 'failed', reason: 'timed out after 1.5 s' });
    expect(result.stderr).toMatch(/timed out after 1\.5 s/);
    // The limit is no part of what is measured: without it the run goes on where it was stopped.
    const kept = acknowledgedRows(bench.lab);
    bench.write('small.yaml', bench.read('small.yaml').replace('timeout_s: 1.5', ''));
    const again = await bench.assay(['run', 'small.yaml', '--json']);
    expect(again.code, again.stderr).toBe(0);
    const now = acknowledgedRows(bench.lab);
    for (const row of kept) expect(now.has(row)).toBe(true);
    const [second] = again.json<RunOutput>().runs;
    const { resumedFrom } = loadRun(bench.lab, second!.runId).manifest;
    expect(resumedFrom?.rows ?? 0).toBe(kept.size);
  });
});

const MIB = 2 ** 20;

interface MemoryGroup {
  write(name: string, value: number): void;
  read(name: string): number;
  remove(): void;
}

/** A memory cgroup of version 1 with this limit; null where we may not make one. */
function memoryGroup(bytes: number): MemoryGroup | null {
  const path = `/sys/fs/cgroup/memory/assay-test-${process.pid}`;
  const group: MemoryGroup = {
    write: (name, value) => writeFileSync(join(path, name), String(value)),
    read: (name) => Number(readFileSync(join(path, name), 'utf8')),
    remove: () => rmdirSync(path),
  };
  try {
    mkdirSync(path);
    group.write('memory.limit_in_bytes', bytes);
    if (group.read('memory.limit_in_bytes') === bytes) return group;
    group.remove();
  } catch {}
  return null;
}

const group = memoryGroup(2 ** 30);
if (group === null) console.log('skipped: no memory cgroup can be made here');

describe.skipIf(group === null)('a machine with too little memory', () => {
  afterAll(() => group!.remove());

  /** Starts a run and moves its worker into the group as soon as there is one. */
  async function started(): Promise<{ run: RunningCommand; worker: number }> {
    bench = longExperiment({ schemes: ['f32'], documents: 400 });
    const run = bench.start(['run', 'small.yaml', '--json']);
    const worker = await waitFor(() => workerOf(run.pid), 1);
    group!.write('cgroup.procs', worker);
    return { run, worker };
  }

  /** Another process of the group that takes its share of the memory. */
  function takeMemory(bytes: number): ChildProcess {
    const script = `const held = [];
      for (let i = 0; i < ${bytes / MIB}; i++) held.push(Buffer.alloc(${MIB}, 1));
      setInterval(() => held.length, 1_000);`;
    const child = spawn('sh', ['-c', 'read go; exec "$@"', 'sh', process.execPath, '-e', script]);
    group!.write('cgroup.procs', child.pid!);
    child.stdin.end('go\n');
    return child;
  }

  it('that says so is refused before the model is loaded', async () => {
    group!.write('memory.limit_in_bytes', 48 * MIB);
    const { run } = await started();
    const result = await run.ended;
    group!.write('memory.limit_in_bytes', 2 ** 30);
    // Either the plan saw the limit, or Node itself did not fit and was killed.
    expect([3, 4], result.stderr).toContain(result.code);
    expect(result.json<RunOutput>().runs[0]).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/memory/),
    });
  });

  it('kills the worker: recorded and explained as that, and the supervisor lives on', async () => {
    group!.write('memory.limit_in_bytes', 256 * MIB);
    const { run, worker } = await started();
    // Of all in the group, the kernel is to choose this one.
    writeFileSync(`/proc/${worker}/oom_score_adj`, '1000');
    await run.says('batches');
    sendSignal(worker, 'SIGSTOP');
    const neighbour = takeMemory(200 * MIB);
    const neighbourEnded = once(neighbour, 'exit');
    await Promise.race([gone(worker), neighbourEnded]);
    sendSignal(worker, 'SIGCONT');
    neighbour.kill('SIGKILL');
    await neighbourEnded;
    const result = await run.ended;
    group!.write('memory.limit_in_bytes', 2 ** 30);
    expect(result.code, result.stderr).toBe(4);
    const [failed] = result.json<RunOutput>().runs;
    expect(failed!.status).toBe('failed');
    expect(failed!.reason).toMatch(/^out of memory: the kernel killed the worker.*peak resident/);
    expect(listRuns(bench.lab).map((entry) => entry.kind)).toEqual(['closed']);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});
