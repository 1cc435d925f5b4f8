/** The record among processes that race, die, and have clocks that step. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labAt } from '../../src/record/lab.ts';
import { listRuns } from '../../src/record/run-reader.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { runFields, stillState } from '../record/recorded-run.ts';

const start = (program: string, ...args: string[]): ChildProcess =>
  fork(join(import.meta.dirname, program), args, { execArgv: ['--import', 'tsx'] });

async function answer(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, 'message')) as unknown[];
  return message;
}

describe('two supervisors', () => {
  it('of one experiment: one passes and one fails, fifty times', async () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-'));
    const both = [1, 2].map(() => start('record-claimant.ts', root));
    try {
      await Promise.all(both.map(answer));
      const won = [0, 0];
      for (let round = 0; round < 50; round += 1) {
        const answers = both.map(answer);
        // Who is told first alternates, so that neither is always ahead.
        const order = round % 2 === 0 ? both : both.toReversed();
        for (const child of order) child.send('claim');
        const results = await Promise.all(answers);
        expect(results.toSorted(), `round ${round}`).toEqual(['failed', 'passed']);
        won[results.indexOf('passed')]! += 1;
        const released = both.map(answer);
        for (const child of both) child.send('release');
        await Promise.all(released);
      }
      console.log(`claims won by the two processes: ${won.join(' and ')}`);
    } finally {
      for (const child of both) child.kill();
    }
  });

  it('of which the first was killed: the second takes over', async () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-'));
    const both = [1, 2].map(() => start('record-claimant.ts', root));
    try {
      await Promise.all(both.map(answer));
      const [first, second] = both as [ChildProcess, ChildProcess];
      first.send('claim');
      expect(await answer(first)).toBe('passed');
      second.send('claim');
      expect(await answer(second)).toBe('failed');
      first.kill('SIGKILL');
      await once(first, 'exit');
      second.send('claim');
      expect(await answer(second)).toBe('passed');
    } finally {
      for (const child of both) child.kill();
    }
  });
});

describe('a worker that is killed', () => {
  it('loses no row that was acknowledged, and what follows is a whole line or torn', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'assay-')), 'samples.jsonl');
    const child = start('record-appender.ts', path);
    let acknowledged = 0;
    child.on('message', (rows: number) => {
      acknowledged = rows;
      if (rows === 300) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    const read = readSamples(path);
    expect(acknowledged).toBeGreaterThanOrEqual(300);
    expect(read.rows.length).toBeGreaterThanOrEqual(acknowledged);
    expect(read.corrupt).toEqual([]);
    expect(read.rows.map((row) => (row.kind === 'window' ? row.window : -1))).toEqual(
      read.rows.map((_, i) => i),
    );
  });
});

describe('a wall clock that steps', () => {
  it.each([-86_400_000, 86_400_000])('by %d ms bends no duration', async (step) => {
    const lab = labAt(mkdtempSync(join(tmpdir(), 'assay-')));
    const state = stillState();
    const run = createRun(lab, runFields(), state);
    state.clock.wallMs += step;
    state.clock.elapsedMs += 4000;
    await run.close({ status: 'succeeded', reason: null, summary: null });
    expect(listRuns(lab)).toMatchObject([
      {
        kind: 'closed',
        manifest: {
          startedAt: '2026-11-20T05:34:00.000Z',
          endedAt: '2026-11-20T05:34:04.000Z',
          elapsedMs: 4000,
          findings: [{ code: 'clock-stepped', evidence: { wallMs: step, elapsedMs: 4000 } }],
        },
      },
    ]);
  });
});
