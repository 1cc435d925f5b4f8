/** The real small model of `../shared/models/stories260k`: perplexities that two engines agree on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEngine } from '../../src/engine/open.ts';
import { openTokenizer } from '../../src/engine/tokenizer.ts';

const DIR = join(import.meta.dirname, '../../../shared/models/stories260k');
const present = existsSync(DIR);
if (!present) console.log(`skipped: ${DIR} is absent`);

interface Expected {
  texts: { text: string; perplexity: { onnxruntime_f32: number }; token_accuracy: number }[];
}

describe.skipIf(!present)('stories260k', () => {
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
