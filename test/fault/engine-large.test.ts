/**
 * A model of more than 2 GiB, the limit of a protobuf: its weights go through a temporary file.
 * Needs 6 GB of memory and 3 GB of disk; skipped with a printed reason where they are not there.
 */
import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { availableMemory } from '../../src/engine/embedded/available-memory.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { openModelGraphs } from '../../src/engine/embedded/model-graphs.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { scoreWindows } from '../../src/engine/embedded/score.ts';
import { storedWeights } from '../../src/engine/embedded/stored-weights.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { oracleLogits } from '../golden/engine-oracle.ts';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 2048,
  num_attention_heads: 16,
  num_key_value_heads: 4,
  num_hidden_layers: 6,
  intermediate_size: 8192,
  vocab_size: 60_000,
  max_position_embeddings: 512,
};

const folder = tmpdir();
const disk = statfsSync(folder);
const enough =
  availableMemory().bytes > 6e9 && disk.bavail * disk.bsize > 3e9 ? true : 'memory or disk';
if (enough !== true) console.log(`skipped: not enough ${enough} for a model of more than 2 GiB`);

test.skipIf(enough !== true)('more than 2 GiB of f32 weights', { timeout: 600_000 }, async () => {
  const arch = describeArchitecture(CONFIG);
  const source = dummySource(arch, { dtype: 'BF16', seed: 9 });
  const scratchDir = mkdtempSync(join(folder, 'assay-large-test-'));
  const ort = await loadRuntime();
  const graphs = await openModelGraphs(ort, arch, {
    stored: storedWeights(source, arch, { scheme: parseScheme('f32') }),
    activations: 'f32',
    threads: 2,
    scratchDir,
  });
  expect(graphs.placement).toBe('file');
  expect(graphs.weightBytes).toBeGreaterThan(2 ** 31);
  // On POSIX the file is gone as soon as the runtime has mapped it.
  if (process.platform !== 'win32') expect(readdirSync(scratchDir)).toEqual([]);
  const model = { ort, arch, ...graphs };
  const ids = [17, 59_999];
  const [score] = await scoreWindows(model, [{ ids, scoreFrom: 1 }], new AbortController().signal);
  await graphs.close();
  rmSync(scratchDir, { recursive: true });

  const weights = (name: string): Float32Array => readF32(source, name);
  const logits = oracleLogits({ arch, weights }, ids.slice(0, 1))[0]!;
  const top = logits.reduce((most, value) => Math.max(most, value));
  const sum = logits.reduce((total, value) => total + Math.exp(value - top), 0);
  const want = logits[ids[1]!]! - top - Math.log(sum);
  console.log(`${(graphs.weightBytes / 1e9).toFixed(2)} GB: log p ${score!.logp[0]} for ${want}`);
  expect(Math.abs(score!.logp[0]! - want)).toBeLessThan(1e-4);
});
