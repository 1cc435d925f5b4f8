/** `weights: disk`: checkpoints are written and measured, and taken again while unchanged. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import type { RunOutput } from '../support/experiment-file.ts';

const SCHEMES = ['f32', 'fp8-block128', 'int4-asym-g128'];

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
  for (const weights of ['memory', 'disk']) {
    bench.write(
      `${weights}.yaml`,
      `name: ${weights}
models: [{ model: ./model, weights: ${weights} }]
schemes: [${SCHEMES.join(', ')}]
baseline: f32
threads: 1
measures:
  - eval: { corpus: corpus.jsonl, budget: smoke }
`,
    );
  }
});
afterAll(() => bench.remove());

async function run(file: string, ...more: string[]): Promise<RunOutput> {
  const result = await bench.assay(['run', file, '--json', ...more]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.json<RunOutput>();
}

const checkpoints = (): string[] => readdirSync(join(bench.root, 'checkpoints')).toSorted();

it('measures exactly what the scheme in memory gives, and names the files', async () => {
  const memory = await run('memory.yaml');
  const disk = await run('disk.yaml', '--fresh');
  const of = ({ runs }: RunOutput) => runs.map(({ metrics }) => metrics.perplexity?.value);
  expect(of(disk)).toEqual(of(memory));
  expect(checkpoints()).toEqual([
    expect.stringMatching(/^model~fp8-block128-[0-9a-f]{8}$/),
    expect.stringMatching(/^model~int4-asym-g128-[0-9a-f]{8}$/),
  ]);
  const log = bench.read('reports/disk/EXPERIMENT_LOG.md');
  for (const name of checkpoints()) expect(log).toContain(`read from \`checkpoints/${name}\``);
  expect(log).toMatch(/written by run `weights\/quantize\/[^`]+`/);
  expect(bench.read('reports/memory/EXPERIMENT_LOG.md')).not.toContain('read from');
  expect(await bench.assay(['verify'])).toMatchObject({ code: 0 });
});

it('takes a checkpoint that is there, and refuses one that was changed', async () => {
  const [name] = checkpoints();
  const path = join(bench.root, 'checkpoints', name!, 'model.safetensors');
  const written = statSync(path).mtimeMs;
  await run('disk.yaml', '--fresh');
  expect(statSync(path).mtimeMs).toBe(written);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  const changed = await bench.assay(['run', 'disk.yaml', '--fresh']);
  expect(changed.code).toBe(3);
  expect(changed.stderr).toMatch(/model\.safetensors: is not what weights\/quantize\/\S+ wrote/);
  expect(changed.stderr).toContain('delete checkpoints/');
});

it('refuses, before anything runs, a model without files and a scheme that cannot be', async () => {
  bench.write('config.json', bench.read('model/config.json'));
  const yaml = bench.read('disk.yaml').replace('./model', 'dummy:config.json');
  bench.write('dummy.yaml', yaml.replace('int4-asym-g128', 'int4-g32'));
  const dummy = await bench.assay(['run', 'dummy.yaml']);
  expect(dummy.code).toBe(2);
  expect(dummy.stderr).toMatch(/dummy\.yaml:2: .*has no files that could be quantized on disk/);
});
