/** From runs to what to deploy: the sections of the log, and every number of them verified. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyLab } from '../../src/evidence/verify.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { collectExperiment, type Overrides } from '../../src/report/collect.ts';
import { decisions } from '../../src/report/collect-decision.ts';
import { experimentLog } from '../../src/report/experiment-log.ts';
import { foundText } from '../../src/report/terminal.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { type MadeUpBench, measureBench } from '../support/bench-runs.ts';
import { EXPERIMENT, measure, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const CHOOSE = { p95_ms: 30, perplexity_increase: 0.05, memory_gib: 0.0876 };
const COST = { usd_per_hour: { on_demand: 1.89, spot: 0.6 }, utilization: 0.5 };
const priced = { ...EXPERIMENT, choose: CHOOSE, cost: COST };

const report = (overrides?: Overrides) =>
  collectExperiment(EXPERIMENT.name, runsOf(lab), overrides);
const log = (overrides?: Overrides) =>
  experimentLog(report(overrides), { version: '0.0.0', notes: [] }).text;

async function evaluated(losses: Record<string, number>, experiment = EXPERIMENT): Promise<void> {
  for (const [order, [scheme, loses]] of Object.entries(losses).entries()) {
    await measure(lab, { scheme, measure: 'eval', loses, experiment }, order);
  }
}

async function bench(cells: readonly Partial<MadeUpBench>[], experiment = EXPERIMENT) {
  for (const [order, cell] of cells.entries()) {
    const made = { model: 'builtin:made-up', scheme: 'f32', batchSize: 1, takes: 1, ...cell };
    await measureBench(lab, { experiment, ...made }, order);
  }
}

/** int8 holds and is faster, int4 loses 10 % and is faster still, bf16 is simulated. */
async function whole(experiment = EXPERIMENT): Promise<void> {
  await evaluated({ f32: 0, bf16: 0, 'int8-g128': 0.002, 'int4-g128': 0.1 }, experiment);
  const takes = { f32: 1, bf16: 1, 'int8-g128': 0.6, 'int4-g128': 0.4 };
  await bench(
    Object.entries(takes).flatMap(([scheme, factor]) =>
      [1, 4].map((batchSize) => ({ scheme, takes: factor, batchSize })),
    ),
    experiment,
  );
}

describe('with limits and prices', () => {
  beforeEach(() => whole(priced));

  test('the log has cost, limits, recommendation and tiers, and every number verifies', async () => {
    writeReport(report(), { dir: `${lab.reportsDir}/${EXPERIMENT.name}`, version: '0.0.0' });
    writeSeal(lab);
    const verified = await verifyLab(lab);
    expect(verified.discrepancies).toEqual([]);
    const text = log();
    for (const title of ['Conclusion', 'Best Configurations', 'Cost Analysis', 'Recommendation']) {
      expect(text).toContain(`\n## ${title}\n`);
    }
    expect(text).not.toContain('Cost per request');
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('what breaks a limit is said with how far', () => {
    const text = log();
    expect(text).toMatch(
      /\| f32 \| 4 \| p95_ms \| 33\.99 ms \| at most 30 ms \| over by 3\.9\d+ ms/,
    );
    expect(text).toMatch(
      /int4-g128 \| any \| perplexity_increase \| 10\.52 % \| at most 5\.00 % \| over by 5\.52/,
    );
    expect(text).toContain('bf16 | 1 | p95_ms | — | at most 30 ms | unknown: simulated here');
  });

  test('what loses more than the limit is not recommended, however fast', () => {
    const [decision] = decisions(report());
    expect(decision?.chosen?.cell).toMatchObject({ scheme: 'int8-g128', batchSize: 4 });
    expect(decision?.chosen?.why).toBe('faster');
    expect(decision?.fastest).toMatchObject({ scheme: 'int4-g128', batchSize: 1 });
    expect(foundText(report())).toContain('int4-g128: perplexity rises by 10.52');
  });

  test('a limit that nothing meets leaves nothing to recommend', () => {
    const [decision] = decisions(report({ choose: { p95_ms: 1 } }));
    expect(decision?.chosen).toBeNull();
    expect(log({ choose: { p95_ms: 1 } })).toContain('None: nothing that was measured meets');
  });

  test('other limits and prices than those recorded are the text’s own, and verify as well', async () => {
    const overrides = { choose: { p95_ms: 25 }, cost: { ...COST, utilization: 0.25 } };
    const dir = `${lab.reportsDir}/${EXPERIMENT.name}`;
    writeReport(report(overrides), { dir, version: '0.0.0' });
    writeSeal(lab);
    expect((await verifyLab(lab)).discrepancies).toEqual([]);
    expect(log(overrides)).toContain('at most 25 ms');
  });
});

describe('without', () => {
  test('a price there is a gap, and nothing is estimated', async () => {
    await whole();
    const text = log();
    expect(text).not.toContain('USD');
    expect(text).toContain('- Cost per request (the experiment gives no `cost.usd_per_hour`)');
  });

  test('anything better the baseline’s cheapest equal is recommended, and it says so', async () => {
    await evaluated({ f32: 0, 'int8-g128': 0.002 });
    await bench([{}, { scheme: 'int8-g128', takes: 1.001 }]);
    const text = log();
    expect(text).toContain('Deploy **int8-g128** at batch size 1');
    expect(text).toContain('nothing is significantly better than f32');
  });

  test('speed there is quality alone', async () => {
    await evaluated({ f32: 0, 'int8-g128': 0.002 });
    expect(log()).toContain('None: no speed was measured that can be ranked. By quality and size');
    expect(foundText(report())).toBe('quality equivalent to f32: int8-g128.');
  });

  test('quality there is no recommendation', async () => {
    await bench([{}, { scheme: 'int8-g128', takes: 0.5 }]);
    expect(log()).toContain('None: no quality was compared, so nothing is recommended.');
  });
});

describe('what is not ranked', () => {
  const reasonOf = (scheme: string) =>
    decisions(report())[0]?.unranked.find(({ cell }) => cell.scheme === scheme)?.reason;

  test('a cell where more than one in twenty failed: its P95 is that of the others', async () => {
    await bench([{}, { scheme: 'int8-g128', takes: 0.5, failures: 4 }]);
    const [decision] = decisions(report());
    expect(decision?.field.map(({ scheme }) => scheme)).toEqual(['f32']);
    expect(reasonOf('int8-g128')).toContain('4 of 64 iterations failed');
    expect(decision?.balance).toBeNull();
  });

  test('a cell of another machine', async () => {
    await bench([{}, { scheme: 'int8-g128', takes: 0.5, hostname: 'elsewhere' }]);
    expect(reasonOf('int8-g128')).toContain('measured on another machine');
  });

  test('everything failed: stated, no table of nothing', async () => {
    await bench([{ fails: 'EngineError: out of memory' }, { scheme: 'int8-g128', fails: 'x' }]);
    const text = log();
    expect(text).not.toContain('Best Configurations');
    expect(text).toContain('None: no quality was compared');
  });

  test('a single round has no interval and no verdict, and nothing is NaN', async () => {
    await evaluated({ f32: 0, 'int8-g128': 0.002 });
    const one = { rounds: 1, runsPerRound: 1 };
    await bench([one, { ...one, scheme: 'int8-g128', takes: 0.5 }]);
    const text = log();
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    expect(text).toContain('n = 1, which bounds it from above not yet');
    expect(decisions(report())[0]?.chosen?.why).toBe('baseline');
  });
});
