import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import { readSamples } from '../record/sample-reader.ts';
import { encodeRow } from '../record/samples.ts';
import { bestResumableRounds, completeRounds, recordedCell } from './bench-resume.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-rounds-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The rows of a whole run as a worker writes them: rounds of `sizes` iterations. */
function runRows(sizes: readonly number[]): SampleRow[] {
  let iteration = 0;
  const time = { ttftMs: 1, prefillMs: 1, stepMs: [0.5], e2eMs: 2, cpuMs: 2 };
  const tokens = { promptTokens: 4, newTokens: 2 };
  const rounds = sizes.flatMap((size, round): SampleRow[] => [
    ...Array.from({ length: size }, (_, i): SampleRow => {
      const number = iteration++;
      return i === 2
        ? { kind: 'failure', round, iteration: number, message: 'no' }
        : { kind: 'iteration', round, iteration: number, warmup: i === 0, ...tokens, ...time };
    }),
    { kind: 'generated', prompt: round, ids: [1, 2], finish: 'length' },
    ...(round === 0 ? [{ kind: 'memory' as const, part: 0, peakRssBytes: 5, weightBytes: 1 }] : []),
    {
      kind: 'round',
      ...{ round, rows: size, startedMs: round, wallMs: 3, stealMs: null, othersMs: null },
      loadAverage: 0.5,
    },
  ]);
  const tensor = { name: 'w', shape: [1], scheme: 'f32', group: null, bytes: 4, reason: null };
  return [
    { kind: 'cold-start', index: 0, loadMs: 1, firstTokenMs: 2 },
    { kind: 'tensor', ...tensor },
    { kind: 'load', part: 0, loadMs: 10 },
    ...rounds,
  ];
}

function written(name: string, content: string | Buffer): { runId: string; samplesPath: string } {
  const samplesPath = join(dir, name);
  writeFileSync(samplesPath, content);
  return { runId: name, samplesPath };
}

const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });

test('a file cut anywhere gives whole rounds only, and all that were closed before the cut', () => {
  const cut = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(sizes, cut, (of, share) => {
      const bytes = Buffer.from(runRows(of).map(encodeRow).join(''));
      const { samplesPath } = written('cut', bytes.subarray(0, Math.floor(share * bytes.length)));
      const read = readSamples(samplesPath);
      expect(read.corrupt).toEqual([]);
      const { rows, rounds } = completeRounds(read.rows);
      const closed = read.rows.flatMap((row) => (row.kind === 'round' ? [row.round] : []));
      expect(rounds).toEqual(closed);
      for (const round of rounds) {
        const own = rows.filter((row) => 'round' in row && row.round === round);
        expect(own).toHaveLength(of[round]! + 1);
      }
      const others = rows.filter((row) => 'round' in row && !rounds.includes(row.round));
      expect(others).toEqual([]);
      // What belongs to no round is kept, what every process tells anew is not.
      const kept = (kind: SampleRow['kind']) => rows.filter((row) => row.kind === kind).length;
      const there = (kind: SampleRow['kind']) => read.rows.filter((r) => r.kind === kind).length;
      expect(kept('generated')).toBe(there('generated'));
      expect(kept('cold-start')).toBe(there('cold-start'));
      expect(kept('tensor') + kept('load')).toBe(0);
    }),
  );
});

test('peak memory is kept with the round that it was read in', () => {
  const [, , , ...rest] = runRows([2, 2]);
  const before = rest.filter((row) => row.kind !== 'round');
  expect(completeRounds(before).rows.some((row) => row.kind === 'memory')).toBe(false);
  expect(completeRounds(rest).rows.some((row) => row.kind === 'memory')).toBe(true);
});

test('the attempt with the most whole rounds is taken; without one, or damaged, none', () => {
  const attempts = [[1], [1, 1, 1], [2, 2, 2], [1, 1]].map((of, i) =>
    written(`attempt-${i}`, runRows(of).map(encodeRow).join('')),
  );
  const whole = runRows([1, 1, 1, 1]).map(encodeRow).join('');
  const damaged = written('damaged', whole.replace('"promptTokens":4', '"promptTokens":5'));
  const missing = { runId: 'missing', samplesPath: join(dir, 'missing') };
  expect(bestResumableRounds([...attempts, damaged, missing])).toMatchObject({
    runId: 'attempt-1',
    rounds: [0, 1, 2],
  });
  const started = written('started', runRows([]).map(encodeRow).join(''));
  expect(bestResumableRounds([damaged, missing, started])).toBeNull();
});

test('what a file holds decides where a new process goes on', () => {
  const { samplesPath } = written('whole', runRows([4, 2]).map(encodeRow).join(''));
  expect(recordedCell(samplesPath)).toEqual({
    loads: 1,
    tensors: true,
    coldStarts: 1,
    rounds: new Set([0, 1]),
    progress: { nextIteration: 6, generated: [0, 1], memory: true },
  });
  expect(recordedCell(join(dir, 'missing'))).toMatchObject({
    loads: 0,
    tensors: false,
    progress: { nextIteration: 0, generated: [], memory: false },
  });
});
