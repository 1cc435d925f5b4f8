import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { trustedSamples } from '../../src/evidence/trusted-samples.ts';
import { type ClosedRun, readRun } from '../../src/record/run-reader.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { measure } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let run: ClosedRun;
let path: string;
let original: string;
let rows: unknown[];

beforeAll(async () => {
  lab = temporaryLab();
  const runId = await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0 }, 0);
  run = readRun(lab, runId) as ClosedRun;
  path = join(run.dir, 'samples.jsonl');
  original = readFileSync(path, 'latin1');
  rows = readSamples(path).rows;
});
afterAll(() => lab.remove());
beforeEach(() => writeFileSync(path, original, 'latin1'));

/** Writes the file with one character replaced and reads it with suspicion. */
function changed(index: number, to: string) {
  writeFileSync(path, original.slice(0, index) + to + original.slice(index + 1), 'latin1');
  return trustedSamples(run);
}

const placeOf = (index: number) => {
  const before = original.slice(0, index).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
};

test('an untouched file is taken as it is', () => {
  expect(trustedSamples(run)).toEqual({ rows, discrepancies: [] });
});

describe('one changed digit', () => {
  test('anywhere in the file, checksums included: found, mended, proven by the whole hash', () => {
    const digits = [...original.matchAll(/\d/g)].map((match) => match.index);
    fc.assert(
      fc.property(fc.constantFrom(...digits), fc.integer({ min: 1, max: 9 }), (index, step) => {
        const was = original[index]!;
        const now = String((Number(was) + step) % 10);
        const trusted = changed(index, now);
        expect(trusted.rows).toEqual(rows);
        expect(trusted.discrepancies).toHaveLength(1);
        const [found] = trusted.discrepancies;
        expect(found!.code).toBe('sample-edited');
        expect(found!.message).not.toContain('not proven');
        expect(found!.place!.line).toBe(placeOf(index).line);
        // The place is that of the whole number, in which the digit stands.
        const { column, width } = found!.place!;
        expect(placeOf(index).column).toBeGreaterThanOrEqual(column);
        expect(placeOf(index).column).toBeLessThan(column + width);
        const at = placeOf(index).column - column;
        expect([found!.expected![at], found!.found![at]]).toEqual([was, now]);
      }),
      { numRuns: 60 },
    );
  });

  test('even in the name of the checksum', () => {
    const trusted = changed(original.indexOf('"crc32"') + '"crc3'.length, '8');
    expect(trusted.rows).toEqual(rows);
    expect(trusted.discrepancies[0]).toMatchObject({ expected: '2', found: '8' });
  });

  test('is told with the path of its number and both numbers', () => {
    const index = original.indexOf('"loadMs":120.5') + '"loadMs":1'.length;
    const [found] = changed(index, '9').discrepancies;
    expect(found).toMatchObject({
      message: `loadMs of a load sample of run ${run.runId} was changed`,
      expected: '120.5',
      found: '190.5',
      place: { file: `runs/${run.runId}/samples.jsonl`, width: 5 },
    });
  });
});

test('behind letters of more than a byte, place and text are what a reader sees', async () => {
  const runId = await measure(lab, { scheme: 'f32', measure: 'intents', loses: 4 }, 1);
  const other = readRun(lab, runId) as ClosedRun;
  const samples = join(other.dir, 'samples.jsonl');
  const standing = readFileSync(samples, 'utf8');
  const index = standing.indexOf('"logp":', standing.indexOf('déjà vu')) + '"logp":-'.length;
  const edited = `${standing.slice(0, index)}9${standing.slice(index + 1)}`;
  writeFileSync(samples, edited);
  const { discrepancies } = trustedSamples(other);
  const line = standing.slice(0, index).split('\n').length;
  const text = edited.split('\n')[line - 1]!;
  expect(discrepancies).toMatchObject([
    {
      expected: '-2.5',
      found: '-9.5',
      place: { line, text, column: text.indexOf('-9.5') + 1, width: 4 },
    },
  ]);
});

describe('more than that', () => {
  test('digits in two different lines are both mended', () => {
    const [a, b] = [original.indexOf('"ms":4.125'), original.indexOf('"ms":4.25')].map(
      (i) => i + 5,
    );
    const text = `${original.slice(0, a)}7${original.slice(a! + 1, b)}8${original.slice(b! + 1)}`;
    writeFileSync(path, text, 'latin1');
    const trusted = trustedSamples(run);
    expect(trusted.rows).toEqual(rows);
    expect(trusted.discrepancies.map(({ expected, found }) => [expected, found])).toEqual([
      ['4.125', '7.125'],
      ['4.25', '8.25'],
    ]);
  });

  test('two digits of one line cannot be mended: nothing is recomputed', () => {
    const at = original.indexOf('"loadMs":120.5') + '"loadMs":'.length;
    writeFileSync(path, `${original.slice(0, at)}99${original.slice(at + 2)}`, 'latin1');
    const trusted = trustedSamples(run);
    expect(trusted.rows).toBeNull();
    expect(trusted.discrepancies).toHaveLength(1);
    expect(trusted.discrepancies[0]!.place!.line).toBe(placeOf(at).line);
  });

  test('a digit mended beside a removed line is told as not proven', () => {
    const at = original.indexOf('"loadMs":120.5') + '"loadMs":'.length;
    const text = `${original.slice(0, at)}9${original.slice(at + 1)}`;
    writeFileSync(path, text.split('\n').slice(0, -2).join('\n'), 'latin1');
    const trusted = trustedSamples(run);
    expect(trusted.rows).toBeNull();
    expect(trusted.discrepancies[0]!.message).toContain('not proven: more was changed');
  });

  test('a whole line removed or doubled has fitting checksums, and is still found', () => {
    const lines = original.split('\n');
    for (const text of [lines.slice(1).join('\n'), `${lines[0]}\n${original}`]) {
      writeFileSync(path, text, 'latin1');
      const trusted = trustedSamples(run);
      expect(trusted.rows).toBeNull();
      expect(trusted.discrepancies.map(({ code }) => code)).toEqual(['samples-edited']);
    }
  });

  test('a deleted file', () => {
    rmSync(path);
    const trusted = trustedSamples(run);
    expect(trusted.rows).toBeNull();
    expect(trusted.discrepancies[0]).toMatchObject({ code: 'file-missing', run: run.runId });
  });
});
