/**
 * What was promised: the perplexity of a scheme in memory is exactly that of the checkpoint that
 * was written at this scheme, whatever the format; dequantized it agrees to 1e-5, which is what the
 * order of additions in the runtime's kernels leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/open.ts';
import {
  type ConversionPlan,
  planDequantize,
  planQuantize,
} from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../../src/weights/convert/output-format.ts';
import { type LookedAt, lookAt } from '../../src/weights/looked-at.ts';
import { parseScheme, SCHEMES } from '../../src/weights/scheme.ts';
import { BYTE_VOCABULARY } from '../support/byte-tokenizer.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

const TINY = join(import.meta.dirname, '../../models/assay-tiny');

let dir: string;
let small: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-written-'));
  // Wider than a group, so that a group is no whole row.
  const config = { hidden_size: 256, intermediate_size: 512, num_hidden_layers: 1 };
  small = writeSmallCheckpoint(join(dir, 'small'), { config });
});
afterAll(() => rmSync(dir, { recursive: true }));

type Activations = 'int8' | 'f32';

async function perplexity(model: string, scheme: string, activations: Activations) {
  const resolve = { builtinDir: '', env: {} };
  const engine = await openEngine({ model, scheme, activations, threads: 1, ...resolve });
  const ids = Array.from({ length: 64 }, (_, i) => (i * i * 3 + 17 * i + 5) % BYTE_VOCABULARY);
  try {
    const [scored] = await engine.score([{ ids, scoreFrom: 1 }], new AbortController().signal);
    const { logp } = scored!;
    return Math.exp(-logp.reduce((sum, value) => sum + value, 0) / logp.length);
  } finally {
    await engine.close();
  }
}

async function convert(from: string, out: string, plan: (input: LookedAt) => ConversionPlan) {
  const input = lookAt(from);
  try {
    await convertCheckpoint({ input, plan: plan(input), out }, { verify: true, hash: false });
  } finally {
    input.close();
  }
}

async function quantized(from: string, scheme: string, format: OutputFormat): Promise<string> {
  const out = mkdtempSync(join(dir, `${scheme}-${format}-`));
  rmSync(out, { recursive: true });
  const wanted = { scheme: parseScheme(scheme), format, ignore: [] };
  await convert(from, out, (input) => planQuantize(input, wanted));
  return out;
}

function fits(scheme: string, format: OutputFormat): boolean {
  const input = lookAt(small);
  try {
    planQuantize(input, { scheme: parseScheme(scheme), format, ignore: [] });
    return true;
  } catch {
    return false;
  } finally {
    input.close();
  }
}

/** All that can be asked for, in the order of the vocabulary. */
const PAIRS = SCHEMES.filter(({ family }) => family !== 'float').flatMap(({ text }) =>
  OUTPUT_FORMATS.map((format) => [text, format] as const),
);

describe('a scheme in memory, and written', () => {
  it('fits into at least one format, whatever the scheme', () => {
    const held = PAIRS.filter(([scheme, format]) => fits(scheme, format));
    const schemes = new Set(PAIRS.map(([scheme]) => scheme));
    expect(new Set(held.map(([scheme]) => scheme))).toEqual(schemes);
    expect(held.length).toBe(23);
  });

  it.each(PAIRS)('%s as %s: the same perplexity, and dequantized', async (scheme, format) => {
    if (!fits(scheme, format)) return;
    const written = await quantized(small, scheme, format);
    for (const activations of ['int8', 'f32'] as const) {
      const inMemory = await perplexity(small, scheme, activations);
      expect(await perplexity(written, 'stored', activations)).toBe(inMemory);
    }
    const plain = `${written}-plain`;
    await convert(written, plain, (input) => planDequantize(input, 'F32'));
    const stored = await perplexity(written, 'stored', 'f32');
    const values = await perplexity(plain, 'f32', 'f32');
    expect(Math.abs(values / stored - 1)).toBeLessThan(1e-5);
  });

  it.each([
    ['fp8-block128', 'fp8'],
    ['fp8-tensor', 'compressed-tensors'],
    ['int8-g128', 'compressed-tensors'],
    ['int4-g128', 'gptq'],
    ['int4-asym-g128', 'awq'],
  ] as const)('assay-tiny: %s as %s', async (scheme, format) => {
    const written = await quantized(TINY, scheme, format);
    const inMemory = await perplexity(TINY, scheme, 'int8');
    expect(await perplexity(written, 'stored', 'int8')).toBe(inMemory);
  });
});
