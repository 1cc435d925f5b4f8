import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import { readSamples } from '../record/sample-reader.ts';
import { encodeRow } from '../record/samples.ts';
import { bestResumable, completeBatches } from './resume.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-resume-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The rows of a whole run in the order of a worker: load, batches of `sizes` rows, memory. */
function runRows(sizes: readonly number[]): SampleRow[] {
  let item = 0;
  const batches = sizes.flatMap((size, batch): SampleRow[] => [
    ...Array.from({ length: size }, (): SampleRow => {
      const outcome = { label: 'é', correct: true, logp: -0.125 * item, tokens: 1 };
      return { kind: 'item', batch, item: item++, ...outcome };
    }),
    { kind: 'batch', batch, rows: size, tokens: 9, scored: 3, ms: 1.5, warmup: batch === 0 },
  ]);
  return [
    { kind: 'load', part: 0, loadMs: 10 },
    ...batches,
    { kind: 'memory', part: 0, peakRssBytes: 1, weightBytes: 1 },
  ];
}

const batchSizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });

function written(name: string, content: string | Buffer): { runId: string; samplesPath: string } {
  const samplesPath = join(dir, name);
  writeFileSync(samplesPath, content);
  return { runId: name, samplesPath };
}

test('a whole run: every batch, none of the other rows', () => {
  fc.assert(
    fc.property(batchSizes, (sizes) => {
      const rows = runRows(sizes);
      const { rows: kept, batches } = completeBatches(rows);
      expect(batches).toEqual(sizes.map((_, batch) => batch));
      expect(kept).toEqual(rows.filter((row) => row.kind === 'item' || row.kind === 'batch'));
    }),
  );
});

test('a file cut anywhere gives whole batches only, and all that were closed before the cut', () => {
  const cut = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(batchSizes, cut, (sizes, share) => {
      const lines = runRows(sizes).map(encodeRow);
      const bytes = Buffer.from(lines.join(''));
      const length = Math.floor(share * bytes.length);
      const { samplesPath } = written('cut.jsonl', bytes.subarray(0, length));
      const read = readSamples(samplesPath);
      expect(read.corrupt).toEqual([]);
      const { rows, batches } = completeBatches(read.rows);
      const closed = read.rows.flatMap((row) => (row.kind === 'batch' ? [row.batch] : []));
      expect(batches).toEqual(closed);
      for (const batch of batches) {
        const own = rows.filter((row) => 'batch' in row && row.batch === batch);
        expect(own).toHaveLength(sizes[batch]! + 1);
      }
      expect(rows).toHaveLength(batches.reduce((n, batch) => n + sizes[batch]! + 1, 0));
    }),
  );
});

test('a batch whose rows do not add up is measured again', () => {
  const rows = runRows([2, 3]).filter((row) => !(row.kind === 'item' && row.item === 3));
  expect(completeBatches(rows).batches).toEqual([0]);
  const doubled = [...runRows([2]), runRows([2])[1]!];
  expect(completeBatches(doubled).batches).toEqual([]);
});

test('the attempt with the most whole batches is taken, the first of equals', () => {
  const attempts = [[1], [1, 1, 1], [2, 2, 2], [1, 1]].map((sizes, i) =>
    written(`attempt-${i}`, runRows(sizes).map(encodeRow).join('')),
  );
  expect(bestResumable(attempts)).toMatchObject({ runId: 'attempt-1', batches: [0, 1, 2] });
});

test('attempts without a whole batch, without a file, or with a damaged one are left alone', () => {
  const whole = runRows([1, 1]).map(encodeRow).join('');
  const damaged = written('damaged.jsonl', whole.replace('"tokens":9', '"tokens":8'));
  const started = written('started.jsonl', runRows([]).map(encodeRow).join(''));
  const missing = { runId: 'missing', samplesPath: join(dir, 'missing.jsonl') };
  const empty = written('empty.jsonl', '');
  expect(readFileSync(damaged.samplesPath, 'utf8')).not.toBe(whole);
  expect(bestResumable([damaged, started, missing, empty])).toBeNull();
  expect(bestResumable([])).toBeNull();
});
