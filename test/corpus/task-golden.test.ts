/**
 * A classification head as a user measures it, worker and record included, against the logits of
 * PyTorch (`../shared/golden/qwen2-seqcls-23`: two rows, 23 labels).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ItemRow, LabelSetRow } from '../../src/record/rows.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { assay } from '../support/command.ts';
import type { EvalOutput } from '../support/eval-output.ts';

const GOLDEN = join(import.meta.dirname, '../../../shared/golden');
const MODEL = join(GOLDEN, 'qwen2-seqcls-23');
if (!existsSync(MODEL))
  console.log(`skipped: ${MODEL} is absent, so PyTorch's logits are not here`);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-head-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(!existsSync(MODEL))('a classification head of 23 labels', () => {
  const labels = Array.from({ length: 23 }, (_, i) => `LABEL_${i}`);

  function goldenLogits(): number[][] {
    const bytes = readFileSync(join(MODEL, 'expected_logits.f32'));
    const values = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    return [values.slice(0, 23), values.slice(23)];
  }

  function rowsOfIds(): number[][] {
    const { input_ids: ids, lengths } = JSON.parse(
      readFileSync(join(GOLDEN, 'index.json'), 'utf8'),
    );
    return ids.map((row: number[], i: number) => row.slice(0, lengths[i]));
  }

  const task = (name: string, rows: readonly object[]): string => {
    writeFileSync(join(dir, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return name;
  };

  test('gives PyTorch’s logits and answers, one right and one wrong', async () => {
    const golden = goldenLogits();
    const best = golden.map((row) => row.indexOf(Math.max(...row)));
    const right = labels[best[0]!]!;
    const wrong = labels[(best[1]! + 1) % 23]!;
    const [first, second] = rowsOfIds();
    const file = task('ids.jsonl', [
      { input_ids: first, label: right },
      { input_ids: second, label: wrong },
    ]);
    const args = ['eval', '--model', MODEL, '--task', file, '--json'];
    const result = await assay(args, { cwd: dir });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const { runId, metrics, findings } = result.json<EvalOutput>();
    const { rows } = readSamples(join(dir, 'runs', runId, 'samples.jsonl'));
    const set = rows.find((row): row is LabelSetRow => row.kind === 'label-set')!;
    expect(set).toMatchObject({ method: 'head', labels });
    const items = rows.filter((row): row is ItemRow => row.kind === 'item');
    const largest = Math.max(...golden.flat().map(Math.abs));
    let off = 0;
    for (const { item, predicted, correct, scores, logp } of items) {
      const want = golden[item]!;
      off = Math.max(off, ...scores!.map((score, i) => Math.abs(score! - want[i]!)));
      expect(predicted).toBe(labels[best[item]!]);
      expect(correct).toBe(item === 0);
      const total = Math.log(want.reduce((sum, each) => sum + Math.exp(each), 0));
      const truth = item === 0 ? best[0]! : (best[1]! + 1) % 23;
      expect(logp).toBeCloseTo(want[truth]! - total, 4);
    }
    console.log(`largest difference: ${(off / largest).toExponential(1)} of the largest |logit|`);
    // What README.md of the golden values asks of a good engine.
    expect(off).toBeLessThanOrEqual(5e-5 * largest);
    expect(metrics.accuracy).toMatchObject({ value: 0.5, n: 2 });
    expect(metrics[`confusion:${wrong}>${labels[best[1]!]}`]).toMatchObject({ value: 1 });
    expect(findings.map((finding) => finding.code)).toContain('probabilities-sum');
    expect((await assay(['verify'], { cwd: dir })).code).toBe(0);
  });

  test.each<[string, string[], object[], RegExp]>([
    [
      'labels that it lacks',
      [],
      [{ input_ids: [5], label: 'intent' }],
      /:1: the model has no label/,
    ],
    [
      'tokens that it lacks',
      [],
      [{ input_ids: [512], label: 'LABEL_1' }],
      /:1: the model has no tok/,
    ],
    ['likelihood', ['--method', 'likelihood'], [{ input_ids: [5], label: 'a' }], /is a classifier/],
    ['text without a tokenizer', [], [{ text: 'a', label: 'LABEL_1' }], /no tokenizer.json/],
  ])('%s: refused before anything runs', async (name, more, rows, says) => {
    const file = task(`${name.replaceAll(' ', '-')}.jsonl`, rows);
    const result = await assay(['eval', '--model', MODEL, '--task', file, ...more], { cwd: dir });
    expect([2, 3]).toContain(result.code);
    expect(result.stderr).toMatch(says);
    expect(result.stderr).toContain('hint:');
  });

  test('has no speed of generation: bench refuses it, and leaves nothing', async () => {
    const cwd = mkdtempSync(join(dir, 'bench-'));
    const command = ['bench', '--model', MODEL, '--batch-sizes', '1', '--runs', '10'];
    const lengths = ['--prompt-tokens', '4', '--new-tokens', '4'];
    const result = await assay([...command, ...lengths], { cwd });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/is a classifier: it generates no tokens/);
    expect(existsSync(join(cwd, 'runs'))).toBe(false);
  });
});
