import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Metric } from '../../src/record/schema.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type EvalOutput, qualityOf } from '../support/eval-output.ts';
import { someText, writeCorpus } from '../support/texts.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const EVAL = ['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--threads', '1'];

async function evaluate(...more: string[]): Promise<EvalOutput> {
  const result = await bench.assay([...EVAL, '--json', ...more]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.json<EvalOutput>();
}

const codes = (output: EvalOutput): string[] => output.findings.map((finding) => finding.code);

describe('assay eval --json', () => {
  it('gives the run, and every headline metric with unit, n, units and interval', async () => {
    const output = await evaluate('--budget', 'smoke');
    expect(output.runId).toMatch(/^eval-model\/model~f32~eval\/\d{8}T\d{6}Z-[0-9a-z]{6}$/);
    expect(output).toMatchObject({ status: 'succeeded', reason: null });
    const { loss, perplexity, tokenAccuracy } = output.metrics as Record<string, Metric>;
    expect(loss).toMatchObject({ unit: 'nats', n: 2_000, unitOf: 'windows' });
    expect(loss!.units).toBeGreaterThanOrEqual(10);
    const [low, high] = loss!.ci95!;
    expect(low).toBeLessThan(loss!.value!);
    expect(high).toBeGreaterThan(loss!.value!);
    expect(perplexity!.value).toBe(Math.exp(loss!.value!));
    expect(tokenAccuracy).toMatchObject({ unit: 'fraction', n: 2_000 });
    for (const name of ['tokensPerSecond', 'peakMemoryBytes', 'storedWeightBytes']) {
      const metric = output.metrics[name]!;
      expect(metric.value, name).toBeGreaterThan(0);
      expect(Object.keys(metric), name).toEqual(
        expect.arrayContaining(['unit', 'n', 'units', 'ci95', 'formula', 'samples']),
      );
    }
    expect(output.metrics.storedWeightBytes!.unit).toBe('bytes');
    expect(bench.leftovers()).toEqual([]);
  });

  it('prints data alone on stdout: the JSON is one document', async () => {
    const result = await bench.assay([...EVAL, '--budget', 'smoke', '--json']);
    expect(() => result.json()).not.toThrow();
    expect(result.stderr).toContain('2000 tokens to score');
  });

  it('says the same for people, and where the run is', async () => {
    const result = await bench.assay([...EVAL, '--budget', 'smoke']);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/^perplexity\s+[\d.]+ \[[\d.]+, [\d.]+\]\s+ratio\s+2000/m);
    expect(result.stdout).toMatch(/^Run: runs\/eval-model\//m);
    expect(result.stdout).toMatch(/^Next: assay explain \S+:perplexity$/m);
  });
});

describe('a budget', () => {
  it.each([
    [['--context', '256', '--stride', '256']],
    [['--context', '256', '--stride', '1', '--batch-tokens', '1']],
    [['--context', '100', '--stride', '33']],
    [['--context', '2', '--stride', '1', '--batch-tokens', '8192']],
  ])('of smoke scores exactly 2,000 tokens with %j', async (shape) => {
    const { metrics } = await evaluate('--budget', 'smoke', ...shape);
    expect(metrics.scoredTokens!.value).toBe(2_000);
    expect(metrics.loss!.n).toBe(2_000);
  });

  it('larger than the corpus scores everything and says so', async () => {
    const output = await evaluate('--budget', 'standard');
    // A document of n bytes is n + 1 tokens with BOS, of which the first is only context.
    expect(output.metrics.scoredTokens!.value).toBe(700 + 500 + 900 + 300 + 650);
    expect(codes(output)).toContain('corpus-smaller-than-budget');
    const all = await evaluate('--budget', 'extended');
    expect(codes(all)).not.toContain('corpus-smaller-than-budget');
    expect(all.metrics.loss).toEqual(output.metrics.loss);
  });
});

describe('two evaluations of one thing', () => {
  it.each(['f32', 'int8-g128', 'int4-g128'])('agree bit for bit at %s', async (scheme) => {
    const [first, second] = [
      await evaluate('--budget', 'smoke', '--scheme', scheme),
      await evaluate('--budget', 'smoke', '--scheme', scheme),
    ];
    expect(second.runId).not.toBe(first.runId);
    expect(qualityOf(second.metrics)).toEqual(qualityOf(first.metrics));
  });

  it('are compared in one run with --check-repeat', async () => {
    const output = await evaluate('--budget', 'smoke', '--check-repeat');
    expect(output.metrics.bitEqualRepeats!.value).toBe(output.metrics.bitEqualRepeats!.n);
    expect(codes(output)).toContain('repeat-bit-equal');
  });
});

describe('a corpus that repeats itself', () => {
  it('is named, and never changes the exit code', async () => {
    // 60 sequences that come again, and the one that begins with BOS.
    const line = JSON.stringify({ text: someText(60, 5).repeat(40) });
    bench.write('again.jsonl', `${line}\n`);
    const result = await bench.assay([
      ...['eval', '--model', 'model', '--corpus', 'again.jsonl', '--budget', 'smoke', '--json'],
    ]);
    expect(result.code).toBe(0);
    const found = result.json<EvalOutput>().findings.find((f) => f.code === 'degenerate-corpus');
    expect(found).toMatchObject({ severity: 'warning' });
    expect(found!.message).toMatch(/only 61 \(2\.\d %\) are distinct/);
  });

  it('is not suspected in a text of natural variety', async () => {
    expect(codes(await evaluate('--budget', 'smoke'))).not.toContain('degenerate-corpus');
  });
});

describe('input_ids', () => {
  it('are scored as they are: no tokenizer, no BOS', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => (i * 37 + (i % 11)) % 256);
    bench.write('ids.jsonl', `${JSON.stringify({ input_ids: ids })}\n`);
    const result = await bench.assay([
      ...['eval', '--model', 'model', '--corpus', 'ids.jsonl', '--json', '--budget', 'extended'],
    ]);
    expect(result.json<EvalOutput>().metrics.scoredTokens!.value).toBe(299);
  });

  it('and text agree where the ids are those of the text', async () => {
    writeCorpus(`${bench.root}/one.jsonl`, [300], 77);
    const bytes = [256, ...Buffer.from(someText(300, 77))];
    bench.write('same.jsonl', `${JSON.stringify({ input_ids: bytes })}\n`);
    const [text, ids] = await Promise.all(
      ['one.jsonl', 'same.jsonl'].map(async (corpus) => {
        const args = ['eval', '--model', 'model', '--corpus', corpus, '--json'];
        return (await bench.assay([...args, '--budget', 'extended'])).json<EvalOutput>();
      }),
    );
    expect(ids!.metrics.loss).toEqual(text!.metrics.loss);
  });
});
