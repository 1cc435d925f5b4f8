import { mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { claimExperiment } from './claim.ts';
import { UsageError } from './errors.ts';
import { type Lab, labAt } from './lab.ts';
import { processState } from './process-state.ts';

let lab: Lab;
beforeEach(() => {
  lab = labAt(mkdtempSync(join(tmpdir(), 'assay-')));
});

const directory = (): string => join(lab.runsDir, 'e', '.supervisors');

describe('claimExperiment', () => {
  it('lets one in, names it to the next, and lets that one in afterwards', async () => {
    const first = await claimExperiment(lab, 'e');
    const error = await claimExperiment(lab, 'e').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ exitCode: 2, details: { pid: process.pid } });
    expect((error as Error).message).toMatch(/pid \d+ on .+, since 2/);
    const other = await claimExperiment(lab, 'another');
    first.release();
    first.release();
    const second = await claimExperiment(lab, 'e');
    second.release();
    other.release();
    expect(readdirSync(directory())).toEqual([]);
  });

  it('lets exactly one of many in when all start at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const claims = await Promise.allSettled([1, 2, 3, 4].map(() => claimExperiment(lab, 'e')));
      const passed = claims.filter((claim) => claim.status === 'fulfilled');
      expect(passed).toHaveLength(1);
      passed[0]?.value.release();
    }
  });

  it('clears away supervisors that are dead, here and elsewhere', async () => {
    mkdirSync(directory(), { recursive: true });
    const at = '2026-11-20T05:34:00Z';
    const dead = { pid: 2 ** 22 + 1, experiment: 'e', at, since: at, state: 'holds' };
    const here = { ...dead, host: processState().hostname, processStart: '5' };
    writeFileSync(join(directory(), 'a.json'), JSON.stringify(here));
    const far = join(directory(), 'b.json');
    writeFileSync(far, JSON.stringify({ ...dead, host: 'far', processStart: '5' }));
    const past = Date.now() / 1000 - 60;
    utimesSync(far, past, past);
    const claim = await claimExperiment(lab, 'e');
    expect(readdirSync(directory())).toHaveLength(1);
    claim.release();
  });

  it('gives way to a live supervisor on another host', async () => {
    mkdirSync(directory(), { recursive: true });
    const at = '2026-11-20T05:34:00Z';
    const far = { pid: 7, host: 'far', processStart: '5', experiment: 'e', at, since: at };
    writeFileSync(join(directory(), 'zz.json'), JSON.stringify({ ...far, state: 'holds' }));
    await expect(claimExperiment(lab, 'e')).rejects.toThrow(`pid 7 on far, since ${at}`);
    expect(readdirSync(directory())).toEqual(['zz.json']);
  });
});
