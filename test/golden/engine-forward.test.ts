/** The graphs against a plain f64 forward pass, for every architecture and many head sizes. */
import { afterAll, describe, expect, test } from 'vitest';
import { forward, type Hidden } from '../../src/engine/embedded/forward.ts';
import { openCache } from '../../src/engine/embedded/generate.ts';
import { runLogits, scoreWindows } from '../../src/engine/embedded/score.ts';
import { DEVICES } from './engine-devices.ts';
import { dummyModel, MODELS, MOE_MODELS, openDummy, someIds } from './engine-models.ts';
import { oracleLogits } from './engine-oracle.ts';

/** Share of the largest |logit|; f32 sums over 160 numbers differ by 1e-6 of it. */
const TOLERANCE = 1e-5;
const LENGTHS = [17, 9, 1];

function largestDifference(got: Float32Array, want: readonly Float64Array[]): number {
  let most = 0;
  want.forEach((row, r) => {
    row.forEach((value, i) => {
      const off = Math.abs(got[r * row.length + i]! - value);
      if (!(off <= most)) most = off;
    });
  });
  return most;
}

describe.each(DEVICES)('logits agree with a plain forward pass in f64: %s', (device) => {
  const table: string[] = [];

  afterAll(() => {
    const head = `| ${device}: dummy model | batch of three rows | through the KV cache | log p |`;
    console.log([head, '|---|---|---|---|', ...table].join('\n'));
  });

  const models = device === 'cpu' ? { ...MODELS, ...MOE_MODELS } : MODELS;
  test.each(Object.entries(models))('%s', async (name, config) => {
    const dummy = dummyModel(config);
    const { model, close } = await openDummy(dummy, { device });
    const { arch } = dummy;
    const rows = LENGTHS.map((length, r) => someIds(length, arch.vocabSize, r + 1));
    const want = rows.map((ids) => oracleLogits(dummy, ids));
    const largest = Math.max(...want.flat().map((row) => Math.max(...row.map(Math.abs))));
    const logits = (hidden: Hidden, at: number[]): Promise<Float32Array> =>
      runLogits(model, hidden.feeds(at), at.length);

    const whole = await forward(model, { rows, lengths: LENGTHS, cache: null });
    const at = rows.flatMap((row, r) => row.map((_, i) => r * whole.width + i));
    const batched = largestDifference(await logits(whole, at), want.flat());

    // The second row ends where the first goes on, so that lengths differ all along.
    const had = [8, 4];
    const cache = openCache(model, { rows: 2, capacity: 16 });
    const prompts = had.map((count, r) => rows[r]!.slice(0, count));
    const filling = await cache.prefill(0, 2);
    await forward(model, { rows: prompts, lengths: had, cache: filling });
    let cached = 0;
    for (let step = 0; step < 5; step++) {
      const next = await forward(model, {
        rows: had.map((count, r) => [rows[r]![count + step]!]),
        lengths: had.map((count) => count + step + 1),
        cache: await cache.decode(),
      });
      const expected = had.map((count, r) => want[r]![count + step]!);
      cached = Math.max(cached, largestDifference(await logits(next, [0, 1]), expected));
    }

    const windows = rows.slice(0, 2).map((ids) => ({ ids, scoreFrom: 3 }));
    const scores = await scoreWindows(model, windows, new AbortController().signal);
    let off = 0;
    scores.forEach(({ logp, topLogp, sumSquares, hit }, r) => {
      logp.forEach((value, i) => {
        const row = [...want[r]![i + 2]!];
        const sum = row.reduce((s, v) => s + Math.exp(v), 0);
        const target = windows[r]!.ids[i + 3]!;
        const top = Math.max(...row);
        off = Math.max(off, Math.abs(value - (row[target]! - Math.log(sum))));
        off = Math.max(off, Math.abs(topLogp[i]! - (top - Math.log(sum))));
        const squares = row.reduce((s, v) => s + (Math.exp(v) / sum) ** 2, 0);
        off = Math.max(off, Math.abs(sumSquares[i]! - squares));
        expect(hit[i]).toBe(row.indexOf(top) === target ? 1 : 0);
      });
    });
    await close();

    const show = (value: number): string => value.toExponential(1);
    table.push(
      `| ${name} | ${show(batched / largest)} | ${show(cached / largest)} | ${show(off)} |`,
    );
    expect(batched / largest).toBeLessThanOrEqual(TOLERANCE);
    expect(cached / largest).toBeLessThanOrEqual(TOLERANCE);
    expect(off).toBeLessThanOrEqual(TOLERANCE * largest);
  });
});
