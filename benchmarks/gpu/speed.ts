/** Speed of one model at one scheme on one device, in a process of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, GenerateRequest } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/open.ts';
import { GpuWatch } from './gpu-readings.ts';
import { MODELS } from './models.ts';

export interface SpeedCase {
  readonly model: string;
  readonly scheme: string;
  readonly device: 'cpu' | 'webgpu';
  readonly batches: readonly number[];
  readonly rounds: number;
  readonly activations: 'int8' | 'f32';
}

const PROMPT = 128;
const NEW_TOKENS = 33;
const WINDOW = 512;
const WINDOWS = 8;
const go = new AbortController().signal;

/** Prints a line per batch size: tokens a second of prefill and decode, medians of rounds. */
export async function printSpeed(of: SpeedCase): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-gpu-speed-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(MODELS[of.model]));
  const watch = new GpuWatch();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = performance.now();
  const engine = await openEngine({
    ...{ model: `dummy:${config}`, scheme: of.scheme, device: of.device },
    activations: of.activations,
    ...{ batchTokens: PROMPT * Math.max(...of.batches, 32), builtinDir: '', env: {} },
  });
  const loadS = (performance.now() - start) / 1000;
  const name = `${of.model} ${of.scheme} ${of.device} ${engine.info.precision}`;
  const nodes = engine.info.fallback?.map(({ graph, node }) => `${graph} ${node}`) ?? [];
  console.log(`| ${name} | load ${loadS.toFixed(1)} s | on the CPU: ${nodes.join(', ') || '-'} |`);
  try {
    const scoring = await scoringRate(engine, of.rounds);
    console.log(`| ${name} | score ${WINDOWS} × ${WINDOW} | ${scoring.toFixed(0)} tok/s |`);
    for (const batch of of.batches) {
      const { prefill, decode, stepMs } = await generationRates(engine, batch, of.rounds);
      console.log(
        `| ${name} | batch ${batch} | prefill ${prefill.toFixed(0)} tok/s | ` +
          `decode ${decode.toFixed(1)} tok/s | step ${stepMs.toFixed(2)} ms |`,
      );
    }
  } finally {
    const peak = await watch.stop();
    const { weightBytes, peakRssBytes } = await engine.memory();
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    const gpu =
      peak === null
        ? 'no nvidia-smi'
        : `GPU ${peak.memoryMiB} MiB, ${peak.utilizationPercent} %, ${peak.powerW} W at most`;
    console.log(`| ${name} | weights ${mib(weightBytes)} MiB, RSS ${mib(peakRssBytes)} | ${gpu} |`);
    await engine.close();
    rmSync(folder, { recursive: true });
  }
}

const ids = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => (seed * 7_919 + i * 104_729) % 32_000);

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function scoringRate(engine: Engine, rounds: number): Promise<number> {
  const windows = Array.from({ length: WINDOWS }, (_, w) => ({
    ids: ids(WINDOW, w),
    scoreFrom: 1,
  }));
  const rates: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    await engine.score(windows, go);
    // The first round compiles kernels.
    if (round > 0) rates.push((WINDOWS * WINDOW * 1000) / (performance.now() - start));
  }
  return median(rates);
}

async function generationRates(
  engine: Engine,
  batch: number,
  rounds: number,
): Promise<{ prefill: number; decode: number; stepMs: number }> {
  const requests = Array.from(
    { length: batch },
    (_, r): GenerateRequest => ({
      ...{ ids: ids(PROMPT, r), maxNewTokens: NEW_TOKENS, stopIds: [] },
    }),
  );
  const prefills: number[] = [];
  const steps: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const times: number[] = [];
    const start = performance.now();
    await engine.generate(
      requests,
      ({ index, request }) => {
        if (request === batch - 1) times[index] = performance.now();
      },
      go,
    );
    if (round === 0) continue;
    prefills.push((batch * PROMPT * 1000) / (times[0]! - start));
    times.slice(1).forEach((time, i) => {
      steps.push(time - times[i]!);
    });
  }
  const stepMs = median(steps);
  const decode = (batch * 1000 * steps.length) / steps.reduce((sum, step) => sum + step, 0);
  return { prefill: median(prefills), decode, stepMs };
}
