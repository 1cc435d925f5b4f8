import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findLab } from '../../src/record/lab.ts';
import { listRuns, loadRun } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { recordRun, runFields, stillState, temporaryLab } from './recorded-run.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

describe('findLab', () => {
  it('is the nearest parent with runs/, else the directory itself', () => {
    const deep = join(lab.root, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    expect(findLab(deep).root).toBe(deep);
    mkdirSync(lab.runsDir);
    expect(findLab(deep)).toMatchObject({ root: lab.root, runsDir: join(lab.root, 'runs') });
    mkdirSync(join(lab.root, 'a', 'runs'));
    expect(findLab(deep).root).toBe(join(lab.root, 'a'));
  });

  it('does not take a file called runs for it', () => {
    const inner = join(lab.root, 'inner');
    mkdirSync(inner);
    writeFileSync(join(inner, 'runs'), '');
    expect(findLab(inner).root).toBe(inner);
  });
});

describe('listRuns', () => {
  it('is empty where there is nothing', () => {
    expect(listRuns(lab)).toEqual([]);
  });

  it('lists closed, live, dead and foreign directories, and breaks on none', async () => {
    const closed = await recordRun(lab, { cell: 'a-closed' });
    const state = stillState({ hostname: hostname() });
    const live = createRun(lab, runFields({ cell: 'b-live' }), state);
    const dead = createRun(lab, runFields({ cell: 'c-dead' }), state);
    const beatPath = join(dead.dir, 'heartbeat.json');
    const beat = JSON.parse(readFileSync(beatPath, 'utf8')) as object;
    writeFileSync(beatPath, JSON.stringify({ ...beat, processStart: '1' }));
    const torn = await recordRun(lab, { cell: 'd-torn' });
    truncateSync(join(torn.dir, 'manifest.json'), 100);
    const moved = join(lab.runsDir, 'quickstart', 'e-moved', 'copy');
    cpSync(closed.dir, moved, { recursive: true });
    mkdirSync(join(lab.runsDir, 'quickstart', 'f-foreign', 'x'), { recursive: true });
    writeFileSync(join(lab.runsDir, 'stray-file'), '');
    mkdirSync(join(lab.runsDir, 'quickstart', '.supervisors', 'x'), { recursive: true });
    const other = join(lab.runsDir, 'quickstart', 'g-other', 'x');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'manifest.json'), '{"schema":"something.else/1"}');
    expect(listRuns(lab)).toMatchObject([
      { kind: 'closed', runId: closed.runId },
      { kind: 'unfinished', runId: live.runId, alive: true },
      { kind: 'unfinished', runId: dead.runId, alive: false },
      { kind: 'unreadable', runId: torn.runId, problem: expect.stringMatching(/JSON/) },
      { kind: 'unreadable', problem: expect.stringMatching(/moved or copied/) },
      { kind: 'unreadable', problem: 'no manifest.json' },
      { kind: 'unreadable', problem: expect.stringMatching(/^not a manifest: schema/) },
    ]);
  });
});

describe('loadRun', () => {
  it('finds a run by its id, its path, its attempt, or the end of it', async () => {
    const run = await recordRun(lab);
    const attempt = run.manifest.attempt;
    for (const name of [run.runId, `runs/${run.runId}/`, attempt, attempt.slice(-6)]) {
      expect(loadRun(lab, name)).toMatchObject({
        runId: run.runId,
        samplesPath: run.samplesPath,
        summary: { metrics: { perplexity: { value: 31.5 } } },
      });
    }
  });

  it('says what is wrong with a name or a run', async () => {
    const run = await recordRun(lab);
    expect(() => loadRun(lab, 'nothing')).toThrow(/no run "nothing"/);
    expect(() => loadRun(lab, `../runs/${run.runId}`)).toThrow(/no run/);
    expect(() => loadRun(lab, '')).toThrow(/no run/);
    const state = stillState();
    createRun(lab, runFields({ cell: 'z' }), state);
    createRun(lab, runFields({ cell: 'z' }), state);
    expect(() => loadRun(lab, '')).toThrow(/no run/);
    writeFileSync(join(run.dir, 'results_summary.json'), '{}');
    expect(() => loadRun(lab, run.runId)).toThrow(/not a results summary/);
    rmSync(join(run.dir, 'results_summary.json'));
    expect(loadRun(lab, run.runId).summary).toBeNull();
    truncateSync(join(run.dir, 'manifest.json'), 5);
    expect(() => loadRun(lab, run.runId)).toThrow(/manifest.json/);
  });
});
