/**
 * Logits of small seeded checkpoints on a GPU, against logits that PyTorch wrote down. `folder`
 * holds index.json (input_ids, lengths) and one directory per case (config.json,
 * model.safetensors, expected_logits.f32).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { classifyRows } from '../../src/engine/embedded/classify.ts';
import type { Compute, Device } from '../../src/engine/embedded/device.ts';
import { forward, type Hidden } from '../../src/engine/embedded/forward.ts';
import { openCache } from '../../src/engine/embedded/generate.ts';
import { openModelGraphs } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { type LoadedModel, runLogits } from '../../src/engine/embedded/score.ts';
import { storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { parseScheme } from '../../src/weights/scheme.ts';

interface Case {
  readonly model: LoadedModel;
  readonly rows: readonly number[][];
  readonly want: Float32Array;
}

const STEPS = 8;
const show = (value: number): string => value.toExponential(1);

/** Prints one line per case: largest difference as a share of the largest |logit|. */
export async function printGolden(
  folder: string,
  options: { device: Device; compute: Compute },
): Promise<void> {
  console.log(`\ngolden logits on ${options.device}, ${options.compute}`);
  console.log('| case | batch of two rows | through the KV cache | fallback nodes |');
  console.log('|---|---|---|---|');
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  const rows: number[][] = index.input_ids.map((row: number[], r: number) =>
    row.slice(0, index.lengths[r]),
  );
  for (const name of readdirSync(folder)) {
    if (!existsSync(join(folder, name, 'expected_logits.f32'))) continue;
    try {
      console.log(`| ${name} | ${await differences(join(folder, name), rows, options)} |`);
    } catch (error) {
      console.log(`| ${name} | ${(error as Error).message.slice(0, 300)} | | |`);
    }
  }
}

async function differences(
  dir: string,
  rows: readonly number[][],
  { device, compute }: { device: Device; compute: Compute },
): Promise<string> {
  const checkpoint = openCheckpoint(dir);
  const arch = describeArchitecture(checkpoint.config, (name) => checkpoint.source.has(name));
  const ort = await loadRuntime();
  const scheme = parseScheme(compute === 'f16' ? 'f16' : 'f32');
  const graphs = await openModelGraphs(ort, arch, {
    stored: storedWeights(checkpoint.source, arch, { scheme }),
    ...{ activations: 'f32', threads: 1, device, compute },
  });
  const bytes = readFileSync(join(dir, 'expected_logits.f32'));
  const want = new Float32Array(new Uint8Array(bytes).buffer);
  const golden: Case = { model: { ort, arch, ...graphs }, rows, want };
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const share = (value: number): string => show(value / largest);
  const results =
    arch.labels === null
      ? [share(await batched(golden)), share(await cached(golden))]
      : [share(await classified(golden)), ''];
  await graphs.close();
  checkpoint.source.close();
  const nodes = graphs.fallback.map(({ graph, node }) => `${graph} ${node}`);
  return [...results, nodes.join(', ')].join(' | ');
}

async function batched(golden: Case): Promise<number> {
  const { model, rows } = golden;
  const lengths = rows.map((row) => row.length);
  const hidden = await forward(model, { rows, lengths, cache: null });
  const at = rows.flatMap((row, r) => row.map((_, i) => r * hidden.width + i));
  return difference(golden, { hidden, at, from: 0 });
}

async function cached(golden: Case): Promise<number> {
  const { model, rows } = golden;
  const cache = openCache(model, { rows: rows.length, capacity: 64 });
  const prompts = rows.map((row) => row.slice(0, -STEPS));
  const lengths = prompts.map((row) => row.length);
  await forward(model, { rows: prompts, lengths, cache: await cache.prefill(0, rows.length) });
  let most = 0;
  for (let step = 0; step < STEPS; step++) {
    const hidden = await forward(model, {
      rows: rows.map((row, r) => [row[lengths[r]! + step]!]),
      lengths: lengths.map((length) => length + step + 1),
      cache: await cache.decode(),
    });
    let start = 0;
    for (const [r, row] of rows.entries()) {
      const from = start + lengths[r]! + step;
      most = Math.max(most, await difference(golden, { hidden, at: [r], from }));
      start += row.length;
    }
  }
  cache.release();
  return most;
}

async function classified({ model, rows, want }: Case): Promise<number> {
  const got = await classifyRows(model, rows, new AbortController().signal);
  return largestOff(
    got.flatMap((row) => [...row]),
    want,
  );
}

/** Logits of `at` against the golden rows from row `from` on. */
async function difference(
  { model, want }: Case,
  { hidden, at, from }: { hidden: Hidden; at: readonly number[]; from: number },
): Promise<number> {
  const { vocabSize } = model.arch;
  const logits = await runLogits(model, hidden.feeds(at), at.length);
  return largestOff(logits, want.subarray(from * vocabSize, (from + at.length) * vocabSize));
}

function largestOff(got: ArrayLike<number>, want: Float32Array): number {
  let most = 0;
  want.forEach((value, i) => {
    const off = Math.abs(value - got[i]!);
    // Written so that NaN counts as a difference.
    if (!(off <= most)) most = off;
  });
  return most;
}
