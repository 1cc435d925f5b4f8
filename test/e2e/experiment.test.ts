import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRuns } from '../../src/record/run-reader.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type RunOutput, writeExperiment } from '../support/experiment-file.ts';

let bench: BenchLab;
let first: RunOutput;
let file: string;
beforeAll(async () => {
  bench = benchLab();
  file = writeExperiment(bench, { task: true });
  const result = await bench.assay(['run', file, '--json']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  first = result.json<RunOutput>();
});
afterAll(() => bench.remove());

const runCount = (): number => listRuns(bench.lab).length;

describe('assay run', () => {
  it('measures every scheme with every measure, each in a run of its own', () => {
    expect(first.experiment).toBe('small');
    expect(first.runs.map(({ cell, status, reused }) => ({ cell, status, reused }))).toEqual(
      ['f32~eval', 'f32~letters', 'int4-g128~eval', 'int4-g128~letters'].map((cell) => ({
        cell: expect.stringContaining(cell),
        status: 'succeeded',
        reused: false,
      })),
    );
    for (const run of first.runs) {
      const dir = join(bench.lab.runsDir, run.runId);
      expect(readdirSync(dir).sort()).toEqual([
        'manifest.json',
        'results_summary.json',
        'run.err',
        'run.log',
        'samples.jsonl',
      ]);
    }
    expect(bench.leftovers()).toEqual([]);
  });

  it('writes the experiment log, its evidence and a table', () => {
    const log = bench.read('reports/small/EXPERIMENT_LOG.md');
    expect(log).toContain('# Experiment Log: A small experiment');
    for (const { runId } of first.runs) expect(log).toContain(runId);
    const csv = bench.read('reports/small/summary.csv').trim().split('\n');
    expect(csv.length).toBeGreaterThan(4);
    expect(existsSync(first.report.evidencePath)).toBe(true);
  });

  it('measures nothing a second time', async () => {
    const before = runCount();
    const result = await bench.assay(['run', file, '--json']);
    expect(result.code).toBe(0);
    const again = result.json<RunOutput>();
    expect(again.runs.map((run) => [run.runId, run.reused])).toEqual(
      first.runs.map((run) => [run.runId, true]),
    );
    expect(again.runs.map((run) => run.metrics)).toEqual(first.runs.map((run) => run.metrics));
    expect(runCount()).toBe(before);
  });

  it('leaves what it wrote in a state that verify accepts', async () => {
    const result = await bench.assay(['verify', '--json']);
    expect(result, result.stdout).toMatchObject({ code: 0 });
    const found = result.json<Record<string, unknown>>();
    expect(found).toMatchObject({ ok: true, unfinished: 0, discrepancies: [] });
    expect(found.runs).toBe(runCount());
    expect(found.numbers).toBeGreaterThan(50);
    const human = await bench.assay(['verify']);
    expect(human.stdout).toContain('Everything stands.');
  });

  it('writes the same log from the same runs', async () => {
    const before = bench.read('reports/small/EXPERIMENT_LOG.md');
    rmSync(join(bench.root, 'reports'), { recursive: true });
    const result = await bench.assay(['report', 'small', '--json']);
    expect(result.code).toBe(0);
    expect(bench.read('reports/small/EXPERIMENT_LOG.md')).toBe(before);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });

  it('runs only the cells that --only names, and refuses a name that fits none', async () => {
    const before = runCount();
    const result = await bench.assay(['run', file, '--only', 'int4', '--fresh', '--json']);
    expect(result.code).toBe(0);
    expect(result.json<RunOutput>().runs.map((run) => run.cell)).toEqual(
      first.runs.map((run) => run.cell).filter((cell) => cell.includes('int4')),
    );
    expect(runCount()).toBe(before + 2);
    const none = await bench.assay(['run', file, '--only', 'int5']);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('int5');
    const dry = await bench.assay(['run', file, '--only', 'int4', '--dry-run', '--json']);
    expect(dry.json<{ cells: unknown[] }>().cells.length).toBe(2);
  });

  it('measures all again with --fresh, with the same quality bit for bit', async () => {
    const result = await bench.assay(['run', file, '--fresh', '--json']);
    expect(result.code).toBe(0);
    const fresh = result.json<RunOutput>();
    for (const [i, run] of fresh.runs.entries()) {
      expect(run.reused).toBe(false);
      expect(run.runId).not.toBe(first.runs[i]!.runId);
      const quality = run.metrics.perplexity ?? run.metrics.accuracy;
      const before = first.runs[i]!.metrics.perplexity ?? first.runs[i]!.metrics.accuracy;
      expect(quality).toEqual(before);
    }
  });

  it('measures a changed corpus, and takes the old result back when it returns', async () => {
    const corpus = bench.read('corpus.jsonl');
    bench.write('corpus.jsonl', corpus.replace('ba', 'ab'));
    const changed = await bench.assay(['run', file, '--json']);
    expect(changed.json<RunOutput>().runs.map((run) => run.reused)).toEqual(
      first.runs.map((run) => !run.cell.endsWith('eval')),
    );
    bench.write('corpus.jsonl', corpus);
    const back = await bench.assay(['run', file, '--json']);
    expect(back.json<RunOutput>().runs.every((run) => run.reused)).toBe(true);
    expect((await bench.assay(['verify'])).code).toBe(0);
  });

  it('goes on to its end when nobody reads its progress any more', async () => {
    const piped = writeExperiment(bench, { name: 'piped', window: '      context: 99\n' });
    const through = ['sh', '-c', '"$@" 2>&1 | head -1', 'sh'];
    expect((await bench.assay(['run', piped], { through })).stdout).toContain('[1/2]');
    const runs = listRuns(bench.lab).filter((run) => run.runId.startsWith('piped/'));
    expect(runs.map((run) => run.kind === 'closed' && run.manifest.status)).toEqual([
      'succeeded',
      'succeeded',
    ]);
    expect(existsSync(join(bench.lab.reportsDir, 'piped/summary.csv'))).toBe(true);
  });

  it('refuses a corpus that is edited while the matrix runs, and measures the rest', async () => {
    const corpus = bench.read('corpus.jsonl');
    const long = writeExperiment(bench, {
      ...{ name: 'edited', schemes: ['f32', 'bf16'], budget: 'extended' },
      window: '      context: 64\n      stride: 2\n      batch_tokens: 64\n',
    });
    const run = bench.start(['run', long, '--json']);
    await run.says('batches');
    bench.write('corpus.jsonl', corpus.replace('ba', 'ab'));
    const result = await run.ended;
    bench.write('corpus.jsonl', corpus);
    expect(result.code, result.stderr).toBe(3);
    expect(result.json<RunOutput>().runs.map((each) => each.status)).toEqual([
      'succeeded',
      'failed',
    ]);
    expect(result.stderr).toMatch(/corpus\.jsonl: changed since this run was planned/);
  });

  it('works from below the lab, with paths relative to the experiment file', async () => {
    const before = runCount();
    const result = await bench.assay(['run', `../${file}`, '--json'], { below: 'model' });
    expect(result.json<RunOutput>().runs.every((run) => run.reused)).toBe(true);
    expect(runCount()).toBe(before);
  });
});

describe('assay run --dry-run', () => {
  it('shows the cells, what they would cost and why, and runs nothing', async () => {
    const before = runCount();
    const done = await bench.assay(['run', file, '--dry-run', '--json']);
    expect(done.code).toBe(0);
    const { cells } = done.json<{ cells: { state: string; tokens: number; basis: string }[] }>();
    expect(cells.map((cell) => cell.state)).toEqual(['done', 'done', 'done', 'done']);
    const other = writeExperiment(bench, {
      name: 'other',
      schemes: ['f32', 'int8-channel'],
      budget: 'smoke',
    });
    const human = await bench.assay(['run', other, '--dry-run']);
    expect(human.code).toBe(0);
    expect(human.stdout).toMatch(/int8-channel eval\s+to run\s+\d+\s+\d+ s\s+a guess/);
    expect(human.stdout).toContain('Nothing was run.');
    expect(runCount()).toBe(before);
    expect(existsSync(join(bench.lab.reportsDir, 'other'))).toBe(false);
  });
});
