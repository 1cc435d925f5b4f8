/**
 * A written checkpoint runs as the scheme in memory does, bit for bit; a dequantized one agrees to
 * 1e-5, which is what the order of additions in the runtime's kernels leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/open.ts';
import { FormatError } from '../../src/record/errors.ts';
import { type Layout, writeQuantized } from '../support/quantized-checkpoint.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

const MODEL = join(import.meta.dirname, '../../models/assay-tiny');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-stored-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function write(scheme: string, layout: Layout, from = MODEL): string {
  const to = mkdtempSync(join(dir, `${scheme}-${layout}-`));
  writeQuantized({ from, to, scheme, layout });
  return to;
}

const windows = [3, 8].map((step) => ({
  ids: Array.from({ length: 96 }, (_, i) => (i * i * step + 17 * i + step) % 2048),
  scoreFrom: 1,
}));

async function score(model: string, scheme: string, activations: 'int8' | 'f32') {
  const resolve = { builtinDir: '', env: {} };
  const engine = await openEngine({ model, scheme, activations, threads: 1, ...resolve });
  try {
    const scored = await engine.score(windows, new AbortController().signal);
    return { info: engine.info, logp: scored.flatMap((window) => [...window.logp]) };
  } finally {
    await engine.close();
  }
}

const perplexity = (logp: readonly number[]): number =>
  Math.exp(-logp.reduce((sum, value) => sum + value, 0) / logp.length);

describe('a written checkpoint scores as its scheme in memory, bit for bit', () => {
  it.each<[string, Layout, 'int8' | 'f32']>([
    ['int4-g128', 'pack-quantized', 'int8'],
    ['int4-g64', 'pack-quantized', 'f32'],
    ['int4-asym-g128', 'pack-quantized', 'int8'],
    ['int4-asym-g32', 'pack-quantized', 'f32'],
    ['int8-g128', 'pack-quantized', 'int8'],
    ['int8-channel', 'int-quantized', 'int8'],
    ['fp8-channel', 'float-quantized', 'f32'],
    ['fp8-block128', 'fp8', 'f32'],
  ])('%s as %s, activations %s', async (scheme, layout, activations) => {
    const inMemory = await score(MODEL, scheme, activations);
    const written = await score(write(scheme, layout), 'stored', activations);
    expect(written.logp).toEqual(inMemory.logp);
    const { version: _, ...info } = written.info;
    expect(info).toMatchObject({ scheme, precision: inMemory.info.precision });
    expect(info.simulated).toBe(inMemory.info.simulated);
  });
});

describe('a written checkpoint scores as its dequantized weights', () => {
  it.each<[string, Layout, Layout]>([
    ['int4-g128', 'gptq', 'dequantized-half'],
    ['int4-g64', 'gptq_v2', 'dequantized-half'],
    ['int8-g128', 'gptq', 'dequantized-half'],
    ['int4-asym-g128', 'gptq', 'dequantized-half'],
    ['int4-g128', 'gptq-act-order', 'dequantized-half-act-order'],
    ['int4-asym-g64', 'gptq-act-order', 'dequantized-half-act-order'],
    ['int4-asym-g128', 'awq', 'dequantized-half'],
    ['int4-g128', 'pack-quantized', 'dequantized'],
    ['fp8-block128', 'fp8', 'dequantized'],
  ])('%s as %s', async (scheme, layout, plain) => {
    const written = await score(write(scheme, layout), 'stored', 'f32');
    const values = await score(write(scheme, plain), 'f32', 'f32');
    const [a, b] = [perplexity(written.logp), perplexity(values.logp)];
    expect(Math.abs(a / b - 1)).toBeLessThan(1e-5);
  });
});

describe('GPT-2, whose matrices lie as [in, out]', () => {
  const config = {
    ...{ architectures: ['GPT2LMHeadModel'], model_type: 'gpt2', tie_word_embeddings: true },
    ...{ n_embd: 128, n_head: 4, n_layer: 2, n_positions: 128, vocab_size: 2048 },
  };
  let gpt2: string;
  beforeAll(() => {
    gpt2 = writeSmallCheckpoint(join(dir, 'gpt2'), { config });
  });

  it.each([
    ['int4-g32', 'gptq'],
    ['int8-g128', 'gptq'],
    ['int4-asym-g64', 'gptq_v2'],
  ] as const)('%s as %s scores as its dequantized weights', async (scheme, layout) => {
    const written = await score(write(scheme, layout, gpt2), 'stored', 'f32');
    const values = await score(write(scheme, 'dequantized-half', gpt2), 'f32', 'f32');
    const [a, b] = [perplexity(written.logp), perplexity(values.logp)];
    expect(Math.abs(a / b - 1)).toBeLessThan(1e-5);
  });

  it('is refused in FP8: no format says which way it lies', async () => {
    const written = write('fp8-channel', 'float-quantized', gpt2);
    const error = await score(written, 'stored', 'f32').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain('no format says which way a Conv1D lies');
  });
});

describe('stored', () => {
  it('of a plain checkpoint is its own dtype', async () => {
    const stored = await score(MODEL, 'stored', 'int8');
    const bf16 = await score(MODEL, 'bf16', 'int8');
    expect(stored.logp).toEqual(bf16.logp);
    expect(stored.info).toEqual(bf16.info);
  });

  it('is the only scheme of a quantized checkpoint', async () => {
    const model = write('int4-g128', 'pack-quantized');
    const error = await score(model, 'int8-channel', 'int8').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).hint).toContain('--scheme stored');
  });
});
