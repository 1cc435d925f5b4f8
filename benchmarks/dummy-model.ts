/** The model that benchmarks run where only the size counts: 136 M parameters, random weights. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../src/engine/engine.ts';

export const MODEL_136M = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_key_value_heads: 12,
  vocab_size: 32_000,
  max_position_embeddings: 2_048,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
};

/** config.json in a folder of its own. The caller removes it. */
export function dummyConfig(): { folder: string; path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'assay-benchmark-'));
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify(MODEL_136M));
  return { folder, path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Ids without meaning, the same for every engine. */
export function promptOf(seed: number, length: number): number[] {
  const { vocab_size: size } = MODEL_136M;
  return Array.from({ length }, (_, i) => (seed * 7_919 + i * 104_729) % size);
}

/**
 * The engine on dummy weights of seed 0, as built in dist/: a loader that compiles TypeScript on
 * the fly names every closure when it is made, which costs 10 µs in a decode step.
 */
export async function openDummy(options: {
  /** Of config.json. */
  readonly path: string;
  readonly scheme: string;
  readonly threads: number;
}): Promise<Engine> {
  const { path, scheme, threads } = options;
  const built = new URL('../dist/engine/open.js', import.meta.url).href;
  const { openEngine } = (await import(built)) as typeof import('../src/engine/open.ts');
  return openEngine({ model: `dummy:${path}`, scheme, threads, builtinDir: '', env: {} });
}
