/** A lab whose files and folders belong to someone who may not read or write them. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexLogs } from '../../src/logs/index-logs.ts';
import { writeJsonAtomic } from '../../src/record/atomic.ts';
import { claimExperiment } from '../../src/record/claim.ts';
import { StorageError } from '../../src/record/errors.ts';
import { labAt } from '../../src/record/lab.ts';
import { checkRun } from '../../src/record/run-check.ts';
import { listRuns, readRun } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { SampleWriter } from '../../src/record/sample-writer.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { unprivileged } from '../support/unprivileged.ts';
import { recordRun, runFields, stillState } from './recorded-run.ts';

const caught = async (act: () => unknown): Promise<unknown> => {
  try {
    await act();
    return null;
  } catch (error) {
    return error;
  }
};

describe.skipIf(process.geteuid === undefined)('a lab that may not be', () => {
  it('written is read all the same, and says what to do', () =>
    unprivileged(async (folder) => {
      const lab = labAt(folder);
      const closed = await recordRun(lab);
      const at = [lab.runsDir, join(lab.runsDir, 'quickstart'), closed.dir, folder];
      for (const path of at) chmodSync(path, 0o555);
      expect(listRuns(lab)).toMatchObject([{ kind: 'closed', runId: closed.runId }]);
      const errors = await Promise.all([
        caught(() => createRun(lab, runFields({ experiment: 'other' }), stillState())),
        caught(() => claimExperiment(lab, 'other')),
        caught(() => writeSeal(lab)),
        caught(() => new SampleWriter(join(closed.dir, 'more.jsonl'))),
        caught(() => writeJsonAtomic(join(folder, 'a.json'), {})),
      ]);
      for (const error of errors) {
        expect(error).toBeInstanceOf(StorageError);
        expect(error).toMatchObject({ exitCode: 3, details: { errno: 'EACCES' } });
        expect((error as StorageError).hint).toMatch(/may not write/);
      }
      for (const path of at) chmodSync(path, 0o755);
    }));

  it('read lists what cannot be read as such, and breaks on none', () =>
    unprivileged(async (folder) => {
      const lab = labAt(folder);
      const open = await recordRun(lab, { cell: 'a' });
      const shut = await recordRun(lab, { cell: 'b' });
      const locked = join(lab.runsDir, 'quickstart', 'c', 'x');
      mkdirSync(locked, { recursive: true });
      writeFileSync(join(locked, 'manifest.json'), '{}');
      chmodSync(join(shut.dir, 'manifest.json'), 0);
      chmodSync(locked, 0);
      expect(listRuns(lab)).toMatchObject([
        { kind: 'closed', runId: open.runId },
        { kind: 'unreadable' },
        { kind: 'unreadable' },
      ]);
      chmodSync(locked, 0o755);
      chmodSync(join(open.dir, 'samples.jsonl'), 0);
      const entry = readRun(lab, open.runId);
      if (entry.kind !== 'closed') throw new Error(entry.kind);
      const error = await caught(() => checkRun(entry));
      expect(error).toMatchObject({ exitCode: 3, details: { errno: 'EACCES' } });
      expect((error as StorageError).hint).toMatch(/may not read/);
      rmSync(locked, { recursive: true });
    }));
});

describe.skipIf(process.geteuid === undefined)('a log that may not be read', () => {
  it('is named among those left out', () =>
    unprivileged(async (folder) => {
      writeFileSync(join(folder, 'closed.log'), 'x\n', { mode: 0 });
      const { skipped } = await indexLogs(folder);
      expect(skipped).toMatchObject([{ path: 'closed.log', reason: 'no permission to read it' }]);
    }));
});
