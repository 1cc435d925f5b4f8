/**
 * `assay eval` as a user runs it, worker and record included, against PyTorch (`../shared/golden`)
 * and against two engines on a real small model (`../shared/models/stories260k`).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assay } from '../support/command.ts';
import type { EvalOutput } from '../support/eval-output.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
const GOLDEN = join(SHARED, 'golden');
const STORIES = join(SHARED, 'models/stories260k');
if (!existsSync(GOLDEN))
  console.log(`skipped: ${GOLDEN} is absent, so PyTorch's values are not here`);
if (!existsSync(STORIES)) console.log(`skipped: ${STORIES} is absent`);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-golden-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function corpus(name: string, rows: readonly object[]): string {
  const path = join(dir, `${name}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

async function evaluate(model: string, corpusPath: string): Promise<EvalOutput> {
  const args = ['eval', '--model', model, '--corpus', corpusPath, '--scheme', 'f32', '--json'];
  const result = await assay([...args, '--budget', 'extended'], { cwd: dir });
  expect(result.stderr).not.toContain('error:');
  expect(result.code).toBe(0);
  return result.json<EvalOutput>();
}

interface Golden {
  input_ids: number[][];
  lengths: number[];
  cases: Record<
    string,
    {
      mean_nll_nats: number;
      perplexity: number;
      token_accuracy: number;
      scored_tokens: number;
    }
  >;
}

const DENSE = [
  'llama',
  'llama-tied',
  'llama3-rope',
  'mistral',
  'qwen2',
  'qwen3',
  'phi3',
  'gpt_neox',
  'gpt2',
];

/**
 * Both sides compute a token's log probability in float32. At 18 nats (the largest case) one unit
 * in its last place is 1.9e-6, so single tokens of two correct engines differ by a few of these;
 * their mean over 77 tokens by less. A wrong formula is off by 1e-2 at least.
 */
const NLL_TOLERANCE = 1e-5;
let largest = 0;

describe.skipIf(!existsSync(GOLDEN))('the golden cases, as rows of token ids', () => {
  afterAll(() => console.log(`largest difference of a mean NLL: ${largest.toExponential(1)} nats`));

  test.each(DENSE)('%s', async (name) => {
    const golden: Golden = JSON.parse(readFileSync(join(GOLDEN, 'index.json'), 'utf8'));
    const want = golden.cases[name]!;
    const rows = golden.input_ids.map((ids, i) => ({ input_ids: ids.slice(0, golden.lengths[i]) }));
    const { metrics } = await evaluate(join(GOLDEN, name), corpus(name, rows));
    const { loss, perplexity, tokenAccuracy } = metrics;
    const off = Math.abs(loss!.value! - want.mean_nll_nats);
    largest = Math.max(largest, off);
    expect(off).toBeLessThan(NLL_TOLERANCE);
    // d exp(x) = exp(x) dx: the same tolerance, relative.
    expect(Math.abs(perplexity!.value! / want.perplexity - 1)).toBeLessThan(NLL_TOLERANCE);
    // A share of 77 tokens: equal or off by 1/77.
    expect(tokenAccuracy!.value).toBeCloseTo(want.token_accuracy, 12);
    expect(loss!.n).toBe(want.scored_tokens);
    expect(loss).toMatchObject({ units: 2, unitOf: 'windows', ci95: null });
  });
});

interface Expected {
  texts: { text: string; perplexity: { onnxruntime_f32: number }; token_accuracy: number }[];
}

describe.skipIf(!existsSync(STORIES))('stories260k', () => {
  test('the perplexities of its two texts, tokenized and scored by the command', async () => {
    const expected: Expected = JSON.parse(readFileSync(join(STORIES, 'expected.json'), 'utf8'));
    for (const [i, { text, perplexity, token_accuracy }] of expected.texts.entries()) {
      const { metrics, engine } = await evaluate(STORIES, corpus(`story-${i}`, [{ text }]));
      console.log(`perplexity ${metrics.perplexity!.value!.toFixed(4)}`);
      const off = Math.abs(metrics.perplexity!.value! - perplexity.onnxruntime_f32);
      expect(off).toBeLessThanOrEqual(0.0005);
      expect(metrics.tokenAccuracy!.value).toBeCloseTo(token_accuracy, 3);
      expect(engine!.simulated).toBeNull();
    }
    expect(expected.texts.map((text) => text.perplexity.onnxruntime_f32)).toEqual([1.4707, 8.8466]);
  });
});
