/** `assay runs drift`: the same cell over time. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryLab } from '../record/recorded-run.ts';
import { type MadeUpBench, measureBench } from '../support/bench-runs.ts';
import { assayHere } from '../support/in-process.ts';
import { EXPERIMENT, type MadeUpRun, measure } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

interface Drifted {
  drift: {
    later: string;
    facts: { quantity: string; state: string; value: number | null; reason?: string }[];
    environment: { name: string; earlier: string; later: string }[];
  }[];
}

const drift = (...ids: string[]) => assayHere(['runs', 'drift', ...ids], lab.root);

async function states(...ids: string[]): Promise<Record<string, string>[]> {
  const { stdout, stderr } = await drift(...ids, '--json');
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as Drifted).drift.map(({ facts }) =>
    Object.fromEntries(facts.map(({ quantity, state }) => [quantity, state])),
  );
}

const evaluated = (order: number, loses: number, changes: Partial<MadeUpRun> = {}) =>
  measure(lab, { scheme: 'f32', measure: 'eval', loses, ...changes }, order);
const benched = (order: number, takes: number, changes: Partial<MadeUpBench> = {}) => {
  const cell = { model: 'builtin:made-up', scheme: 'f32', batchSize: 1, takes };
  return measureBench(lab, { ...cell, experiment: EXPERIMENT, ...changes }, 9 * order);
};

test('the same rows are bit-identical, the same times within noise', async () => {
  const ids = [await evaluated(0, 0), await evaluated(1, 0)];
  expect(await states(...ids)).toEqual([
    { perplexity: 'bit-identical', 'time of a batch': 'within noise' },
  ]);
  const { stdout, code } = await drift(...ids);
  expect(code).toBe(0);
  expect(stdout).toContain('the same environment');
  expect(stdout).toMatch(/Found: nothing drifted beyond noise\. Next: assay runs show \S+\n$/);
});

test('each is set against the earliest, in whatever order they are named', async () => {
  const [first, second, third] = [
    await evaluated(0, 0),
    await evaluated(1, 0),
    await evaluated(2, 0.3),
  ];
  const { stdout } = await drift(third, second, first, '--json');
  const found = (JSON.parse(stdout) as Drifted).drift;
  expect(found.map(({ later }) => later)).toEqual([second, third]);
  expect(found[1]?.facts[0]).toMatchObject({ quantity: 'perplexity', state: 'drifted' });
  expect(found[1]?.facts[0]?.value).toBeCloseTo(Math.exp(0.3), 2);
});

test('a change inside the margin is no drift', async () => {
  const [found] = await states(await evaluated(0, 0), await evaluated(1, 0.001));
  expect(found?.perplexity).toBe('within noise');
});

test('labels that changed', async () => {
  const intents = (order: number, loses: number) => evaluated(order, loses, { measure: 'intents' });
  expect(await states(await intents(0, 10), await intents(1, 10))).toMatchObject([
    { accuracy: 'bit-identical' },
  ]);
  expect(await states(await intents(2, 30), await intents(3, 2))).toMatchObject([
    { accuracy: 'drifted' },
  ]);
});

test('latency that rose by a fifth drifted, its texts are the same', async () => {
  const [found] = await states(await benched(0, 1), await benched(1, 1.2));
  expect(found).toEqual({ 'generated texts': 'bit-identical', latency: 'drifted' });
  const [same] = await states(await benched(2, 1), await benched(3, 1.01));
  expect(same).toMatchObject({ latency: 'within noise' });
});

test('another machine is listed, and the times are not judged', async () => {
  const ids = [await benched(0, 1), await benched(1, 1.5, { hostname: 'elsewhere' })];
  const { stdout } = await drift(...ids, '--json');
  const [found] = (JSON.parse(stdout) as Drifted).drift;
  expect(found?.environment).toEqual([
    { name: 'hostname', earlier: 'test-host', later: 'elsewhere' },
  ]);
  const latency = found?.facts.find(({ quantity }) => quantity === 'latency');
  expect(latency?.state).toBe('not judged');
  expect(latency?.reason).toContain('another machine');
  expect((await drift(...ids)).stdout).toContain('hostname: test-host → elsewhere');
});

test('one round has no noise to be within', async () => {
  const one = { rounds: 1, runsPerRound: 1 };
  const [found] = await states(await benched(0, 1, one), await benched(1, 2, one));
  expect(found?.latency).toBe('not judged');
});

test('other cells, runs without a result, and one run alone are refused', async () => {
  const f32 = await evaluated(0, 0);
  const other = await evaluated(1, 0, { scheme: 'int8-g128' });
  const failed = await evaluated(2, 0, { fails: 'killed' });
  const both = await drift(f32, other);
  expect(both.code).toBe(2);
  expect(both.stderr).toContain('not the same cell, they differ in: scheme (f32, int8-g128)');
  expect((await drift(f32, failed)).stderr).toContain('has no result (failed: killed)');
  expect((await drift(f32, f32)).stderr).toContain('only one was named');
});
