/** The model that ships with the package, against what was measured when it was trained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { projectRoot } from '../support/built-command.ts';
import type { RunOutput } from '../support/experiment-file.ts';

let bench: BenchLab;
let output: RunOutput;
beforeAll(async () => {
  bench = benchLab();
  bench.write(
    'reference.yaml',
    `name: reference
models: [builtin:assay-tiny]
schemes: [f32, bf16, int8-g128, int4-g128]
baseline: f32
measures:
  - eval: { corpus: builtin:assay-tiny/heldout.jsonl, context: 512, stride: 256 }
  - task:
      name: intents
      file: builtin:assay-tiny/intents.jsonl
      prompt: "request: {text}\\nintent:"
      continuation: " {label}\\n"
`,
  );
  const result = await bench.assay(['run', 'reference.yaml', '--json']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  output = result.json<RunOutput>();
}, 600_000);
afterAll(() => bench.remove());

/** What the reference implementation measured on the same files, with bf16 arithmetic. */
const reference = JSON.parse(
  readFileSync(join(projectRoot, 'models/assay-tiny/measured.json'), 'utf8'),
).measured.bf16 as { perplexity: number; predicted_tokens: number; intent_accuracy: number };

const metric = (cell: string, name: string): number =>
  output.runs.find((run) => run.cell.endsWith(cell))!.metrics[name]!.value!;

describe('the built-in model', () => {
  it('is measured at every scheme with both measures', () => {
    expect(output.runs.map((run) => run.status)).toEqual(Array(8).fill('succeeded'));
    expect(bench.leftovers()).toEqual([]);
  });

  it('finds the perplexity and the accuracy that the reference implementation found', () => {
    expect(metric('~f32~eval', 'scoredTokens')).toBe(reference.predicted_tokens);
    for (const scheme of ['f32', 'bf16']) {
      const ratio = metric(`~${scheme}~eval`, 'perplexity') / reference.perplexity;
      expect(Math.abs(ratio - 1), scheme).toBeLessThan(0.002);
      const accuracy = metric(`~${scheme}~intents`, 'accuracy');
      expect(Math.abs(accuracy - reference.intent_accuracy), scheme).toBeLessThanOrEqual(0.003);
    }
  });

  it('stores the same values at bf16 as the checkpoint has: nothing is lost', () => {
    expect(metric('~bf16~eval', 'perplexity')).toBe(metric('~f32~eval', 'perplexity'));
  });

  it('finds int4 smaller and worse than f32', () => {
    expect(metric('~int4-g128~eval', 'perplexity')).toBeGreaterThan(
      metric('~f32~eval', 'perplexity'),
    );
    const stored = (scheme: string): number => metric(`~${scheme}~eval`, 'storedWeightBytes');
    expect(stored('int4-g128')).toBeLessThan(stored('int8-g128'));
    expect(stored('int8-g128')).toBeLessThan(stored('bf16'));
    expect(stored('bf16')).toBeLessThan(stored('f32'));
  });

  it('finds the perplexity of the mixture of experts, too', async () => {
    const path = join(projectRoot, 'models/assay-tiny-moe/measured.json');
    const { bf16 } = JSON.parse(readFileSync(path, 'utf8')).measured;
    const settings = ['--corpus', 'builtin:assay-tiny/heldout.jsonl', '--budget', 'extended'];
    const model = ['--model', 'builtin:assay-tiny-moe', '--stride', '256'];
    const result = await bench.assay(['eval', ...model, ...settings, '--json']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const { metrics } = result.json<{ metrics: RunOutput['runs'][0]['metrics'] }>();
    expect(metrics.scoredTokens!.value).toBe(bf16.predicted_tokens);
    expect(Math.abs(metrics.perplexity!.value! / bf16.perplexity - 1)).toBeLessThan(1e-4);
  });

  it('ends in a lab in which every number stands', async () => {
    const verified = await bench.assay(['verify']);
    expect(verified.code, verified.stdout).toBe(0);
  });
});
