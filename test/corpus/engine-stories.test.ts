/** A real small model (`../shared/models/stories260k`): perplexities that two engines agree on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEngine } from '../../src/engine/open.ts';
import { openTokenizer } from '../../src/engine/tokenizer.ts';
import { SCHEMES } from '../../src/weights/scheme.ts';

const DIR = join(import.meta.dirname, '../../../shared/models/stories260k');
const present = existsSync(DIR);
if (!present) console.log(`skipped: ${DIR} is absent`);

interface Expected {
  texts: { text: string; perplexity: { onnxruntime_f32: number }; token_accuracy: number }[];
}

/** NLL over all scored tokens of both texts, nats. */
async function meanNll(scheme: string, activations: 'int8' | 'f32'): Promise<number> {
  const { texts }: Expected = JSON.parse(readFileSync(join(DIR, 'expected.json'), 'utf8'));
  const options = { model: DIR, scheme, activations, builtinDir: '', env: {} };
  const engine = await openEngine(options);
  const tokenizer = await openTokenizer(engine);
  const windows = texts.map(({ text }) => ({
    ids: tokenizer!.encode(text, { special: true }),
    scoreFrom: 1,
  }));
  const scores = await engine.score(windows, new AbortController().signal);
  await engine.close();
  const logps = scores.flatMap(({ logp }) => [...logp]);
  return -logps.reduce((sum, value) => sum + value, 0) / logps.length;
}

describe.skipIf(!present)('stories260k', () => {
  test('every scheme costs what its bits suggest', async () => {
    const base = await meanNll('f32', 'f32');
    const cost: Record<string, number> = {};
    for (const { text, family } of SCHEMES) {
      for (const activations of family === 'int'
        ? (['f32', 'int8'] as const)
        : (['f32'] as const)) {
        cost[`${text} ${activations}`] = (await meanNll(text, activations)) - base;
      }
    }
    const lines = Object.entries(cost).map(([key, value]) => `${key}: ${value.toFixed(5)}`);
    console.log(`f32 ${base.toFixed(5)} nats; more than that:\n${lines.join('\n')}`);
    expect(Math.abs(cost['f32 f32']!)).toBe(0);
    expect(Math.abs(cost['bf16 f32']!)).toBeLessThan(2e-3);
    expect(Math.abs(cost['f16 f32']!)).toBeLessThan(2e-3);
    expect(Math.abs(cost['int8-g128 f32']!)).toBeLessThan(2e-2);
    expect(cost['int4-g128 f32']!).toBeGreaterThan(Math.abs(cost['int8-g128 f32']!));
  });

  test('f32 perplexities and accuracies, BOS included as context', async () => {
    const expected: Expected = JSON.parse(readFileSync(join(DIR, 'expected.json'), 'utf8'));
    const engine = await openEngine({ model: DIR, scheme: 'f32', builtinDir: '', env: {} });
    const tokenizer = await openTokenizer(engine);
    const windows = expected.texts.map(({ text }) => ({
      ids: tokenizer!.encode(text, { special: true }),
      scoreFrom: 1,
    }));
    const scores = await engine.score(windows, new AbortController().signal);
    await engine.close();
    scores.forEach(({ logp, hit }, index) => {
      const want = expected.texts[index]!;
      const nll = -logp.reduce((sum, value) => sum + value, 0) / logp.length;
      const accuracy = hit.reduce((sum, value) => sum + value, 0) / hit.length;
      console.log(`perplexity ${Math.exp(nll).toFixed(4)} accuracy ${accuracy.toFixed(3)}`);
      expect(Math.abs(Math.exp(nll) - want.perplexity.onnxruntime_f32)).toBeLessThan(5e-4);
      expect(accuracy).toBeCloseTo(want.token_accuracy, 3);
    });
    expect(windows[0]!.ids[0]).toBe(1);
  });
});
