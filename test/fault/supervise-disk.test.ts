/** A lab on a disk that fills up, is full, or cannot be written: clear errors, nothing torn. */
import { afterEach, describe, expect, it } from 'vitest';
import { listRuns } from '../../src/record/run-reader.ts';
import { acknowledgedRows } from '../support/acknowledged-rows.ts';
import type { BenchLab } from '../support/bench-lab.ts';
import { longExperiment } from '../support/long-experiment.ts';
import { waitFor } from '../support/processes.ts';
import { type SmallDisk, smallDisk } from '../support/small-disk.ts';

const probe = smallDisk(1 << 20);
probe?.remove();
if (probe === null) console.log('skipped: mounting a tmpfs takes root');

let disk: SmallDisk;
let bench: BenchLab;
afterEach(() => {
  bench.remove();
  disk.remove();
});

function labOnDisk(bytes: number): void {
  disk = smallDisk(bytes)!;
  bench = longExperiment({ root: disk.path, schemes: ['f32'], documents: 100 });
}

const NO_TRACE = /\n {4}at |this is a bug/;

describe.skipIf(probe === null)('a disk that', () => {
  it('fills up during a run: one clear error, whole rows, and the run goes on when there is room', async () => {
    labOnDisk(24 << 20);
    const run = bench.start(['run', 'small.yaml']);
    await waitFor(() => acknowledgedRows(bench.lab).size > 0);
    disk.fill();
    const result = await run.ended;
    expect([3, 4], result.stderr).toContain(result.code);
    expect(result.stderr).toMatch(/free some space|full|no space/i);
    expect(result.stderr).not.toMatch(NO_TRACE);
    const kept = acknowledgedRows(bench.lab);
    expect(kept.size).toBeGreaterThan(0);
    const listed = await bench.assay(['runs', 'ls', '--json']);
    expect(listed.code).toBe(0);
    disk.free();
    const again = await bench.assay(['run', 'small.yaml', '--json']);
    expect(again.code, again.stderr).toBe(0);
    const now = acknowledgedRows(bench.lab);
    for (const row of kept) expect(now.has(row)).toBe(true);
    const verified = await bench.assay(['verify']);
    expect(verified.code, verified.stdout).toBe(0);
  });

  it('is full from the start: one clear error, no run that claims anything', async () => {
    labOnDisk(24 << 20);
    disk.fill();
    for (const args of [
      ['run', 'small.yaml'],
      ['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--budget', 'smoke'],
      ['init', 'other.yaml'],
    ]) {
      const result = await bench.assay(args);
      expect(result.code, result.stderr).toBe(3);
      expect(result.stderr).toMatch(/^hint: .*(space|full)/m);
      expect(result.stderr).not.toMatch(NO_TRACE);
    }
    expect(listRuns(bench.lab).filter((entry) => entry.kind === 'closed')).toEqual([]);
    disk.free();
    expect((await bench.assay(['run', 'small.yaml'])).code).toBe(0);
    const verified = await bench.assay(['verify']);
    expect(verified.code, verified.stdout).toBe(0);
  });

  it('is read-only can be listed, shown, verified and explained; nothing else', async () => {
    labOnDisk(24 << 20);
    expect((await bench.assay(['run', 'small.yaml'])).code).toBe(0);
    disk.readOnly();
    const [run] = listRuns(bench.lab);
    for (const args of [
      ['runs', 'ls'],
      ['runs', 'show', run!.runId],
      ['verify'],
      ['explain', `${run!.runId}:perplexity`],
      ['run', 'small.yaml', '--dry-run'],
    ]) {
      const result = await bench.assay(args);
      expect(result.code, result.stderr).toBe(0);
    }
    for (const args of [
      ['run', 'small.yaml'],
      ['report', 'small'],
      ['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--budget', 'smoke'],
      ['init', 'other.yaml'],
    ]) {
      const result = await bench.assay(args);
      expect(result.code, `${args}: ${result.stderr}`).toBe(3);
      expect(result.stderr).toMatch(/read-only|EROFS/);
      expect(result.stderr).toMatch(/^hint: ./m);
      expect(result.stderr).not.toMatch(NO_TRACE);
    }
  });
});
