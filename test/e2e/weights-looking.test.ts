import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { changedCheckpoint } from '../support/changed-checkpoint.ts';
import { writeQuantized } from '../support/quantized-checkpoint.ts';
import { refused } from '../support/refusal.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab({ model: { config: { hidden_size: 256, intermediate_size: 512 } } });
  const from = join(bench.root, 'model');
  const to = join(bench.root, 'int4');
  writeQuantized({ from, to, scheme: 'int4-asym-g64', layout: 'awq' });
});
afterAll(() => bench.remove());

describe('assay weights', () => {
  it('inspects a quantized checkpoint, filtered', async () => {
    const { code, stdout } = await bench.assay(['weights', 'inspect', 'int4', '*.layers.1.*proj*']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^model\.layers\.1\.mlp\.up_proj\.weight +int4-asym-g64 +512×256 /m);
    expect(stdout).not.toContain('layers.0');
    expect(stdout).toContain('quantization: awq');
  });

  it('records an autopsy and a difference that verify', async () => {
    const autopsy = await bench.assay(['weights', 'autopsy', 'int4', '--json']);
    const { runId, metrics, tensors, diagnoses } = autopsy.json<{
      runId: string;
      metrics: Record<string, { value: number }>;
      tensors: { name: string; statistics: { std: number } }[];
      diagnoses: unknown[];
    }>();
    expect(metrics.tensors?.value).toBe(tensors.length);
    expect(metrics.nonFinite?.value).toBe(0);
    expect(diagnoses).toEqual([]);
    expect(runId).toMatch(/^weights\/autopsy\//);
    const pictures = readdirSync(join(bench.root, 'runs', runId, 'charts')).sort();
    // Two layers are no depth.
    expect(pictures).toEqual(['histogram.png', 'histogram.svg', 'histogram.vl.json']);
    const diff = await bench.assay(['weights', 'diff', 'model', 'int4']);
    expect(diff.code).toBe(0);
    expect(diff.stdout).toMatch(/up_proj\.weight +bf16 → int4-asym-g64 .* rounding$/m);
    expect(diff.stdout).toContain('rounding to its format explains every value');
    const shown = await bench.assay(['runs', 'show', runId]);
    expect(shown.stdout).toContain('weights.non-finite/1');
    expect((await bench.assay(['verify'])).code).toBe(0);
    // The run vouches for its pictures.
    const picture = join('runs', runId, 'charts/histogram.svg');
    const drawn = bench.read(picture);
    bench.write(picture, drawn.replace('Sizes', 'Seizes'));
    const verified = await bench.assay(['verify']);
    expect(verified.code).toBe(6);
    expect(verified.stdout + verified.stderr).toContain('histogram.svg');
    bench.write(picture, drawn);
  });

  it('ends with 3 where a checkpoint does not fit together, and says what vLLM refuses', async () => {
    const config = JSON.parse(bench.read('int4/config.json'));
    config.quantization_config.group_size = 32;
    const misfit = changedCheckpoint(join(bench.root, 'int4'), join(bench.root, 'misfit'), {});
    writeFileSync(join(misfit, 'config.json'), JSON.stringify(config));
    const { code, stdout } = await bench.assay(['weights', 'inspect', 'misfit']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^problem: .*model\.safetensors: tensor .* must have \[8, 256\]$/m);
    expect(stdout).toMatch(/^vLLM, refused: \d+ tensors cannot be read as config\.json says$/m);
    const json = await bench.assay(['weights', 'inspect', 'misfit', '--json']);
    expect(json.code).toBe(3);
    expect(json.json<{ problems: string[] }>().problems.length).toBeGreaterThan(0);
  });

  it('evaluates the weights that a checkpoint holds', async () => {
    const args = ['eval', '--scheme', 'stored', '--corpus', 'corpus.jsonl', '--budget', 'smoke'];
    const stored = await bench.assay([...args, '--model', 'int4', '--json']);
    expect(stored.json()).toMatchObject({
      status: 'succeeded',
      engine: { scheme: 'int4-asym-g64', precision: 'W4A8' },
    });
    await refused(bench, [...args.with(2, 'int8-g128'), '--model', 'int4'], {
      code: 3,
      message: /already quantized/,
      hint: /--scheme stored/,
    });
  });

  it('refuses what is no checkpoint, and records nothing', async () => {
    mkdirSync(join(bench.root, 'lfs'));
    writeFileSync(
      join(bench.root, 'lfs/model.safetensors'),
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`,
    );
    mkdirSync(join(bench.root, 'link'));
    symlinkSync('../model/model.safetensors', join(bench.root, 'link/model.safetensors'));
    const refuse = (path: string, message: RegExp) =>
      refused(bench, ['weights', 'autopsy', path], { code: 3, message });
    await refuse('nowhere', /no such file/);
    await refuse('lfs', /Git LFS pointer/);
    await refuse('link', /link out of the model's directory/);
    await refuse('corpus.jsonl', /header/);
  });
});
