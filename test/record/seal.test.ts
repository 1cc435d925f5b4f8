import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/record/canonical.ts';
import { manifestDigest } from '../../src/record/manifest.ts';
import { checkRun } from '../../src/record/run-check.ts';
import { type ClosedRun, listRuns } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { readSeals, writeSeal } from '../../src/record/seal.ts';
import { checkSeals } from '../../src/record/seal-check.ts';
import { recordRun, runFields, stillState, temporaryLab } from './recorded-run.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const codes = (head?: string): string[] =>
  checkSeals(lab, head === undefined ? {} : { head }).findings.map((finding) => finding.code);

/** Changes the manifest of a run as someone would who also knows how the digest is made. */
function edit(dir: string, change: object, redigest: boolean): void {
  const path = join(dir, 'manifest.json');
  const manifest = { ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change };
  const digest = redigest ? { digest: manifestDigest(manifest as Record<string, unknown>) } : {};
  writeFileSync(path, JSON.stringify({ ...manifest, ...digest }));
}

describe('writeSeal', () => {
  it('names all closed runs, sorted, and the seal before it', async () => {
    const b = await recordRun(lab, { cell: 'b' });
    createRun(lab, runFields({ cell: 'unfinished' }), stillState());
    const first = writeSeal(lab, stillState());
    expect(first.file).toMatch(/^20261120T053400Z-[0-9a-z]{6}\.json$/);
    expect(first.seal).toMatchObject({
      sealedAt: '2026-11-20T05:34:00.000Z',
      runs: [{ runId: b.runId, digest: b.manifest.digest }],
      parents: [],
    });
    expect(sha256Hex(readFileSync(join(lab.sealsDir, first.file)))).toBe(first.sha256);
    const a = await recordRun(lab, { cell: 'a' });
    const second = writeSeal(lab);
    expect(second.seal.runs.map((run) => run.runId)).toEqual([a.runId, b.runId]);
    expect(second.seal.parents).toEqual([{ file: first.file, sha256: first.sha256 }]);
    expect(codes()).toEqual([]);
  });

  it('writes nothing when nothing changed', async () => {
    await recordRun(lab);
    const first = writeSeal(lab);
    expect(writeSeal(lab)).toEqual({ ...first, written: false });
    expect(readSeals(lab)).toHaveLength(1);
  });

  it('joins what sealers at the same time left behind', async () => {
    await recordRun(lab);
    const one = writeSeal(lab);
    const [aside] = [readFileSync(join(lab.sealsDir, one.file))];
    rmSync(join(lab.sealsDir, one.file));
    const two = writeSeal(lab);
    writeFileSync(join(lab.sealsDir, one.file), aside);
    expect(
      checkSeals(lab)
        .heads.map((head) => head.sha256)
        .sort(),
    ).toEqual([one.sha256, two.sha256].sort());
    const joined = writeSeal(lab);
    expect(joined.seal.parents.map((parent) => parent.file).sort()).toEqual(
      [one.file, two.file].sort(),
    );
    expect(checkSeals(lab)).toEqual({
      findings: [],
      heads: [{ file: joined.file, sha256: joined.sha256 }],
    });
  });
});

describe('checkSeals', () => {
  it('has nothing to say of an empty lab', () => {
    expect(checkSeals(lab)).toEqual({ findings: [], heads: [] });
  });

  it.each([true, false])('finds a run that was edited (digest made anew: %s)', async (redigest) => {
    const run = await recordRun(lab);
    const seal = writeSeal(lab);
    edit(run.dir, { cellKey: '1'.repeat(64) }, redigest);
    expect(checkSeals(lab).findings).toMatchObject([
      {
        code: 'sealed-run-edited',
        severity: 'error',
        place: `runs/${run.runId}`,
        evidence: { seal: seal.file, sealed: run.manifest.digest },
      },
    ]);
    // Sealing again does not launder it.
    writeSeal(lab);
    expect(codes()).toEqual(['sealed-run-edited']);
  });

  it('finds an edit in a member that the schema does not know', async () => {
    const run = await recordRun(lab);
    writeSeal(lab);
    edit(run.dir, { note: 'added' }, false);
    expect(codes()).toEqual(['sealed-run-edited']);
  });

  it.each(['deleted', 'torn', 'reopened'])('finds a run that was %s', async (how) => {
    const run = await recordRun(lab);
    writeSeal(lab);
    if (how === 'deleted') rmSync(run.dir, { recursive: true });
    else if (how === 'torn') writeFileSync(join(run.dir, 'manifest.json'), '{');
    else edit(run.dir, { status: 'running', digest: null }, false);
    expect(codes()).toEqual(['sealed-run-missing']);
  });

  it('warns of a run that no seal covers yet', async () => {
    await recordRun(lab, { cell: 'a' });
    writeSeal(lab);
    const later = await recordRun(lab, { cell: 'b' });
    expect(checkSeals(lab).findings).toMatchObject([
      { code: 'unsealed-run', severity: 'warning', place: `runs/${later.runId}` },
    ]);
  });

  it('finds a seal that was deleted, edited, or is none', async () => {
    await recordRun(lab, { cell: 'a' });
    const first = writeSeal(lab);
    await recordRun(lab, { cell: 'b' });
    writeSeal(lab);
    const path = join(lab.sealsDir, first.file);
    const bytes = readFileSync(path);
    writeFileSync(path, `${bytes.toString()}\n`);
    expect(codes()).toEqual(['seal-edited']);
    rmSync(path);
    expect(codes()).toEqual(['seal-missing']);
    writeFileSync(path, 'no seal');
    expect(codes()).toEqual(['seal-unreadable', 'seal-edited']);
  });

  it('needs a head kept elsewhere to see that the newest run and seal are gone', async () => {
    await recordRun(lab, { cell: 'a' });
    writeSeal(lab);
    const newest = await recordRun(lab, { cell: 'b' });
    const head = writeSeal(lab);
    expect(codes(head.sha256)).toEqual([]);
    expect(codes(head.sha256.toUpperCase())).toEqual([]);
    rmSync(newest.dir, { recursive: true });
    rmSync(join(lab.sealsDir, head.file));
    expect(codes()).toEqual([]);
    expect(codes(head.sha256)).toEqual(['seal-head-missing']);
  });
});

describe('checkRun', () => {
  const only = (): ClosedRun => {
    const [entry] = listRuns(lab);
    if (entry?.kind !== 'closed') throw new Error('expected a closed run');
    return entry;
  };

  it('has nothing to say of an untouched run', async () => {
    await recordRun(lab);
    expect(await checkRun(only())).toEqual([]);
  });

  it('finds what was edited, deleted and added, and the line of a bad sample', async () => {
    const run = await recordRun(lab);
    const samples = readFileSync(run.samplesPath, 'utf8');
    writeFileSync(run.samplesPath, samples.replace('12.5', '11.5'));
    rmSync(join(run.dir, 'results_summary.json'));
    writeFileSync(join(run.dir, 'extra'), '');
    edit(run.dir, { reason: 'edited' }, false);
    expect(await checkRun(only())).toMatchObject([
      { code: 'manifest-edited', severity: 'error' },
      { code: 'file-missing', place: `runs/${run.runId}/results_summary.json` },
      { code: 'file-edited', evidence: { lines: [{ line: 1 }] } },
      { code: 'file-added', place: `runs/${run.runId}/extra` },
    ]);
    expect(existsSync(run.dir)).toBe(true);
  });
});
