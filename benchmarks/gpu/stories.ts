/** Perplexities of a real small model on a device, beside those that other engines gave. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../src/engine/embedded/device.ts';
import { openEngine } from '../../src/engine/open.ts';
import { openTokenizer } from '../../src/engine/tokenizer.ts';

interface Expected {
  readonly texts: readonly { text: string; perplexity: { onnxruntime_f32: number } }[];
}

/** `folder`: a checkpoint with expected.json (texts and their perplexities). */
export async function printStories(
  folder: string,
  options: { device: Device; schemes: readonly string[] },
): Promise<void> {
  const { texts }: Expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  const want = texts.map((text) => text.perplexity.onnxruntime_f32.toFixed(4));
  console.log(`\nperplexities on ${options.device}, expected in f32: ${want.join(', ')}`);
  for (const scheme of options.schemes) {
    const { device } = options;
    const settings = { model: folder, scheme, device, activations: 'f32' } as const;
    const engine = await openEngine({ ...settings, builtinDir: '', env: {} });
    const tokenizer = await openTokenizer(engine);
    const windows = texts.map(({ text }) => ({
      ids: tokenizer!.encode(text, { special: true }),
      scoreFrom: 1,
    }));
    const scores = await engine.score(windows, new AbortController().signal);
    const got = scores.map(({ logp }) => {
      return Math.exp(-logp.reduce((sum, value) => sum + value, 0) / logp.length).toFixed(4);
    });
    console.log(`| ${scheme} | ${engine.info.precision} | ${got.join(', ')} |`);
    await engine.close();
  }
}
