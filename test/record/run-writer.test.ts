import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256File } from '../../src/record/canonical.ts';
import { manifestDigest } from '../../src/record/manifest.ts';
import { directoryName } from '../../src/record/run-directory.ts';
import { loadRun } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { heartbeatSchema, manifestSchema, summarySchema } from '../../src/record/schema.ts';
import { perplexity, recordRun, runFields, stillState, temporaryLab } from './recorded-run.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

describe('createRun', () => {
  it('makes a directory with a running manifest and a heartbeat', () => {
    const run = createRun(lab, runFields(), stillState());
    expect(run.runId).toMatch(/^quickstart\/eval~f32\/20261120T053400Z-[0-9a-z]{6}$/);
    expect(run.dir).toBe(join(lab.runsDir, run.runId));
    const manifest = manifestSchema.parse(readJson(join(run.dir, 'manifest.json')));
    expect(manifest).toMatchObject({ status: 'running', endedAt: null, digest: null, files: [] });
    const beat = heartbeatSchema.parse(readJson(join(run.dir, 'heartbeat.json')));
    expect(beat).toMatchObject({ pid: process.pid, host: 'test-host', experiment: 'quickstart' });
  });

  it('takes another name when one is taken, and adds the restart count of Slurm', () => {
    const digits = [...Array(12).fill(0), ...Array(12).fill(0.5)];
    const random = (): number => digits.shift() ?? 0.9;
    const state = stillState({ random, env: { SLURM_RESTART_COUNT: '2' } });
    const names = [1, 2].map(() => createRun(lab, runFields(), state).manifest.attempt);
    expect(names).toEqual(['20261120T053400Z-000000-r2', '20261120T053400Z-iiiiii-r2']);
  });

  it('makes names of directories that stay apart', () => {
    expect(directoryName('eval~int8-g128=1.5_b')).toBe('eval~int8-g128=1.5_b');
    const strange = ['a/b', 'a b', 'a\0b', '..', '.', '', '.hidden', 'ü', 'x'.repeat(300)];
    const names = strange.map(directoryName);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_~=-][A-Za-z0-9._~=-]{0,120}$/);
    expect(new Set(names).size).toBe(strange.length);
  });
});

describe('close', () => {
  it('writes summary, hashes, and a digest of all that, and ends the heartbeat', async () => {
    const run = await recordRun(lab);
    const manifest = manifestSchema.parse(readJson(join(run.dir, 'manifest.json')));
    expect(run.manifest).toEqual(manifest);
    expect(manifest.files.map((file) => [file.path, file.role])).toEqual([
      ['results_summary.json', 'summary'],
      ['samples.jsonl', 'samples'],
    ]);
    for (const file of manifest.files) {
      expect(await sha256File(join(run.dir, file.path))).toBe(file.sha256);
    }
    expect(manifestDigest(manifest)).toBe(manifest.digest);
    expect(summarySchema.parse(readJson(join(run.dir, 'results_summary.json')))).toEqual({
      schema: 'assay.summary/1',
      runId: run.runId,
      metrics: { perplexity },
    });
    expect(readdirSync(run.dir).sort()).toEqual([
      'manifest.json',
      'results_summary.json',
      'samples.jsonl',
    ]);
    await expect(run.close({ status: 'failed', reason: 'again', summary: null })).rejects.toThrow(
      'closed already',
    );
  });

  it('takes what is known only at the end, and names of members that look secret', async () => {
    const run = createRun(lab, runFields(), stillState());
    const engine = {
      ...{ name: 'embedded', version: '1', device: 'cpu', threads: 2, scheme: 'f32' },
      ...{ precision: 'W32A32', activations: 'f32' as const, simulated: null },
    };
    const summary = { metrics: { 'token-accuracy': perplexity, nllPerToken: perplexity } };
    const resumedFrom = { runId: 'a/b/c', rows: 3 };
    const findings = [{ code: 'x', severity: 'info' as const, message: 'y' }];
    const outcome = { status: 'invalid' as const, reason: 'NaN', summary };
    const manifest = await run.close({ ...outcome, engine, findings, resumedFrom });
    expect(manifest).toMatchObject({ engine, findings, resumedFrom, status: 'invalid' });
    expect(loadRun(lab, run.runId).summary?.metrics).toEqual(summary.metrics);
  });

  it('measures by the monotonic clock and says when the wall clock stepped', async () => {
    const state = stillState();
    const run = createRun(lab, runFields(), state);
    state.clock.elapsedMs += 2500.25;
    state.clock.wallMs -= 3_600_000;
    const manifest = await run.close({ status: 'succeeded', reason: null, summary: null });
    expect(manifest.endedAt).toBe('2026-11-20T05:34:02.500Z');
    expect(manifest.elapsedMs).toBe(2500.25);
    expect(manifest.findings).toMatchObject([
      { code: 'clock-stepped', evidence: { wallMs: -3_600_000, elapsedMs: 2500.25 } },
    ]);
  });

  it('says nothing of a wall clock that drifts by less than a second', async () => {
    const state = stillState();
    const run = createRun(lab, runFields(), state);
    state.clock.elapsedMs += 5000;
    state.clock.wallMs += 4100;
    const closed = await run.close({ status: 'succeeded', reason: null, summary: null });
    expect(closed.findings).toEqual([]);
  });

  it('hashes the logs and whatever else is there, but no leftovers of a torn write', async () => {
    const run = createRun(lab, runFields(), stillState());
    writeFileSync(run.logPath, 'out');
    writeFileSync(run.errorLogPath, '');
    mkdirSync(join(run.dir, 'routing'));
    writeFileSync(join(run.dir, 'routing', 'a.parquet'), 'p');
    writeFileSync(join(run.dir, 'manifest.json.1-ab.tmp'), 'x');
    const closed = await run.close({ status: 'failed', reason: 'killed', summary: null });
    expect(closed.files.map((file) => [file.path, file.role, file.bytes])).toEqual([
      ['routing/a.parquet', 'other', 1],
      ['run.err', 'error-log', 0],
      ['run.log', 'log', 3],
    ]);
  });

  it('leaves an unfinished run without a heartbeat when a metric is not a number', async () => {
    const run = createRun(lab, runFields(), stillState());
    const metrics = { perplexity: { ...perplexity, value: Number.NaN } };
    const outcome = { status: 'succeeded' as const, reason: null, summary: { metrics } };
    await expect(run.close(outcome)).rejects.toThrow();
    expect(existsSync(join(run.dir, 'heartbeat.json'))).toBe(false);
    expect(readJson(join(run.dir, 'manifest.json')).status).toBe('running');
    await run.close({ ...outcome, status: 'failed', reason: 'no number', summary: null });
    expect(readJson(join(run.dir, 'manifest.json')).status).toBe('failed');
  });
});
