/** The record on a disk that is full or read-only. Mounts a small tmpfs, which takes root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeJsonAtomic } from '../../src/record/atomic.ts';
import { claimExperiment } from '../../src/record/claim.ts';
import { StorageError } from '../../src/record/errors.ts';
import { labAt } from '../../src/record/lab.ts';
import { checkRun } from '../../src/record/run-check.ts';
import { readRun } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { SampleWriter } from '../../src/record/sample-writer.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { perplexity, runFields, stillState } from '../record/recorded-run.ts';

const mounts: string[] = [];
/** A file system of 128 KiB; null where we may not mount. */
function smallDisk(): string | null {
  const at = mkdtempSync(join(tmpdir(), 'assay-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', at], { stdio: 'ignore' });
  } catch {
    rmSync(at, { recursive: true });
    return null;
  }
  mounts.push(at);
  return at;
}
function fill(disk: string): void {
  for (let size = 65_536, i = 0; size >= 1; i += 1) {
    try {
      writeFileSync(join(disk, `fill-${i}`), Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
}
function free(disk: string): void {
  for (const name of readdirSync(disk)) if (name.startsWith('fill-')) rmSync(join(disk, name));
}
const caught = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

const probe = smallDisk();
if (probe === null) console.log('skipped: mounting a tmpfs takes root');
afterAll(() => {
  for (const at of mounts) {
    execFileSync('umount', [at]);
    rmSync(at, { recursive: true });
  }
});

describe.skipIf(probe === null)('a full disk', () => {
  it('undoes the batch that did not fit and keeps every row before it', () => {
    const disk = smallDisk()!;
    const path = join(disk, 'samples.jsonl');
    const writer = new SampleWriter(path);
    const hit = '10'.repeat(400);
    const row = { kind: 'window', batch: 0, document: 0, scoreFrom: 1, hit } as const;
    const empty = { logp: [], topLogp: [], sumSquares: [] };
    let error: unknown;
    for (let i = 0; i < 1000 && error === undefined; i += 1) {
      const batch = [0, 1, 2].map((j) => ({ ...row, window: 3 * i + j, ...empty }));
      error = caught(() => writer.append(batch));
    }
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ exitCode: 3, details: { path } });
    expect((error as StorageError).hint).toMatch(/full/);
    writer.close();
    const read = readSamples(path);
    expect(read).toMatchObject({ torn: null, corrupt: [] });
    expect(read.rows.length).toBe(writer.rows);
    expect(writer.rows).toBeGreaterThan(90);
    expect(writer.rows % 3).toBe(0);
  });

  it('keeps the old file and leaves no temporary one', () => {
    const disk = smallDisk()!;
    const path = join(disk, 'a.json');
    writeJsonAtomic(path, { old: true });
    fill(disk);
    const error = caught(() => writeFileAtomic(path, 'x'.repeat(20_000)));
    expect(error).toMatchObject({ code: 'StorageError', details: { path, errno: 'ENOSPC' } });
    expect(readFileSync(path, 'utf8')).toContain('"old": true');
    expect(readdirSync(disk).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('leaves an unfinished run, which can be closed once there is room', async () => {
    const disk = smallDisk()!;
    const lab = labAt(disk);
    const run = createRun(lab, runFields(), stillState());
    fill(disk);
    const metrics = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`metric-${i}`, perplexity]),
    );
    const outcome = { status: 'succeeded' as const, reason: null, summary: { metrics } };
    await expect(run.close(outcome)).rejects.toMatchObject({ code: 'StorageError', exitCode: 3 });
    expect(readRun(lab, run.runId)).toMatchObject({ kind: 'unfinished', alive: false });
    free(disk);
    await run.close(outcome);
    const entry = readRun(lab, run.runId);
    expect(entry.kind).toBe('closed');
    if (entry.kind === 'closed') expect(await checkRun(entry)).toEqual([]);
  });

  it('refuses to start a run, to claim and to seal, and says what to do', async () => {
    const disk = smallDisk()!;
    const lab = labAt(disk);
    mkdirSync(lab.sealsDir);
    fill(disk);
    const errors = [
      caught(() => createRun(lab, runFields(), stillState())),
      await claimExperiment(lab, 'e').catch((error: unknown) => error),
      caught(() => writeSeal(lab)),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'StorageError', details: { errno: 'ENOSPC' } });
      expect((error as StorageError).hint).toMatch(/free some space/);
    }
    free(disk);
    (await claimExperiment(lab, 'e')).release();
  });
});

describe.skipIf(probe === null)('a read-only file system', () => {
  it('lets a lab be read, and says that it cannot be written', async () => {
    const disk = smallDisk()!;
    const lab = labAt(disk);
    const run = createRun(lab, runFields(), stillState());
    await run.close({ status: 'succeeded', reason: null, summary: null });
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    expect(readRun(lab, run.runId).kind).toBe('closed');
    const errors = [
      caught(() => createRun(lab, runFields(), stillState())),
      caught(() => writeSeal(lab)),
      caught(() => new SampleWriter(run.samplesPath)),
      await claimExperiment(lab, 'e').catch((error: unknown) => error),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'StorageError', exitCode: 3 });
      expect(error).toMatchObject({ details: { errno: 'EROFS' } });
      expect((error as StorageError).hint).toMatch(/read-only/);
    }
  });
});
