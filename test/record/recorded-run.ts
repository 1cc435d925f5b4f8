/** Labs on the real disk, and runs to put in them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, labAt } from '../../src/record/lab.ts';
import type { RunFields } from '../../src/record/manifest.ts';
import type { ProcessState } from '../../src/record/process-state.ts';
import { createRun, type RunWriter } from '../../src/record/run-writer.ts';
import { SampleWriter } from '../../src/record/sample-writer.ts';
import type { Environment, Metric } from '../../src/record/schema.ts';

/** An empty lab on the real disk; `remove` deletes it. */
export function temporaryLab(): Lab & { remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'assay-lab-'));
  return { ...labAt(root), remove: () => rmSync(root, { recursive: true, force: true }) };
}

const environment: Environment = {
  os: { platform: 'linux', release: '6.1.0', distribution: null },
  arch: 'x64',
  hostname: 'test-host',
  cpu: { model: 'test', logicalCores: 1, flags: [] },
  memoryBytes: 1,
  gpus: [],
  cuda: null,
  node: 'v20.20.0',
  assay: '0.0.0',
  packageLockSha256: null,
  variables: {},
};

export function runFields(changes: Partial<RunFields> = {}): RunFields {
  return {
    experiment: 'quickstart',
    cell: 'eval~f32',
    measure: 'eval',
    variant: { model: 'builtin:demo', scheme: 'f32' },
    argv: ['assay', 'run', 'quickstart.yaml'],
    config: { window: 256 },
    cellKey: '0'.repeat(64),
    resumedFrom: null,
    environment,
    seeds: { bootstrap: 1 },
    git: null,
    ...changes,
  };
}

export const perplexity: Metric = {
  value: 31.5,
  unit: '1',
  n: 10,
  units: 2,
  unitOf: 'windows',
  ci95: null,
  reason: 'fewer than 10 windows',
  formula: 'eval.perplexity/1',
  params: {},
  samples: 'samples.jsonl',
};

/** A run with one sample row, closed as succeeded. */
export async function recordRun(
  lab: Lab,
  changes: Partial<RunFields> = {},
  state?: ProcessState,
): Promise<RunWriter> {
  const run = createRun(lab, runFields(changes), state);
  const samples = new SampleWriter(run.samplesPath);
  samples.append([{ kind: 'load', part: 0, loadMs: 12.5 }]);
  samples.close();
  await run.close({ status: 'succeeded', reason: null, summary: { metrics: { perplexity } } });
  return run;
}

/** A process whose clocks stand still until they are moved. */
export function stillState(changes: Partial<ProcessState> = {}): ProcessState & {
  clock: { wallMs: number; elapsedMs: number };
} {
  const clock = {
    wallMs: Date.UTC(2026, 10, 20, 5, 34),
    elapsedMs: 1000,
    now: () => new Date(clock.wallMs),
    monotonicMs: () => clock.elapsedMs,
  };
  return {
    random: Math.random,
    hostname: 'test-host',
    pid: process.pid,
    env: {},
    ...changes,
    clock,
  };
}
