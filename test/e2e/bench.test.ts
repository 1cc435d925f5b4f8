import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import type { Finding, Metric } from '../../src/record/schema.ts';
import { rowsOf, writeBenchFile } from '../support/bench-file.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import type { RunOutput } from '../support/experiment-file.ts';

interface BenchOutput {
  readonly runs: readonly {
    readonly runId: string;
    readonly batchSize: number;
    readonly status: string;
    readonly metrics: Readonly<Record<string, Metric>>;
    readonly findings: readonly Finding[];
  }[];
}

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const SMALL = ['--threads', '1', '--runs', '6', '--warmup', '1', '--rounds', '3'];
const SHAPE = ['--prompt-tokens', '8', '--new-tokens', '5', '--cold-starts', '2'];

describe('assay bench', () => {
  let output: BenchOutput;
  beforeAll(async () => {
    const sizes = ['--batch-sizes', '2,1,5'];
    const args = ['bench', '--model', './model', '--scheme', 'int4-g128', ...sizes];
    const result = await bench.assay([...args, ...SMALL, ...SHAPE, '--json']);
    expect(result.code, result.stderr).toBe(0);
    output = result.json<BenchOutput>();
  });

  it('gives a run for every batch size, with its iterations and their times', () => {
    expect(output.runs.map(({ batchSize, status }) => [batchSize, status])).toEqual([
      [2, 'succeeded'],
      [1, 'succeeded'],
      [5, 'succeeded'],
    ]);
    for (const { runId, batchSize, metrics } of output.runs) {
      const iterations = rowsOf(bench, runId, 'iteration');
      // One before the first round, one at the start of each later one.
      expect(iterations.filter((row) => row.warmup)).toHaveLength(3);
      expect(iterations.filter((row) => !row.warmup)).toHaveLength(6);
      for (const row of iterations) {
        expect(row).toMatchObject({ promptTokens: 8 * batchSize, newTokens: 5 * batchSize });
        expect(row.stepMs).toHaveLength(4);
      }
      expect(metrics.latencyAvg).toMatchObject({ n: 6, units: 3, unitOf: 'rounds', ci95: null });
      expect(metrics.iterations!.value).toBe(6);
      expect(metrics.failures!.value).toBe(0);
      expect(metrics.samplesPerSecond!.value).toBeGreaterThan(0);
      expect(loadRun(bench.lab, runId).manifest.measure).toBe(`bench-b${batchSize}`);
    }
  });

  it('computes the cache as the engine allocates it', () => {
    for (const { batchSize, metrics } of output.runs) {
      // Two layers of two heads of 32, keys and values, f32; the last new token is never fed.
      const bytes = batchSize * (8 + 5 - 1) * (2 * 2 * 2 * 32 * 4);
      expect(metrics.kvComputedBytes!.value).toBe(bytes);
      expect(metrics.kvCacheBytes!.value).toBe(bytes);
    }
  });

  it('takes cold starts at the smallest batch size, in processes of their own', () => {
    for (const { runId, batchSize, metrics } of output.runs) {
      const cold = rowsOf(bench, runId, 'cold-start');
      expect(cold.map(({ index }) => index)).toEqual(batchSize === 1 ? [0, 1] : []);
      for (const row of cold) expect(row.firstTokenMs).toBeGreaterThan(row.loadMs);
      expect('coldStartSeconds' in metrics).toBe(batchSize === 1);
    }
  });

  it('continues a prompt the same at every batch size', () => {
    const texts = output.runs.map(({ runId }) => {
      const rows = rowsOf(bench, runId, 'generated');
      return new Map(rows.map(({ prompt, ids }) => [prompt, ids.join(' ')]));
    });
    const [some, few, many] = texts;
    expect([few!.size, some!.size, many!.size]).toEqual([6, 12, 30]);
    for (const [prompt, ids] of few!) expect(many!.get(prompt)).toBe(ids);
    for (const [prompt, ids] of some!) expect(many!.get(prompt)).toBe(ids);
  });

  it('says as a table what n allows', async () => {
    const args = ['bench', '--model', './model', '--scheme', 'bf16', ...SMALL, ...SHAPE];
    const result = await bench.assay(args);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^Batch +n +Avg ms +P50 +P95 +P99 +TTFT/m);
    expect(result.stdout).toMatch(/^ +1 +6 +\d+\.\d\d † /m);
    expect(result.stdout).toContain('P99: no upper bound is claimed below n = 299');
    expect(result.stdout).toMatch(/cold start: \d+\.\d{3} s .* \(mean of 2\)/);
    expect(result.stdout).toContain('† simulated');
  });

  it('leaves records that verify accepts', async () => {
    const result = await bench.assay(['verify']);
    expect(result.code, result.stdout).toBe(0);
    expect(bench.leftovers()).toEqual([]);
  });
});

describe('prompts of a file', () => {
  it('are chosen by length, and said', async () => {
    const texts = Array.from({ length: 30 }, (_, i) => 'ab '.repeat(1 + i).trim());
    bench.write('prompts.txt', texts.join('\n'));
    const more = ['--prompts', 'prompts.txt', '--prompt-count', '6', '--new-tokens', '3'];
    const args = ['bench', '--model', './model', ...SMALL, ...more, '--cold-starts', '0', '--json'];
    const result = await bench.assay(args);
    expect(result.code, result.stderr).toBe(0);
    const [run] = result.json<BenchOutput>().runs;
    expect(run!.findings.find(({ code }) => code === 'prompt-lengths')).toMatchObject({
      evidence: { short: 2, medium: 2, long: 2, seed: 42 },
    });
    const measured = rowsOf(bench, run!.runId, 'iteration').filter((row) => !row.warmup);
    expect(new Set(measured.map((row) => row.promptTokens)).size).toBe(6);
  });
});

describe('a benchmark in an experiment', () => {
  const schemes = ['f32', 'bf16', 'int4-g128'];
  let first: RunOutput;
  let file: string;
  beforeAll(async () => {
    file = writeBenchFile(bench, { schemes, coldStarts: 1 });
    const result = await bench.assay(['run', file, '--json']);
    expect(result.code, result.stderr).toBe(0);
    first = result.json<RunOutput>();
  });

  it('gives every variant and batch size a run of its own', () => {
    expect(first.runs.map(({ cell, status }) => [cell, status])).toEqual(
      schemes.flatMap((scheme) =>
        [1, 3].map((size) => [expect.stringContaining(`${scheme}~bench-b${size}`), 'succeeded']),
      ),
    );
  });

  it('interleaves the variants, round by round, in changing order', () => {
    const slices = first.runs.flatMap(({ cell, runId }) =>
      rowsOf(bench, runId, 'round').map((row) => ({ cell, ...row })),
    );
    expect(slices).toHaveLength(schemes.length * 2 * 4);
    const inTime = slices.toSorted((a, b) => a.startedMs - b.startedMs);
    expect(inTime.map((row) => row.round)).toEqual([0, 1, 2, 3].flatMap((r) => Array(6).fill(r)));
    for (const [i, row] of inTime.entries()) {
      const next = inTime[i + 1];
      // One computes at a time.
      if (next) expect(next.startedMs).toBeGreaterThanOrEqual(row.startedMs + row.wallMs);
    }
    const orders = [0, 1, 2, 3].map((round) =>
      inTime.filter((row) => row.round === round).map((row) => row.cell),
    );
    for (const order of orders) expect(new Set(order).size).toBe(6);
    expect(new Set(orders.map((order) => order.join())).size).toBeGreaterThan(1);
    for (const scheme of schemes) {
      const own = orders[0]!.filter((cell) => cell.includes(scheme));
      expect(own.map((cell) => cell.slice(-2))).toEqual(['b1', 'b3']);
    }
  });

  it('marks speed and memory of simulated schemes, and no others', () => {
    for (const { cell, metrics } of first.runs) {
      const marked = cell.includes('bf16');
      for (const name of ['latencyAvg', 'decodeTokensPerSecond', 'peakMemoryBytes', 'kvCacheBytes'])
        expect(metrics[name]!.simulated !== undefined, `${cell} ${name}`).toBe(marked);
      for (const name of ['storedWeightBytes', 'repetition', 'failures', 'drift'])
        expect(metrics[name]!.simulated).toBeUndefined();
    }
  });

  it('keeps what was measured, and measures what was added', async () => {
    const again = await bench.assay(['run', file, '--json']);
    expect(again.json<RunOutput>().runs.every((run) => run.reused)).toBe(true);
    writeBenchFile(bench, { schemes, coldStarts: 1, batchSizes: [1, 3, 4] });
    const more = await bench.assay(['run', file, '--json']);
    expect(more.code, more.stderr).toBe(0);
    expect(more.json<RunOutput>().runs.map((run) => run.reused)).toEqual(
      schemes.flatMap(() => [true, true, false]),
    );
    expect((await bench.assay(['verify'])).code).toBe(0);
  });

  it('shows bench cells in a dry run', async () => {
    const before = listRuns(bench.lab).length;
    const known = await bench.assay(['run', file, '--dry-run', '--json']);
    const { cells } = known.json<{ cells: { state: string; tokens: number }[] }>();
    expect(cells.map(({ state }) => state)).toEqual(Array(9).fill('done'));
    // 8 runs, 1 warm-up before them and 3 later, each of 8 + 6 − 1 tokens.
    expect(cells[0]!.tokens).toBe(12 * 13);
    writeBenchFile(bench, { name: 'more', schemes, newTokens: 7 });
    const text = await bench.assay(['run', 'more.yaml', '--dry-run']);
    expect(text.stdout).toMatch(/bench-b1\s+to run\s+168\s+\d+ s\s+an earlier run at this batch/);
    expect(listRuns(bench.lab)).toHaveLength(before);
  });
});

describe('a model that takes part in less', () => {
  it('has only the cells that it names', async () => {
    bench.write(
      'less.yaml',
      `name: less
models:
  - ./model
  - model: ./again
    schemes: [f32]
    measures: [bench]
schemes: [f32, int8-g128]
baseline: f32
measures:
  - eval: { corpus: corpus.jsonl, budget: smoke }
  - bench: { runs: 2, rounds: 2, warmup: 0, new_tokens: 2, prompt_tokens: 4, cold_starts: 0 }
`,
    );
    mkdirSync(join(bench.root, 'again'));
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      copyFileSync(join(bench.root, 'model', name), join(bench.root, 'again', name));
    const result = await bench.assay(['run', 'less.yaml', '--dry-run', '--json']);
    expect(result.code, result.stderr).toBe(0);
    const { cells } = result.json<{ cells: { name: string }[] }>();
    expect(cells.map(({ name }) => name.split('~').slice(-2).join(' '))).toEqual([
      ...['f32 eval', 'f32 bench-b1', 'int8-g128 eval', 'int8-g128 bench-b1'],
      'f32 bench-b1',
    ]);
  });
});

describe('a machine with GPUs', () => {
  it('records what nvidia-smi tells in a file of its own', async () => {
    const folder = join(bench.root, 'bin');
    mkdirSync(folder);
    const header = 'index, utilization.gpu [%], memory.used [MiB], power.draw [W]';
    const lines = ['0, 10 %, 100 MiB, 80.5 W', '1, 30 %, 200 MiB, 90.5 W'];
    const program = `#!${process.execPath}
if (!process.argv.some((arg) => arg.startsWith('--loop-ms'))) process.exit(9);
console.log(${JSON.stringify(header)});
setInterval(() => console.log(${JSON.stringify(lines.join('\n'))}), 2);
`;
    writeFileSync(join(folder, 'nvidia-smi'), program);
    chmodSync(join(folder, 'nvidia-smi'), 0o755);
    const env = { PATH: [folder, process.env.PATH].join(delimiter) };
    const long = ['--new-tokens', '120', '--prompt-tokens', '8', '--cold-starts', '0'];
    const args = ['bench', '--model', './model', ...SMALL, ...long, '--json'];
    const result = await bench.assay(args, { env });
    expect(result.code, result.stderr).toBe(0);
    const [run] = result.json<BenchOutput>().runs;
    expect(run!.metrics.gpuUtilization!.value).toBeCloseTo(0.2, 10);
    expect(run!.metrics.gpuPeakMemoryBytes!.value).toBe(300 * 2 ** 20);
    expect(run!.metrics.gpuPowerW!.value).toBeCloseTo(171, 6);
    const { files } = loadRun(bench.lab, run!.runId).manifest;
    const roles = files.filter(({ role }) => role === 'samples').map(({ path }) => path);
    expect(roles).toEqual(['gpu.jsonl', 'samples.jsonl']);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});
