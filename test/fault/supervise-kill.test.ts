/**
 * kill -9 of worker or supervisor at random moments, two hundred times. No acknowledged sample may
 * be lost, every lab stays readable, and what is resumed ends with the numbers of an undisturbed
 * run, bit for bit.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { below, type RandomU32, sfc32 } from '../../src/analyze/random.ts';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import type { Metric } from '../../src/record/schema.ts';
import { acknowledgedRows } from '../support/acknowledged-rows.ts';
import type { BenchLab } from '../support/bench-lab.ts';
import type { RunningCommand } from '../support/command.ts';
import { qualityOf } from '../support/eval-output.ts';
import type { RunOutput } from '../support/experiment-file.ts';
import { longExperiment } from '../support/long-experiment.ts';
import { gone, sendSignal, waitFor, workerOf } from '../support/processes.ts';

const SEED = 1_789;
const KILLS = 200;
const KILLS_A_LAB = 5;
const LANES = 2;

type Quality = Readonly<Record<string, Readonly<Record<string, Metric>>>>;
const qualities = (output: RunOutput): Quality =>
  Object.fromEntries(output.runs.map((run) => [run.cell, qualityOf(run.metrics)]));

let undisturbed: Quality;
/** Size of all samples of an undisturbed run. */
let wholeBytes: number;
beforeAll(async () => {
  const bench = longExperiment();
  const result = await bench.assay(['run', 'small.yaml', '--json']);
  wholeBytes = sampleBytes(bench);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  undisturbed = qualities(result.json<RunOutput>());
  bench.remove();
});

const done = { kills: 0, workers: 0, supervisors: 0, resumes: 0, rows: 0, labs: 0, bare: 0 };
afterAll(() => {
  console.log(
    `${done.kills} kills (${done.workers} of workers, ${done.supervisors} of supervisors) in ` +
      `${done.labs} labs; ${done.resumes} attempts resumed, ${done.rows} acknowledged rows were ` +
      `all there; ${done.bare} attempts had no manifest yet`,
  );
});

function sampleBytes(bench: BenchLab): number {
  const names = existsSync(bench.lab.runsDir)
    ? readdirSync(bench.lab.runsDir, { recursive: true, encoding: 'utf8' })
    : [];
  return names
    .filter((name) => name.endsWith('samples.jsonl'))
    .reduce((sum, name) => sum + statSync(join(bench.lab.runsDir, name)).size, 0);
}

/** A random moment of one of three phases: starting, scoring, closing and reporting. */
async function someMoment(bench: BenchLab, run: RunningCommand, random: RandomU32): Promise<void> {
  const phase = below(random, 3);
  const delay = below(random, 400);
  if (phase === 0) return sleep(delay);
  if (phase === 1) {
    const until = sampleBytes(bench) + below(random, wholeBytes);
    return waitFor(() => sampleBytes(bench) >= until || run.child.exitCode !== null).then(() => {});
  }
  await run.says(/: (succeeded|failed) in|already measured/).catch(() => {});
  return sleep(delay / 8);
}

/** One start of the experiment and one kill; false when it came to its end before. */
async function startAndKill(bench: BenchLab, random: RandomU32): Promise<boolean> {
  const run = bench.start(['run', 'small.yaml']);
  await Promise.race([someMoment(bench, run, random), run.ended]);
  const worker = workerOf(run.pid);
  const target = worker !== null && below(random, 2) === 0 ? worker : run.pid;
  const hit = run.child.exitCode === null && sendSignal(target, 'SIGKILL');
  const result = await run.ended;
  if (target === worker) {
    // The supervisor lives on: a recorded failure, or the worker had done its work already.
    expect([0, 4], result.stderr).toContain(result.code);
    if (result.code === 4) expect(result.stderr).toContain('killed by SIGKILL');
  } else if (worker !== null) {
    await gone(worker);
  }
  if (!hit || (target === run.pid && result.signal !== 'SIGKILL')) return false;
  done.kills++;
  if (target === worker) done.workers++;
  else done.supervisors++;
  return true;
}

async function lab(random: RandomU32): Promise<void> {
  const bench = longExperiment();
  done.labs++;
  const acknowledged = new Set<string>();
  for (let i = 0; i < KILLS_A_LAB && done.kills < KILLS; i++) {
    if (!(await startAndKill(bench, random))) break;
    for (const row of acknowledgedRows(bench.lab)) acknowledged.add(row);
    const listed = await bench.assay(['runs', 'ls', '--json']);
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.json<{ runs: unknown[] }>().runs.length).toBe(listRuns(bench.lab).length);
  }
  const last = await bench.assay(['run', 'small.yaml', '--json']);
  expect(last, last.stderr).toMatchObject({ code: 0 });
  const output = last.json<RunOutput>();
  expect(qualities(output)).toEqual(undisturbed);
  checkRows(bench, output, acknowledged);
  const verified = await bench.assay(['verify']);
  expect(verified.code, verified.stdout).toBe(0);
  expect(bench.leftovers()).toEqual([]);
  bench.remove();
}

/** Every row that was ever acknowledged is in the final run of its cell, with the same content. */
function checkRows(bench: BenchLab, output: RunOutput, acknowledged: ReadonlySet<string>): void {
  const kept = new Set<string>();
  for (const { runId } of output.runs) {
    const { samplesPath } = loadRun(bench.lab, runId);
    for (const row of readSamples(samplesPath).rows) kept.add(JSON.stringify(row));
  }
  const lost = [...acknowledged].filter((row) => !kept.has(row));
  expect(lost.map((row) => row.slice(0, 200))).toEqual([]);
  done.rows += acknowledged.size;
  for (const entry of listRuns(bench.lab)) {
    if (entry.kind === 'unreadable') done.bare++;
    else if (entry.manifest.resumedFrom) done.resumes++;
  }
}

describe('an experiment that is killed again and again', () => {
  it('loses nothing, and ends as if it had not been', { timeout: 900_000 }, async () => {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const random = sfc32(SEED + lane);
      while (done.kills < KILLS) await lab(random);
    });
    await Promise.all(lanes);
    expect(done.kills).toBeGreaterThanOrEqual(KILLS);
    expect(done.workers).toBeGreaterThan(20);
    expect(done.supervisors).toBeGreaterThan(20);
  });
});
