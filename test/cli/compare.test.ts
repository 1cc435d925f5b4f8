/** `assay compare` over runs on disk. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryLab } from '../record/recorded-run.ts';
import { measureBench } from '../support/bench-runs.ts';
import { assayHere } from '../support/in-process.ts';
import { EXPERIMENT, measure } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const compare = (...args: string[]) => assayHere(['compare', ...args], lab.root);
const model = 'builtin:made-up';

interface Compared {
  baseline: { scheme: string; runs: string[] };
  quality: { scheme: string; baseline: string; result: { verdict: string } }[];
  speed: {
    run: string;
    scheme: string;
    baseline: string;
    speedup: number;
    latencyReduction: number;
    memoryReduction: number;
    latency: { verdict: string; value: number };
  }[];
  notCompared: { scheme: string; reason: string }[];
  refused: { run: string; reason: string }[];
  decisions: {
    bestBalance: { run: string; flips: object[] } | null;
    field: { run: string; balance: number }[];
    limits: { limit: string; scheme: string; state: string; excess: number | null }[];
    costs: { of: string; usd: number; usdPerHour: number }[];
    recommendation: { scheme: string; why: string } | null;
  }[];
}

async function compared(...args: string[]): Promise<Compared> {
  const { code, stdout, stderr } = await compare(...args, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Compared;
}

/** f32, a variant that holds and is faster, one that loses 10 %. Returns run ids of the benches. */
async function whole(experiment = EXPERIMENT): Promise<string[]> {
  const losses = { f32: 0, 'int8-g128': 0.002, 'int4-g128': 0.1 };
  for (const [order, [scheme, loses]] of Object.entries(losses).entries()) {
    await measure(lab, { scheme, measure: 'eval', loses, experiment }, order);
  }
  const ids: string[] = [];
  const takes = { f32: 1, 'int8-g128': 0.6, 'int4-g128': 0.5 };
  for (const [order, [scheme, factor]] of Object.entries(takes).entries()) {
    const cell = { model, scheme, batchSize: 1, takes: factor, experiment };
    ids.push(await measureBench(lab, cell, order));
  }
  return ids;
}

describe('a whole experiment', () => {
  test('has speedup, latency and memory reduction and the loss of quality, with verdicts', async () => {
    await whole();
    const { quality, speed, decisions, baseline } = await compared();
    expect(baseline.scheme).toBe('f32');
    expect(baseline.runs).toHaveLength(2);
    expect(quality.map(({ scheme, result }) => [scheme, result.verdict])).toEqual([
      ['int8-g128', 'equivalent'],
      ['int4-g128', 'worse'],
    ]);
    for (const each of speed) {
      expect(each.speedup).toBeCloseTo(1 / each.latency.value, 12);
      expect(each.latencyReduction).toBeCloseTo(1 - each.latency.value, 12);
      expect(each.memoryReduction).toBeGreaterThan(0);
    }
    expect(decisions[0]?.recommendation).toMatchObject({ scheme: 'int8-g128', why: 'faster' });
  });

  test('ends with what was found and what to do next', async () => {
    await whole();
    const { stdout, code } = await compare();
    expect(code).toBe(0);
    const last = stdout.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^Found: deploy int8-g128 .* Next: assay report quickstart$/);
    expect(stdout).not.toMatch(/NaN|Infinity|undefined/);
    expect(stdout).toContain('The field: made-up');
  });

  test('limits and prices of flags are those of the file, and all their problems come at once', async () => {
    await whole();
    const flags = ['--choose', 'p95_ms=20,perplexity_increase=1%', '--cost'];
    const { decisions } = await compared(...flags, 'on_demand=1.89,utilization=50%');
    const [decision] = decisions;
    const broken = decision?.limits.filter(({ state }) => state === 'violated');
    expect(broken?.map(({ limit, scheme }) => [limit, scheme])).toEqual([
      ['p95_ms', 'f32'],
      ['perplexity_increase', 'int4-g128'],
    ]);
    expect(decision?.costs.filter(({ of }) => of === 'requests')).toHaveLength(6);
    const bad = await compare('--choose', 'p95_s=1,memory_gib=16GB', '--cost', 'spot=0');
    expect(bad.code).toBe(2);
    for (const said of [
      '--choose: unknown key p95_s: did you mean p95_ms?',
      '--choose.memory_gib: a number of GiB',
      '--cost.usd_per_hour.spot: US dollars for an hour',
      '--cost.utilization: is missing',
    ]) {
      expect(bad.stderr).toContain(said);
    }
  });
});

describe('the baseline', () => {
  test('is the named run, for all of its variant', async () => {
    const [, int8] = await whole();
    const { speed, quality, baseline } = await compared('--baseline', int8 as string);
    expect(baseline.scheme).toBe('int8-g128');
    expect(speed.map(({ scheme }) => scheme)).toEqual(['f32', 'int4-g128']);
    expect(speed.every((each) => each.baseline === int8)).toBe(true);
    expect(quality.find(({ scheme }) => scheme === 'f32')?.result.verdict).toBe('equivalent');
  });

  test('may be of another experiment, and its own attempts are left out', async () => {
    const [f32] = await whole();
    const other = { ...EXPERIMENT, name: 'later' };
    const cell = { model, scheme: 'int8-g128', batchSize: 1, takes: 0.5, experiment: other };
    const run = await measureBench(lab, cell, 9);
    await measureBench(lab, { ...cell, scheme: 'f32', takes: 9 }, 10);
    const { speed } = await compared('--experiment', 'later', '--baseline', f32 as string);
    expect(speed).toMatchObject([{ run, baseline: f32, latency: { verdict: 'better' } }]);
  });

  test('of the experiment stands for runs that are named alone', async () => {
    const [f32, int8] = await whole();
    const { speed, quality } = await compared(int8 as string);
    expect(speed).toMatchObject([{ run: int8, baseline: f32 }]);
    expect(quality).toEqual([]);
  });

  test('that is not there is stated, and nothing is compared', async () => {
    const made = { scheme: 'int8-g128', measure: 'eval', loses: 0 } as const;
    await measure(lab, made, 0);
    const { notCompared, quality } = await compared();
    expect(quality).toEqual([]);
    expect(notCompared).toMatchObject([
      { scheme: 'int8-g128', reason: 'no complete run of the baseline f32 for eval' },
    ]);
    expect((await compare()).stdout).toContain('Baseline: f32, of which there is no complete run.');
  });

  test('that failed is refused with the reason', async () => {
    await whole();
    const cell = { model, scheme: 'bf16', batchSize: 1, takes: 1, fails: 'out of memory' };
    const failed = await measureBench(lab, { ...cell, experiment: EXPERIMENT }, 12);
    const { code, stderr } = await compare('--baseline', failed);
    expect(code).toBe(2);
    expect(stderr).toContain('is failed: out of memory');
  });
});

describe('refused with what to do', () => {
  test('two attempts at one cell', async () => {
    const made = { scheme: 'f32', measure: 'eval', loses: 0 } as const;
    const a = await measure(lab, made, 0);
    const b = await measure(lab, made, 1);
    const { code, stderr } = await compare(a, b);
    expect(code).toBe(2);
    expect(stderr).toContain(`assay runs drift ${a} ${b}`);
  });

  test('another model than the named baseline’s', async () => {
    const [f32] = await whole();
    const cell = { model: 'builtin:other', scheme: 'int8-g128', batchSize: 1, takes: 0.5 };
    const run = await measureBench(lab, { ...cell, experiment: EXPERIMENT }, 13);
    const { refused, speed } = await compared('--baseline', f32 as string);
    expect(refused).toMatchObject([{ run }]);
    expect(refused[0]?.reason).toContain('another model');
    expect(speed.map((each) => each.run)).not.toContain(run);
  });

  test('across models only evaluations compare, in bits per byte, as no effect of a scheme', async () => {
    const made = { scheme: 'f32', measure: 'eval', bytes: true } as const;
    const base = await measure(lab, { ...made, loses: 0 }, 0);
    const other = await measure(lab, { ...made, loses: 0.3, model: 'builtin:other' }, 1);
    const flags = ['--baseline', base, '--across', 'models'];
    const { stdout, code } = await compare(...flags);
    expect(code).toBe(0);
    expect(stdout).toContain('no effect of quantization');
    const { across, refused } = JSON.parse((await compare(...flags, '--json')).stdout);
    expect(refused).toEqual([]);
    expect(across).toMatchObject([{ run: other, baseline: base, result: { verdict: 'worse' } }]);
    const alone = await compare('--baseline', base, '--across', 'models', base);
    expect(alone.stderr).toContain('there is no evaluation of another model');
  });

  test('no runs, no such run, no result', async () => {
    expect((await compare()).stderr).toContain('no runs in');
    const made = { scheme: 'f32', measure: 'eval', loses: 0, fails: 'killed' } as const;
    await measure(lab, made, 0);
    expect((await compare()).stderr).toContain('none of these runs has a result');
    expect((await compare('nowhere')).stderr).toContain('no run "nowhere"');
    expect((await compare('--experiment', 'none')).stderr).toContain('no experiment none');
  });
});
