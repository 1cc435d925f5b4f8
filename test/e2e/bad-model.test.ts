/** Checkpoints that are not what they must be: exit code 2 or 3, one message with a hint. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TensorToWrite } from '../../src/weights/safetensors-write.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import type { EvalOutput } from '../support/eval-output.ts';
import { refused } from '../support/refusal.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';
import { SPOILT_MODELS } from '../support/spoilt-models.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const EVAL = ['eval', '--budget', 'smoke', '--threads', '1'];

/** A checkpoint that `spoil` makes unusable, by a name of its own. */
function spoilt(name: string, spoil: (dir: string) => void): string {
  const dir = join(bench.root, name);
  rmSync(dir, { recursive: true, force: true });
  writeSmallCheckpoint(dir);
  spoil(dir);
  return name;
}

describe('a model with', () => {
  it.each(SPOILT_MODELS.map((each) => ({ name: each[0], each })))(
    '$name is refused',
    async ({ each }) => {
      const [name, spoil, message, hint] = each;
      const model = spoilt('spoilt', spoil);
      const args = [...EVAL, '--model', model, '--corpus', 'corpus.jsonl'];
      await refused(bench, args, { code: 3, message, ...(hint ? { hint } : {}) });
      if (/tokenizer/.test(name))
        await refused(bench, ['generate', '--model', model, '--prompt', 'a'], { code: 3, message });
    },
  );

  it('a name that does not exist is refused', async () => {
    const args = [...EVAL, '--model', './gone', '--corpus', 'corpus.jsonl'];
    await refused(bench, args, { code: 2, message: /gone/ });
    await refused(bench, [...EVAL, '--model', 'builtin:gone', '--corpus', 'corpus.jsonl'], {
      code: 2,
      message: /builtin:gone/,
    });
  });

  it('a file in place of its directory is refused', async () => {
    const args = [...EVAL, '--model', 'corpus.jsonl', '--corpus', 'corpus.jsonl'];
    await refused(bench, args, { code: 3, message: /not a directory/ });
  });
});

/** Sets the first value of one tensor (bf16 bits) and writes the model under `name`. */
function withValue(name: string, tensorName: string, bits: number): void {
  const change = (tensor: TensorToWrite): TensorToWrite => {
    if (tensor.name !== tensorName) return tensor;
    const data = tensor.data.slice();
    new DataView(data.buffer).setUint16(0, bits, true);
    return { ...tensor, data };
  };
  writeSmallCheckpoint(join(bench.root, name), { change });
}

describe('weights that hold', () => {
  const args = [...EVAL, '--corpus', 'corpus.jsonl'];

  it.each(['f32', 'bf16', 'fp8-block128', 'int8-g128', 'int4-g128'])(
    'NaN are refused at %s, naming the tensor',
    async (scheme) => {
      withValue('nan', 'model.layers.1.mlp.up_proj.weight', 0x7fc0);
      await refused(bench, [...args, '--model', 'nan', '--scheme', scheme], {
        code: 3,
        message: /model\.layers\.1\.mlp\.up_proj\.weight.* NaN/,
      });
    },
  );

  it('finite values that overflow make the measurement invalid: exit code 5, no number', async () => {
    withValue('huge', 'model.norm.weight', 0x7f7f);
    const result = await bench.assay([...args, '--model', 'huge', '--json']);
    expect(result.code, result.stderr).toBe(5);
    const output = result.json<EvalOutput>();
    expect(output.status).toBe('invalid');
    expect(output.reason).toMatch(/NaN or Inf/);
    expect(output.metrics.perplexity?.value ?? null).toBeNull();
    expect(output.findings).toContainEqual(expect.objectContaining({ code: 'non-finite' }));
  });

  it.each(['generation', 'likelihood'])(
    'and of a labelled set by %s no accuracy',
    async (method) => {
      withValue('huge', 'model.norm.weight', 0x7f7f);
      const items = Array.from({ length: 20 }, (_, i) => ({
        text: `item ${i}`,
        label: `label ${i}`,
      }));
      bench.write('task.jsonl', items.map((item) => `${JSON.stringify(item)}\n`).join(''));
      const task = ['--task', 'task.jsonl', '--method', method];
      const result = await bench.assay(['eval', ...task, '--model', 'huge', '--json']);
      expect(result.code, result.stderr).toBe(5);
      const { metrics, findings, status } = result.json<EvalOutput>();
      expect(status).toBe('invalid');
      for (const name of ['accuracy', 'macroAccuracy', 'macroF1', 'labelLoss']) {
        expect(metrics[name]!.value, name).toBeNull();
      }
      const codes = findings.map((finding) => finding.code);
      expect(codes).toContain('non-finite');
      expect(codes).not.toContain('finite');
    },
  );
});
