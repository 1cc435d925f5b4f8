/** The mixture of experts that ships with the package, against what its training job measured. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WithRouting } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/open.ts';
import { loadTokenizer } from '../../src/engine/tokenizer.ts';
import { writeQuantized } from '../support/quantized-checkpoint.ts';

const MODELS = join(import.meta.dirname, '../../models');
const MODEL = join(MODELS, 'assay-tiny-moe');
const DOCUMENTS = 24;

let dir: string;
let windows: { ids: number[]; scoreFrom: number }[];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'assay-tiny-moe-'));
  const tokenizer = (await loadTokenizer(MODEL, 2048))!;
  const text = readFileSync(join(MODELS, 'assay-tiny/heldout.jsonl'), 'utf8');
  windows = text
    .trim()
    .split('\n')
    .slice(0, DOCUMENTS)
    .map((line) => ({
      ids: tokenizer.encode(JSON.parse(line).text, { special: true }),
      scoreFrom: 1,
    }));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function score(model: string, scheme: string): Promise<number[]> {
  const engine = await openEngine({ model, scheme, threads: 1, builtinDir: MODELS, env: {} });
  try {
    const scored = await engine.score(windows, new AbortController().signal);
    return scored.flatMap(({ logp }) => [...logp]);
  } finally {
    await engine.close();
  }
}

const perplexity = (logp: readonly number[]): number =>
  Math.exp(-logp.reduce((sum, value) => sum + value, 0) / logp.length);

describe('assay-tiny-moe', () => {
  it('runs from disk at int4 as in memory, bit for bit', async () => {
    writeQuantized({ from: MODEL, to: dir, scheme: 'int4-g128', layout: 'pack-quantized' });
    const inMemory = await score('builtin:assay-tiny-moe', 'int4-g128');
    expect(await score(dir, 'stored')).toEqual(inMemory);
    expect(perplexity(inMemory)).toBeGreaterThan(1);
  });

  it('routes its held-out text evenly, over all experts', async () => {
    const engine = (await openEngine({
      model: MODEL,
      scheme: 'f32',
      threads: 1,
      routing: true,
      builtinDir: MODELS,
      env: {},
    })) as Awaited<ReturnType<typeof openEngine>> & WithRouting;
    const { layers, experts, topK } = engine.routing;
    expect(engine.routing).toEqual({ layers: [1, 3], experts: 60, topK: 4, normalized: false });
    const counts = layers.map(() => new Array<number>(experts).fill(0));
    await engine.generateRouted(
      windows.map(({ ids }) => ({ ids, maxNewTokens: 1, stopIds: [] })),
      {
        onToken() {},
        onRoutes({ ids }) {
          ids.forEach((id, i) => {
            counts[Math.floor(i / topK) % layers.length]![id]! += 1;
          });
        },
      },
      new AbortController().signal,
    );
    await engine.close();
    const { routing } = JSON.parse(readFileSync(join(MODEL, 'measured.json'), 'utf8')).measured
      .bf16 as { routing: Record<string, { entropy_bits: number }> };
    layers.forEach((layer, l) => {
      const total = counts[l]!.reduce((sum, count) => sum + count, 0);
      const shares = counts[l]!.map((count) => count / total).filter((share) => share > 0);
      const bits = -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
      expect(counts[l]!.filter((count) => count === 0)).toEqual([]);
      // A tenth of the documents that the training job counted.
      expect(Math.abs(bits - routing[layer]!.entropy_bits)).toBeLessThan(0.03);
    });
  });
});
