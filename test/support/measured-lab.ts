/**
 * Labs whose runs hold real sample files and metrics derived from them, without an engine: what a
 * worker would have measured is made up by rule, and every clock stands still.
 */
import { crc32 } from 'node:zlib';
import type { ResolvableRun } from '../../src/analyze/reference.ts';
import { groupSamples } from '../../src/analyze/samples.ts';
import type { MeasureSettings } from '../../src/experiment/cell.ts';
import { deriveMetrics } from '../../src/experiment/metrics.ts';
import { sha256Hex } from '../../src/record/canonical.ts';
import type { Lab } from '../../src/record/lab.ts';
import type { SampleRow } from '../../src/record/rows.ts';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { readRunRows, readSamples } from '../../src/record/sample-reader.ts';
import { SampleWriter } from '../../src/record/sample-writer.ts';
import type { EngineInfo, ModelIdentity } from '../../src/record/schema.ts';
import { runFields, stillState } from '../record/recorded-run.ts';

export const EXPERIMENT = {
  name: 'quickstart',
  title: 'What does quantization cost a made-up model?',
  researcher: 'A. Tester',
  objective: 'Show every part of an experiment log.',
  models: ['builtin:made-up'],
  schemes: ['f32', 'bf16', 'int8-g128', 'int4-g128'],
  baseline: 'f32',
  seed: 42,
  margins: { perplexity: 0.01, accuracy: 0.01 },
};

export interface MadeUpRun {
  readonly scheme: string;
  readonly measure: 'eval' | 'intents';
  /** Nats a token that this scheme loses; of `intents`, every n-th item that it gets wrong. */
  readonly loses: number;
  /** Ends without a result, for this reason. */
  readonly fails?: string;
  readonly experiment?: typeof EXPERIMENT;
}

const settings = { batch_tokens: 2_048, check_repeat: false };
const MEASURES: Readonly<Record<MadeUpRun['measure'], MeasureSettings>> = {
  eval: { kind: 'eval', corpusPath: 'corpus.jsonl', budget: 'smoke', context: 64, ...settings },
  intents: {
    kind: 'task',
    filePath: 'intents.jsonl',
    name: 'intents',
    method: 'generation',
    prompt: '{text}',
    continuation: ' {label}',
    ...settings,
  },
};

export const MODEL: ModelIdentity = {
  id: 'builtin:made-up',
  source: 'builtin',
  revision: null,
  architecture: 'MadeUpForCausalLM',
  parameters: 1_234_567,
  storedDtype: 'F32',
  dummyWeights: false,
  configSha256: '1'.repeat(64),
  files: [],
};

export function engineOf(scheme: string): EngineInfo {
  const simulated = scheme === 'bf16' ? 'bf16 values, f32 arithmetic' : null;
  const precision = scheme.startsWith('int') ? `W${scheme[3]}A8` : 'W32A32';
  const about = { name: 'made-up', version: '1.0.0', device: 'cpu', threads: 2 };
  const activations = scheme.startsWith('int') ? 'int8' : 'f32';
  return { ...about, scheme, precision, activations, simulated };
}

/** Between 0 and 1, decided by the text alone. */
export const chance = (of: string): number => crc32(of) / 2 ** 32;

function windowRow(document: number, loses: number): SampleRow {
  const tokens = Array.from({ length: 5 + (document % 4) }, (_, i) => `${document}/${i}`);
  const noise = (token: string): number => 0.002 * (chance(`noise ${token}`) - 0.5);
  return {
    kind: 'window',
    batch: Math.floor(document / 3),
    document,
    window: 0,
    scoreFrom: 1,
    logp: tokens.map((t) => -0.5 - 3 * chance(t) - loses * (1 + noise(t))),
    hit: tokens.map((t) => (chance(t) < 0.4 ? '1' : '0')).join(''),
    topLogp: tokens.map((t) => -0.5 - chance(`top ${t}`)),
    sumSquares: tokens.map((t) => 0.2 + 0.3 * chance(`top ${t}`)),
  };
}

const LABEL_SET: SampleRow = {
  ...{ kind: 'label-set', part: 0, method: 'generation', labels: ['lights', 'music', 'weather'] },
};

function itemRow(item: number, wrongEvery: number): SampleRow {
  const label = ['lights', 'music', 'weather'][item % 3]!;
  const correct = item % wrongEvery !== wrongEvery - 1;
  // Every other wrong answer is none of the labels.
  const other = item % 2 === 0 ? 'lights' : null;
  const predicted = correct ? label : other === label ? 'music' : other;
  const said = correct ? {} : { generated: ` ${predicted ?? 'déjà vu'}` };
  const outcome = { ...said, predicted, correct, logp: correct ? -0.25 : -2.5, tokens: 2 };
  return { kind: 'item', batch: Math.floor(item / 5), item, label, ...outcome };
}

function rowsOf({ scheme, measure, loses }: MadeUpRun): SampleRow[] {
  const bytes = { f32: 4_000_000, bf16: 2_000_000, 'int8-g128': 1_050_000 }[scheme] ?? 580_000;
  const tensor = (name: string, shape: number[], at: string, size: number): SampleRow => {
    const group = at.startsWith('int') ? 128 : null;
    return { kind: 'tensor', name, shape, scheme: at, group, bytes: size, reason: null };
  };
  const scored =
    measure === 'eval'
      ? Array.from({ length: 36 }, (_, document) => windowRow(document, loses))
      : Array.from({ length: 60 }, (_, item) => itemRow(item, loses));
  const batches = Array.from({ length: 12 }, (_, batch): SampleRow => {
    const rows = scored.filter((row) => 'batch' in row && row.batch === batch).length;
    const time = { ms: 4 + batch / 8, warmup: batch === 0 };
    return { kind: 'batch', batch, rows, tokens: 9 * rows, scored: 6 * rows, ...time };
  });
  return [
    tensor('model.layers.0.mlp.weight', [1_000, 1_000], scheme, bytes),
    tensor('model.norm.weight', [1_000], 'f32', 4_000),
    { kind: 'load', part: 0, loadMs: 120.5 },
    ...(measure === 'intents' ? [LABEL_SET] : []),
    ...scored,
    ...batches,
    { kind: 'memory', part: 0, peakRssBytes: 90_000_000 + bytes, weightBytes: bytes },
  ];
}

/** Writes one run; `order` is its minute and decides its name. */
export async function measure(lab: Lab, made: MadeUpRun, order: number): Promise<string> {
  const experiment = made.experiment ?? EXPERIMENT;
  const state = stillState({ random: () => order / 60 });
  state.clock.wallMs += order * 60_000;
  const fields = runFields({
    experiment: experiment.name,
    cell: `made-up~${made.scheme}~${made.measure}`,
    measure: made.measure,
    variant: { model: 'builtin:made-up', scheme: made.scheme },
    config: { experiment, measure: { ...MEASURES[made.measure] } },
    cellKey: sha256Hex(`${made.scheme} ${made.measure}`),
    seeds: { bootstrap: 42 },
  });
  const run = createRun(lab, { ...fields, model: MODEL }, state);
  state.clock.elapsedMs += 2_500;
  state.clock.wallMs += 2_500;
  const engine = engineOf(made.scheme);
  if (made.fails !== undefined) {
    await run.close({ status: 'failed', reason: made.fails, summary: null, engine });
    return run.runId;
  }
  const writer = new SampleWriter(run.samplesPath);
  writer.append(rowsOf(made));
  writer.close();
  const samples = groupSamples(readSamples(run.samplesPath).rows);
  const metrics = deriveMetrics({ measure: MEASURES[made.measure], seed: 42 }, samples, {
    engine,
    model: MODEL,
  });
  const message = 'every scored log probability is finite';
  const findings = [{ code: 'finite', severity: 'info' as const, message }];
  await run.close({ status: 'succeeded', reason: null, summary: { metrics }, engine, findings });
  return run.runId;
}

/** The whole made-up experiment: a variant that holds, one that does not, one that fails. */
export async function measureAll(lab: Lab): Promise<void> {
  const cells: MadeUpRun[] = [
    { scheme: 'f32', measure: 'eval', loses: 0 },
    { scheme: 'f32', measure: 'intents', loses: 10 },
    { scheme: 'bf16', measure: 'eval', loses: 0, fails: 'EngineError: the runtime said no' },
    { scheme: 'int8-g128', measure: 'eval', loses: 0.002 },
    { scheme: 'int8-g128', measure: 'intents', loses: 10 },
    { scheme: 'int4-g128', measure: 'eval', loses: 0.1 },
    { scheme: 'int4-g128', measure: 'intents', loses: 4 },
    { scheme: 'bf16', measure: 'intents', loses: 10 },
  ];
  for (const [order, cell] of cells.entries()) await measure(lab, cell, order);
}

/** All runs of a lab, as reports and resolvers want them. */
export function runsOf(lab: Lab): ResolvableRun[] {
  return listRuns(lab).map(({ runId }) => {
    const { manifest, summary, dir } = loadRun(lab, runId);
    const rows = () => readRunRows(dir);
    return { manifest, summary, rows };
  });
}
