/** Benchmarks that were never run: rows made up by rule, metrics derived from them as always. */
import { join } from 'node:path';
import { benchRequests } from '../../src/analyze/bench-requests.ts';
import { computeMetric } from '../../src/analyze/formulas.ts';
import { groupSamples } from '../../src/analyze/samples.ts';
import { sha256Hex } from '../../src/record/canonical.ts';
import type { Lab } from '../../src/record/lab.ts';
import type { SampleRow } from '../../src/record/rows.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { readRunRows } from '../../src/record/sample-reader.ts';
import { SampleWriter } from '../../src/record/sample-writer.ts';
import { GPU_SAMPLES_FILE } from '../../src/record/samples.ts';
import type { Finding, Metric } from '../../src/record/schema.ts';
import { runFields, stillState } from '../record/recorded-run.ts';
import { chance, EXPERIMENT, engineOf, MODEL } from './measured-lab.ts';

export const DUMMY = 'dummy:made-up-136m';
const NEW_TOKENS = 8;
const PROMPT_TOKENS = 16;
const PROMPTS = 12;

export interface MadeUpBench {
  readonly model: string;
  readonly scheme: string;
  readonly batchSize: number;
  /** How many times as long as f32 it takes. */
  readonly takes: number;
  readonly rounds?: number;
  readonly runsPerRound?: number;
  /** Iterations that failed. */
  readonly failures?: number;
  /** Ends without a result, for this reason. */
  readonly fails?: string;
  readonly gpu?: boolean;
  readonly findings?: readonly Finding[];
  readonly experiment?: typeof EXPERIMENT;
  /** What is different about how it ran. */
  readonly hostname?: string;
  readonly newTokens?: number;
  readonly promptTokens?: number;
}

function iterationRows(of: MadeUpBench): SampleRow[] {
  const { rounds = 10, runsPerRound = 6, batchSize } = of;
  const newTokens = of.newTokens ?? NEW_TOKENS;
  const rows: SampleRow[] = [];
  let iteration = 0;
  const add = (round: number, warmup: boolean): void => {
    const about = `${of.model} ${of.scheme} ${batchSize} ${iteration}`;
    // What the machine did in a round is the same for every variant; the rest is noise.
    const mood = 1 + 0.1 * chance(`round ${round}`) + 0.02 * (chance(about) - 0.5);
    const step = 2 * of.takes * mood * (1 + batchSize / 8);
    const prefillMs = 3 * step;
    const stepMs = Array.from({ length: newTokens - 1 }, (_, i) => {
      return step * (1 + 0.1 * chance(`${about} ${i}`));
    });
    const e2eMs = prefillMs + stepMs.reduce((a, b) => a + b, 0) + 0.01;
    rows.push({
      ...{ kind: 'iteration', round, iteration: iteration++, warmup },
      ...{ promptTokens: batchSize * (of.promptTokens ?? PROMPT_TOKENS) },
      ...{ newTokens: batchSize * newTokens, ttftMs: 0.9 * prefillMs, prefillMs, stepMs, e2eMs },
      cpuMs: 1.8 * e2eMs,
    });
  };
  for (let round = 0; round < rounds; round++) {
    const before = rows.length;
    if (round === 0) for (let i = 0; i < 2; i++) add(round, true);
    for (let i = 0; i < runsPerRound; i++) add(round, false);
    const startedMs = 1_000 * round;
    const machine = { stealMs: 3, othersMs: 12, loadAverage: 1.25 };
    const length = rows.length - before;
    rows.push({ kind: 'round', round, rows: length, startedMs, wallMs: 500, ...machine });
  }
  return rows;
}

function generatedRows({ model, scheme }: MadeUpBench): SampleRow[] {
  return Array.from({ length: PROMPTS }, (_, prompt): SampleRow => {
    const other = scheme.startsWith('int4') && prompt % 3 === 0 ? 5 : NEW_TOKENS;
    const ids = Array.from({ length: NEW_TOKENS }, (_, i) => {
      return Math.floor(100 * chance(`${model} ${prompt} ${i} ${i >= other ? scheme : ''}`));
    });
    return { kind: 'generated', prompt, ids, finish: 'length' };
  });
}

function rowsOf(of: MadeUpBench): SampleRow[] {
  const bytes = { f32: 4_000_000, bf16: 2_000_000, 'int8-g128': 1_050_000 }[of.scheme] ?? 580_000;
  const tensor = { name: 'w', shape: [1_000, 1_000], group: null, reason: null };
  const kv = { kvCacheBytes: 65_536 * of.batchSize, kvComputedBytes: 61_440 * of.batchSize };
  const coldStarts = of.batchSize === 1 ? [0, 1, 2] : [];
  return [
    { kind: 'tensor', ...tensor, scheme: of.scheme, bytes },
    { kind: 'load', part: 0, loadMs: 120.5 },
    ...coldStarts.map((index): SampleRow => {
      const firstTokenMs = 700 * of.takes + 10 * index;
      return { kind: 'cold-start', index, loadMs: 300 * of.takes, firstTokenMs };
    }),
    ...iterationRows(of),
    ...Array.from({ length: of.failures ?? 0 }, (_, i): SampleRow => {
      return { kind: 'failure', round: i, iteration: 1_000 + i, message: 'out of memory' };
    }),
    ...generatedRows(of),
    { kind: 'memory', part: 0, peakRssBytes: 90_000_000 + bytes, weightBytes: bytes, ...kv },
  ];
}

const gpuRows = (): SampleRow[] =>
  Array.from({ length: 6 }, (_, i): SampleRow => {
    const gauges = { utilization: 0.9, memoryBytes: 2 ** 30 + i, powerW: 350.5 };
    return { kind: 'gpu', atMs: 500 * Math.floor(i / 2), gpu: i % 2, ...gauges };
  });

/** Every cell of one benchmark has this time: what ran interleaved overlaps. */
export async function measureBench(lab: Lab, of: MadeUpBench, order: number): Promise<string> {
  const experiment = of.experiment ?? EXPERIMENT;
  const state = stillState({ random: () => order / 60 });
  state.clock.wallMs += 20 * 60_000 + order;
  const measureName = `bench-b${of.batchSize}`;
  const fields = runFields({
    experiment: experiment.name,
    cell: `${of.model.replace(/.*:/, '')}~${of.scheme}~${measureName}`,
    measure: measureName,
    variant: { model: of.model, scheme: of.scheme },
    config: { experiment, measure: { kind: 'bench', batch_size: of.batchSize, new_tokens: 8 } },
    cellKey: sha256Hex(`${of.model} ${of.scheme} ${measureName}`),
  });
  const dummyWeights = of.model === DUMMY;
  const model = { ...MODEL, id: of.model, dummyWeights };
  const hostname = of.hostname ?? fields.environment.hostname;
  const environment = { ...fields.environment, hostname };
  const run = createRun(lab, { ...fields, environment, model }, state);
  state.clock.elapsedMs += 60_000;
  state.clock.wallMs += 60_000;
  const engine = engineOf(of.scheme);
  if (of.fails !== undefined) {
    await run.close({ status: 'failed', reason: of.fails, summary: null, engine });
    return run.runId;
  }
  const writer = new SampleWriter(run.samplesPath);
  writer.append(rowsOf(of));
  writer.close();
  if (of.gpu) {
    const gpu = new SampleWriter(join(run.dir, GPU_SAMPLES_FILE));
    gpu.append(gpuRows());
    gpu.close();
  }
  const metrics = derive(run.dir, of);
  const findings = of.findings ?? [];
  await run.close({ status: 'succeeded', reason: null, summary: { metrics }, engine, findings });
  return run.runId;
}

function derive(dir: string, of: MadeUpBench): Record<string, Metric> {
  const samples = groupSamples(readRunRows(dir));
  const options = { batchSize: of.batchSize, cores: 2, seed: 42, resamples: 500 };
  const requests = [
    ...benchRequests(options, samples),
    { name: 'loadSeconds', formula: 'run.load-seconds/1', params: {} },
    { name: 'peakMemoryBytes', formula: 'run.peak-memory/1', params: {} },
    { name: 'residentWeightBytes', formula: 'run.resident-weights/1', params: {} },
    { name: 'storedWeightBytes', formula: 'run.stored-weights/1', params: {} },
  ];
  return Object.fromEntries(requests.map((each) => [each.name, computeMetric(each, samples)]));
}
