/**
 * Logits against PyTorch's (`../shared/golden`): one small seeded checkpoint per architecture,
 * f32 arithmetic over bf16 weights on both sides. Prints what it measured.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import type { Device } from '../../src/engine/embedded/device.ts';
import { forward, type Hidden } from '../../src/engine/embedded/forward.ts';
import { openCache } from '../../src/engine/embedded/generate.ts';
import { openModelGraphs } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { type LoadedModel, runLogits, scoreWindows } from '../../src/engine/embedded/score.ts';
import { storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { EXACT_DEVICES } from '../golden/engine-devices.ts';

const GOLDEN = join(import.meta.dirname, '../../../shared/golden');
const CASES = [
  'llama',
  'llama-tied',
  'llama3-rope',
  'mistral',
  'qwen2',
  'qwen3',
  'phi3',
  'gpt_neox',
  'gpt2',
];
/** On the CPU only; their routers are compared too. */
const MOE_CASES = ['qwen2_moe', 'mixtral', 'olmoe'];
/** Of a probability: the reference is rounded to seven decimals. */
const SHARE_TOLERANCE = 1e-6;
/** Share of the largest |logit| of a case; real mistakes are of order 1. */
const TOLERANCE = 5e-5;
const present = existsSync(GOLDEN);
if (!present) console.log(`skipped: ${GOLDEN} is absent, so PyTorch's logits are not here`);

type RecordedRoutes = readonly { readonly ids: number[][]; readonly probs: number[][] }[];

/** Compares what the graph's routers chose with what PyTorch's chose: [row][layer].ids[token]. */
class RouterReference {
  readonly #want: readonly RecordedRoutes[];
  compared = 0;
  wrongIds = 0;
  largestDifference = 0;

  constructor(want: readonly RecordedRoutes[]) {
    this.#want = want;
  }

  /** `at`: token of the call; `row`, `token`: of the recorded batch. */
  compare({ routes }: Hidden, places: readonly { at: number; row: number; token: number }[]): void {
    if (routes === null) return;
    for (const { at, row, token } of places) {
      const layers = this.#want[row]!;
      layers.forEach(({ ids, probs }, layer) => {
        ids[token]!.forEach((id, rank) => {
          const index = (at * layers.length + layer) * ids[token]!.length + rank;
          this.compared += 1;
          if (routes.ids[index] !== id) this.wrongIds += 1;
          const off = Math.abs(routes.shares[index]! - probs[token]![rank]!);
          if (!(off <= this.largestDifference)) this.largestDifference = off;
        });
      });
    }
  }
}

interface Golden {
  readonly model: LoadedModel;
  readonly rows: number[][];
  readonly want: Float32Array;
  readonly largest: number;
  readonly meanNll: number;
  readonly routers: RouterReference;
  close(): Promise<void>;
}

async function openGolden(name: string, device: Device): Promise<Golden> {
  const dir = join(GOLDEN, name);
  const checkpoint = openCheckpoint(dir);
  const arch = describeArchitecture(checkpoint.config, (tensor) => checkpoint.source.has(tensor));
  const ort = await loadRuntime();
  const graphs = await openModelGraphs(ort, arch, {
    stored: storedWeights(checkpoint.source, arch, { scheme: parseScheme('f32') }),
    activations: 'f32',
    threads: 1,
    device,
    routing: arch.moe !== null,
  });
  const index = JSON.parse(readFileSync(join(GOLDEN, 'index.json'), 'utf8'));
  const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));
  const bytes = readFileSync(join(dir, 'expected_logits.f32'));
  const want = new Float32Array(new Uint8Array(bytes).buffer);
  return {
    model: { ort, arch, ...graphs },
    rows: index.input_ids.map((row: number[], r: number) => row.slice(0, index.lengths[r])),
    want,
    largest: want.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    meanNll: expected.mean_nll_nats,
    routers: new RouterReference(expected.router_topk_softmax_before_renorm ?? []),
    async close() {
      await graphs.close();
      checkpoint.source.close();
    },
  };
}

/** Largest |difference| between the logits of `hidden` row `at` and the golden row `row`. */
async function difference(
  golden: Golden,
  hidden: Hidden,
  places: readonly { at: number; row: number }[],
): Promise<number> {
  const { vocabSize } = golden.model.arch;
  const at = places.map((place) => place.at);
  const logits = await runLogits(golden.model, hidden.feeds(at), at.length);
  let most = 0;
  places.forEach(({ row }, i) => {
    for (let v = 0; v < vocabSize; v++) {
      const off = Math.abs(logits[i * vocabSize + v]! - golden.want[row * vocabSize + v]!);
      // Written so that NaN counts as a difference.
      if (!(off <= most)) most = off;
    }
  });
  return most;
}

/** The largest difference of a prefill of all but eight tokens a row, then eight single steps. */
async function cachedDifference(golden: Golden, starts: readonly number[]): Promise<number> {
  const { model, rows } = golden;
  const capacity = 64;
  const steps = 8;
  const cache = openCache(model, { rows: 2, capacity });
  const prompts = rows.map((row) => row.slice(0, -steps));
  const had = prompts.map((row) => row.length);
  const filling = await cache.prefill(0, 2);
  const filled = await forward(model, { rows: prompts, lengths: had, cache: filling });
  golden.routers.compare(filled, tokensOf(prompts, filled.width));
  let most = await difference(
    golden,
    filled,
    prompts.flatMap((row, r) =>
      row.map((_, i) => ({ at: r * filled.width + i, row: starts[r]! + i })),
    ),
  );
  for (let step = 0; step < steps; step++) {
    const next = await forward(model, {
      rows: rows.map((row, r) => [row[had[r]! + step]!]),
      lengths: had.map((length) => length + step + 1),
      cache: await cache.decode(),
    });
    golden.routers.compare(
      next,
      rows.map((_, r) => ({ at: r, row: r, token: had[r]! + step })),
    );
    const at = [0, 1].map((r) => ({ at: r, row: starts[r]! + had[r]! + step }));
    most = Math.max(most, await difference(golden, next, at));
  }
  return most;
}

const tokensOf = (rows: readonly number[][], width: number) =>
  rows.flatMap((ids, row) => ids.map((_, token) => ({ at: row * width + token, row, token })));

const show = (value: number): string => value.toExponential(1);

describe.skipIf(!present).each(EXACT_DEVICES)('logits agree with PyTorch: %s', (device) => {
  const table: string[] = [];
  const routed: string[] = [];

  afterAll(() => {
    const head = `| ${device}: case | largest logit | batch of two rows | through the KV cache |`;
    console.log(`${[head, '|---|---|---|---|', ...table].join('\n')}`);
    const routers =
      '| routers | choices compared | other experts | largest difference of a share |';
    console.log([routers, '|---|---|---|---|', ...routed].join('\n'));
  });

  const cases = device === 'cpu' ? [...CASES, ...MOE_CASES] : CASES;
  test.each(cases)('%s', async (name) => {
    const golden = await openGolden(name, device);
    const { model, rows } = golden;
    const starts = [0, rows[0]!.length];
    const lengths = rows.map((row) => row.length);

    const whole = await forward(model, { rows, lengths, cache: null });
    const places = rows.flatMap((row, r) =>
      row.map((_, i) => ({ at: r * whole.width + i, row: starts[r]! + i })),
    );
    const batched = await difference(golden, whole, places);
    golden.routers.compare(whole, tokensOf(rows, whole.width));

    const cached = await cachedDifference(golden, starts);

    const windows = rows.map((ids) => ({ ids, scoreFrom: 1 }));
    const scores = await scoreWindows(model, windows, new AbortController().signal);
    const logps = scores.flatMap((score) => [...score.logp]);
    const nll = -logps.reduce((sum, value) => sum + value, 0) / logps.length;
    await golden.close();

    const share = (value: number): string => `${show(value)} = ${show(value / golden.largest)}`;
    table.push(`| ${name} | ${golden.largest.toFixed(2)} | ${share(batched)} | ${share(cached)} |`);
    expect(batched / golden.largest).toBeLessThanOrEqual(TOLERANCE);
    expect(cached / golden.largest).toBeLessThanOrEqual(TOLERANCE);
    expect(Math.abs(nll - golden.meanNll)).toBeLessThan(2e-5);
    if (model.arch.moe === null) return;
    const { compared, wrongIds, largestDifference } = golden.routers;
    routed.push(`| ${name} | ${compared} | ${wrongIds} | ${show(largestDifference)} |`);
    // Each token twice: batched, and through the cache.
    const { layers, topK } = model.arch.moe;
    expect(compared).toBe(2 * (48 + 31) * layers.length * topK);
    expect(wrongIds).toBe(0);
    expect(largestDifference).toBeLessThanOrEqual(SHARE_TOLERANCE);
  });

  test('qwen2-seqcls-23', async () => {
    const { classifyRows } = await import('../../src/engine/embedded/classify.ts');
    const golden = await openGolden('qwen2-seqcls-23', device);
    const signal = new AbortController().signal;
    const logits = await classifyRows(golden.model, golden.rows, signal);
    await golden.close();
    expect(golden.model.arch.labels).toHaveLength(23);
    let most = 0;
    logits.forEach((row, r) => {
      row.forEach((value, label) => {
        const off = Math.abs(value - golden.want[r * 23 + label]!);
        if (!(off <= most)) most = off;
      });
    });
    const share = `${show(most)} = ${show(most / golden.largest)}`;
    table.push(`| qwen2-seqcls-23 | ${golden.largest.toFixed(2)} | ${share} | |`);
    expect(most / golden.largest).toBeLessThanOrEqual(TOLERANCE);
  });
});
