/** The Routing section of the log: its numbers are verified, and a trace is no quality. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';

const MOE = {
  architectures: ['OlmoeForCausalLM'],
  model_type: 'olmoe',
  num_experts: 8,
  num_experts_per_tok: 2,
  intermediate_size: 64,
};
const WORDS = ['rain', 'market', 'stone', 'bridge', 'kettle', 'harrow', 'wool', 'ink', 'oats'];

let bench: BenchLab;
let log: string;
beforeAll(async () => {
  bench = benchLab({ model: { config: MOE } });
  const prompts = Array.from({ length: 18 }, (_, i) => {
    return `${WORDS[i % 9]} and ${WORDS[(i * 4 + 1) % 9]} in ${WORDS[(i * 7 + 2) % 9]}`;
  });
  bench.write('prompts.txt', `${prompts.join('\n')}\n`);
  bench.write(
    'e.yaml',
    `name: routing
models: [model]
schemes: [f32, int4-g128]
baseline: f32
activations: f32
measures:
  - trace: { prompts: prompts.txt, new_tokens: 4 }
`,
  );
  const result = await bench.assay(['run', 'e.yaml', '--no-charts']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  log = bench.read('reports/routing/EXPERIMENT_LOG.md');
}, 120_000);
afterAll(() => bench.remove());

describe('the Routing section', () => {
  it('has a row a scheme and layer, each divergence with its test', () => {
    const section = /## Routing\n([\s\S]*?)\n## /.exec(log)![1]!;
    const rows = section.split('\n').filter((line) => /^\| .*(f32|int4)/.test(line));
    const cells = rows.slice(1).map((line) => line.split('|').map((cell) => cell.trim()));
    expect(cells.map(([, , scheme, layer]) => `${scheme} ${layer}`)).toEqual([
      'f32 0',
      'f32 1',
      'int4-g128 0',
      'int4-g128 1',
    ]);
    for (const row of cells.slice(2)) {
      expect(Number(row[7])).toBeGreaterThan(0);
      expect(Number(row[8])).toBeGreaterThan(0);
      expect(Number(row[9])).toBeGreaterThan(0);
      expect(row[10]).toMatch(/^(routes differently|not shown to differ)$/);
    }
  });

  it('calls nothing a quality that is none', () => {
    expect(log).not.toMatch(/perplexity is not compared/);
    expect(log).toMatch(/no quality was compared/);
  });

  it('stands when verified, and a changed digit of a divergence is found', async () => {
    const verified = await bench.assay(['verify']);
    expect(verified.code, verified.stdout).toBe(0);
    const path = join(bench.root, 'reports/routing/EXPERIMENT_LOG.md');
    const text = readFileSync(path, 'utf8');
    const row = text.split('\n').find((line) => line.includes('| int4-g128 | 0 |'))!;
    const divergence = row.split('|')[7]!.trim();
    const last = Number(divergence.at(-1));
    const changed = divergence.slice(0, -1) + ((last + 1) % 10);
    writeFileSync(path, text.replace(row, row.replace(divergence, changed)));
    const found = await bench.assay(['verify']);
    expect(found.code).toBe(6);
    expect(found.stdout).toContain('EXPERIMENT_LOG.md');
    writeFileSync(path, text);
  });
});
