/** Generation: a ragged batch equals its solo runs, token for token, on every architecture. */
import { describe, expect, test } from 'vitest';
import { generateTokens } from '../../src/engine/embedded/generate.ts';
import type { LoadedModel } from '../../src/engine/embedded/score.ts';
import type { GenerateRequest, GenerateResult } from '../../src/engine/engine.ts';
import { DEVICES } from './engine-devices.ts';
import { dummyModel, MODELS, MOE_MODELS, openDummy, someIds } from './engine-models.ts';
import { oracleLogits } from './engine-oracle.ts';

interface Run {
  readonly results: GenerateResult[];
  readonly events: { request: number; index: number; id: number }[];
  readonly cacheBytes: number[];
}

async function run(
  model: LoadedModel,
  batch: readonly GenerateRequest[],
  options: { batchTokens?: number; stopAfter?: number } = {},
): Promise<Run> {
  const abort = new AbortController();
  const events: Run['events'] = [];
  const cacheBytes: number[] = [];
  const results = await generateTokens(model, {
    batch,
    signal: abort.signal,
    batchTokens: options.batchTokens ?? 4096,
    onCache: (bytes) => cacheBytes.push(bytes),
    onToken(event) {
      events.push(event);
      if (events.length === options.stopAfter) abort.abort();
    },
  });
  return { results, events, cacheBytes };
}

const LENGTHS = [9, 1, 17, 4];

function requests(seed: number, more: Partial<GenerateRequest> = {}): GenerateRequest[] {
  return LENGTHS.map((length, r) => ({
    ids: someIds(length, 97, seed * 10 + r),
    // They end one after another, so that rows leave the batch.
    maxNewTokens: [12, 5, 9, 14][r]!,
    stopIds: [],
    seed: seed * 100 + r,
    ...more,
  }));
}

/** Logits this close may order differently in a batch: other matrix shapes round differently. */
const TIE = 1e-5;

describe.each(DEVICES)('a ragged batch equals its solo runs: %s', (device) => {
  const models = device === 'cpu' ? { ...MODELS, ...MOE_MODELS } : MODELS;
  test.each(Object.entries(models))('%s', async (_, config) => {
    const dummy = dummyModel(config);
    const { model, close } = await openDummy(dummy, { device });
    // A software adapter compiles a kernel for every shape, which takes its time.
    for (const seed of device === 'cpu' ? [1, 2, 3] : [1]) {
      const batch = requests(seed);
      const together = (await run(model, batch, { batchTokens: 20 })).results;
      for (const [r, request] of batch.entries()) {
        const alone = (await run(model, [request])).results[0]!;
        const got = together[r]!;
        expect(got.finish).toBe('length');
        const first = got.ids.findIndex((id, i) => id !== alone.ids[i]);
        if (first < 0) {
          expect(got.ids).toHaveLength(alone.ids.length);
          continue;
        }
        const context = [...request.ids, ...got.ids.slice(0, first)];
        const sorted = [...oracleLogits(dummy, context).at(-1)!].sort((a, b) => b - a);
        expect(sorted[0]! - sorted[1]!).toBeLessThan(TIE);
      }
    }
    await close();
  });

  test('greedy tokens are the oracle’s', async () => {
    const dummy = dummyModel(MODELS['llama hs 20']!);
    const { model, close } = await openDummy(dummy, { device });
    const [request] = requests(4);
    const { results } = await run(model, [request!]);
    await close();
    const ids = [...request!.ids];
    for (const id of results[0]!.ids) {
      const logits = [...oracleLogits(dummy, ids).at(-1)!];
      expect(id).toBe(logits.indexOf(Math.max(...logits)));
      ids.push(id);
    }
  });

  test('sampled tokens too, each request by its own generator', async () => {
    const { model, close } = await openDummy(dummyModel(MODELS['llama hs 16']!), { device });
    const batch = requests(5, { temperature: 1.3, topK: 20, topP: 0.9 });
    const together = (await run(model, batch)).results;
    const again = (await run(model, batch)).results;
    expect(again).toEqual(together);
    for (const [r, request] of batch.entries()) {
      expect((await run(model, [request])).results[0]).toEqual(together[r]);
    }
    const [first] = batch;
    const other = (await run(model, [{ ...first!, seed: 999 }])).results[0]!;
    expect(other.ids).not.toEqual(together[0]!.ids);
    await close();
  });
});

describe.each(DEVICES)('ends and events: %s', (device) => {
  test('tokens are reported once each, in order per request', async () => {
    const { model, close } = await openDummy(dummyModel(MODELS.qwen2!), { device });
    const { results, events, cacheBytes } = await run(model, requests(6), { batchTokens: 20 });
    await close();
    results.forEach(({ ids }, request) => {
      const own = events.filter((event) => event.request === request);
      expect(own.map(({ index }) => index)).toEqual(ids.map((_, index) => index));
      expect(own.map(({ id }) => id)).toEqual(ids);
    });
    // 2 (keys, values) × 2 layers × 2 heads × 16 dimensions × 4 bytes = 512 bytes a token.
    expect(cacheBytes).toEqual([4 * 25 * 512, 0]);
  });

  test('a stop id is reported and ends its request alone', async () => {
    const { model, close } = await openDummy(dummyModel(MODELS['llama hs 16']!), { device });
    const plain = (await run(model, requests(7))).results;
    const stop = plain[2]!.ids[3]!;
    const batch = requests(7).map((request, r) =>
      r === 2 ? { ...request, stopIds: [stop] } : request,
    );
    const { results } = await run(model, batch);
    await close();
    const until = plain[2]!.ids.indexOf(stop) + 1;
    expect(results[2]).toEqual({ ids: plain[2]!.ids.slice(0, until), finish: 'stop' });
    for (const other of [0, 1, 3]) expect(results[other]).toEqual(plain[other]);
  });

  test('an abort keeps what was generated', async () => {
    const { model, close } = await openDummy(dummyModel(MODELS['llama hs 16']!), { device });
    const plain = (await run(model, requests(8))).results;
    const { results } = await run(model, requests(8), { stopAfter: 6 });
    await close();
    results.forEach(({ ids, finish }, r) => {
      expect(finish).toBe('cancelled');
      expect(ids).toEqual(plain[r]!.ids.slice(0, 2));
    });
  });
});
