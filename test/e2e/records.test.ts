import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type RunOutput, writeExperiment } from '../support/experiment-file.ts';

let bench: BenchLab;
let runs: RunOutput['runs'];
beforeAll(async () => {
  bench = benchLab();
  const result = await bench.assay(['run', writeExperiment(bench, { task: true }), '--json']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  runs = result.json<RunOutput>().runs;
});
afterAll(() => bench.remove());

const evalRun = () => runs.find((run) => run.cell.endsWith('~eval'))!;

describe('assay runs', () => {
  it('ls lists what the directories hold', async () => {
    const json = await bench.assay(['runs', 'ls', '--json']);
    const listed = json.json<{ runs: { runId: string; status: string }[] }>().runs;
    expect(listed.map((run) => run.runId).toSorted()).toEqual(runs.map((r) => r.runId).toSorted());
    expect(listed.every((run) => run.status === 'succeeded')).toBe(true);
    const human = await bench.assay(['runs', 'ls']);
    for (const { runId } of runs) expect(human.stdout).toContain(runId);
  });

  it('ls is not broken by what is no run', async () => {
    bench.write('runs/stray.txt', 'x');
    const { mkdirSync, rmSync } = await import('node:fs');
    const empty = `${bench.lab.runsDir}/small/foreign/directory`;
    mkdirSync(empty, { recursive: true });
    const result = await bench.assay(['runs', 'ls', '--json']);
    expect(result.code).toBe(0);
    expect(result.json<{ runs: unknown[] }>().runs).toContainEqual(
      expect.objectContaining({ status: 'unreadable', runId: 'small/foreign/directory' }),
    );
    rmSync(`${bench.lab.runsDir}/small/foreign`, { recursive: true });
  });

  it('show prints the configuration, the metrics and the findings of one', async () => {
    const { runId, metrics } = evalRun();
    const attempt = runId.split('/').at(-1)!;
    for (const name of [runId, `runs/${runId}`, attempt, attempt.slice(-6)]) {
      const { code, stdout } = await bench.assay(['runs', 'show', name]);
      expect(code).toBe(0);
      expect(stdout).toContain(`run      runs/${runId}`);
      for (const metric of Object.keys(metrics)) expect(stdout).toContain(metric);
    }
    const json = await bench.assay(['runs', 'show', runId, '--json']);
    expect(json.json()).toMatchObject({ manifest: { runId }, summary: { metrics } });
  });

  it('show refuses a name that fits several, and one that leaves the lab', async () => {
    const several = await bench.assay(['runs', 'show', '']);
    expect(several.code).toBe(2);
    const outside = await bench.assay(['runs', 'show', '../../etc']);
    expect(outside.code).toBe(2);
  });
});

describe('assay explain', () => {
  it('RUN:METRIC names run, file, rows and formula', async () => {
    const { runId, metrics } = evalRun();
    const asked = `${runId.split('/').at(-1)}:perplexity`;
    const { code, stdout } = await bench.assay(['explain', asked]);
    expect(code).toBe(0);
    expect(stdout).toContain(`perplexity.value = ${metrics.perplexity!.value} ratio`);
    expect(stdout).toContain(`run       runs/${runId}`);
    expect(stdout).toContain(`runs/${runId}/samples.jsonl`);
    expect(stdout).toContain('eval.perplexity/2');
    expect(stdout).toMatch(/rows {6}\d+ of kind window/);
    expect(stdout).toMatch(/printed {3}reports\/small\/EXPERIMENT_LOG\.md:\d+:\d+/);
  });

  it('a printed number finds the same', async () => {
    const { runId, metrics } = evalRun();
    const printed = metrics.perplexity!.value!.toFixed(4);
    const result = await bench.assay(['explain', printed, '--json']);
    expect(result.json<{ metrics: unknown[] }>().metrics).toContainEqual(
      expect.objectContaining({ run: runId, metric: 'perplexity', field: 'value' }),
    );
  });

  it('every number that the log cites is explained', async () => {
    const evidence = JSON.parse(bench.read('reports/small/EXPERIMENT_LOG.evidence.json')) as {
      numbers: { text: string }[];
    };
    const texts = [...new Set(evidence.numbers.map((number) => number.text))];
    // Each takes a process: every third stands for the others.
    for (const text of texts.filter((_, i) => i % 3 === 0)) {
      const result = await bench.assay(['explain', text]);
      expect(result, `${text}: ${result.stderr}`).toMatchObject({ code: 0 });
    }
  });

  it('a metric that a run does not have is refused, naming those it has', async () => {
    const result = await bench.assay(['explain', `${evalRun().runId}:latency`]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/hint: its metrics: .*perplexity/);
  });
});

describe('assay report', () => {
  it('takes the newest experiment, or the one named, and refuses others', async () => {
    expect((await bench.assay(['report'])).stdout).toContain('EXPERIMENT_LOG.md');
    expect((await bench.assay(['report', 'small', '--out', 'elsewhere'])).code).toBe(0);
    expect(bench.read('elsewhere/EXPERIMENT_LOG.md')).toBe(
      bench.read('reports/small/EXPERIMENT_LOG.md'),
    );
    const wrong = await bench.assay(['report', 'large']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('there are: small');
  });

  it('includes notes, and never overwrites a log that a person wrote', async () => {
    const { mkdirSync } = await import('node:fs');
    mkdirSync(`${bench.lab.reportsDir}/small/notes`);
    bench.write('reports/small/notes/what.md', 'My own words: 42 is the answer.\n');
    expect((await bench.assay(['report', 'small'])).code).toBe(0);
    expect(bench.read('reports/small/EXPERIMENT_LOG.md')).toContain('My own words: 42');
    expect((await bench.assay(['verify'])).code).toBe(0);
    mkdirSync(`${bench.root}/mine`);
    bench.write('mine/EXPERIMENT_LOG.md', 'by hand\n');
    const refused = await bench.assay(['report', 'small', '--out', 'mine']);
    expect(refused.code).toBe(2);
    expect(bench.read('mine/EXPERIMENT_LOG.md')).toBe('by hand\n');
  });
});
