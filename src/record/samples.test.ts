import { mkdtempSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SampleRow } from './rows.ts';
import { readSamples } from './sample-reader.ts';
import { SampleWriter } from './sample-writer.ts';
import { compact, compactAll, encodeRow, MAX_LINE_BYTES } from './samples.ts';

const path = (): string => join(mkdtempSync(join(tmpdir(), 'assay-')), 'samples.jsonl');

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const float = fc.double({ noNaN: true, noDefaultInfinity: true });
const logps = fc.array(fc.option(float.map(compact)), { maxLength: 5 });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const row: fc.Arbitrary<SampleRow> = fc.oneof(
  fc.record({ kind: fc.constant('load' as const), part: count, loadMs: float }),
  fc.record({ kind: fc.constant('repeat' as const), batch: count, bitEqual: fc.boolean() }),
  fc.record({
    ...{ kind: fc.constant('tensor' as const), name: text, shape: fc.array(count), scheme: text },
    ...{ group: fc.option(count), bytes: count, reason: fc.option(text) },
  }),
  fc.record({
    ...{ kind: fc.constant('window' as const), batch: count, document: count, window: count },
    ...{ scoreFrom: count, logp: logps, hit: text, topLogp: logps, sumSquares: logps },
  }),
);
const rows = fc.array(row, { minLength: 1, maxLength: 6 });

/** What a row is once its floats are compacted: −0 is 0 in JSON. */
function recorded(value: SampleRow): unknown {
  return JSON.parse(
    JSON.stringify(value, (_k, v: unknown) =>
      typeof v === 'number' && !Number.isSafeInteger(v) ? compact(v) : v,
    ),
  );
}

function written(file: string, all: readonly SampleRow[]): Buffer {
  const writer = new SampleWriter(file);
  writer.append(all);
  writer.sync();
  writer.close();
  return readFileSync(file);
}

describe('compact', () => {
  it('keeps 8 significant digits, is idempotent, and gives null for what JSON cannot hold', () => {
    expect(compact(-1.23456789012)).toBe(-1.2345679);
    expect(compactAll(new Float32Array([0.1, Number.NaN, Number.NEGATIVE_INFINITY]))).toEqual([
      0.1,
      null,
      null,
    ]);
    fc.assert(
      fc.property(float, (x) => {
        const once = compact(x) as number;
        expect(compact(once)).toBe(once);
        if (Math.abs(x) > 1e-300)
          expect(Math.abs(once - x)).toBeLessThanOrEqual(5e-8 * Math.abs(x));
      }),
    );
  });
});

describe('samples.jsonl', () => {
  it('puts the CRC-32 of the row text as the last key', () => {
    const line = encodeRow({ kind: 'load', part: 0, loadMs: 1 / 3 });
    const text = '{"kind":"load","part":0,"loadMs":0.33333333}';
    const crc = crc32(text).toString(16).padStart(8, '0');
    expect(line).toBe(`${text.slice(0, -1)},"crc32":"${crc}"}\n`);
  });

  it('keeps integers exactly', () => {
    const bytes = 12_345_678_901_234;
    expect(encodeRow({ kind: 'memory', part: 0, peakRssBytes: bytes, weightBytes: 1 })).toContain(
      String(bytes),
    );
  });

  it('reads back what was written, whatever it was', () => {
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const file = path();
        const writer = new SampleWriter(file);
        writer.append(first);
        writer.append(second);
        expect(writer.rows).toBe(first.length + second.length);
        expect(writer.bytes).toBe(readFileSync(file).length);
        writer.close();
        expect(readSamples(file)).toEqual({
          rows: [...first, ...second].map(recorded),
          torn: null,
          corrupt: [],
        });
      }),
      { numRuns: 50 },
    );
  });

  it('gives exactly the whole lines of any truncation, and says how much is torn', () => {
    fc.assert(
      fc.property(rows, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
        const file = path();
        const bytes = written(file, all);
        const length = Math.floor(part * bytes.length);
        truncateSync(file, length);
        const whole = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
        const lines = bytes.subarray(0, whole).toString().split('\n').length - 1;
        const expected = {
          rows: all.slice(0, lines).map(recorded),
          torn: length > whole ? { bytes: length - whole } : null,
          corrupt: [],
        };
        expect(readSamples(file)).toEqual(expected);
        // A second writer starts where the whole lines end.
        const writer = new SampleWriter(file);
        expect(writer.bytes).toBe(whole);
        writer.close();
        expect(readSamples(file)).toEqual({ ...expected, torn: null });
      }),
      { numRuns: 100 },
    );
  });

  it('notices any single changed byte', () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, at, flip) => {
        const file = path();
        const bytes = written(file, all);
        const index = at % bytes.length;
        bytes[index] = bytes[index]! ^ flip;
        writeFileSync(file, bytes);
        const read = readSamples(file);
        expect(read.corrupt.length > 0 || read.torn !== null).toBe(true);
        const good = all.map((r) => JSON.stringify(recorded(r)));
        for (const r of read.rows) expect(good).toContain(JSON.stringify(r));
      }),
      { numRuns: 300 },
    );
  });

  it('names the line and the reason, or throws when asked to', () => {
    const file = path();
    const lines = written(file, [
      { kind: 'load', part: 0, loadMs: 1 },
      { kind: 'load', part: 1, loadMs: 2 },
    ]).toString();
    writeFileSync(file, `${lines.replace('"part":1', '"part":7')}\n{"kind":"load"}\n`);
    expect(readSamples(file).corrupt).toEqual([
      { line: 2, reason: expect.stringMatching(/^checksum [0-9a-f]{8}, the line says/) },
      { line: 3, reason: 'empty line' },
      { line: 4, reason: 'no checksum at the end of the line' },
    ]);
    expect(() => readSamples(file, { onCorrupt: 'throw' })).toThrow(`${file}, line 2: checksum`);
  });

  it('reports a row of a kind that it does not know, with a good checksum', () => {
    const file = path();
    writeFileSync(file, encodeRow({ kind: 'later' } as unknown as SampleRow));
    expect(readSamples(file).corrupt).toEqual([
      { line: 1, reason: expect.stringContaining('not a sample row: kind') },
    ]);
  });

  it('reads lines that cross the pieces in which it reads', () => {
    const file = path();
    const hit = '1'.repeat(700_000);
    const window = { kind: 'window', batch: 0, document: 0, scoreFrom: 1 } as const;
    const empty = { logp: [], topLogp: [], sumSquares: [] };
    const all = [0, 1, 2].map((i) => ({ ...window, window: i, hit, ...empty }));
    written(file, all);
    expect(readSamples(file).rows).toEqual(all);
  });

  it('refuses a row longer than the bound and writes nothing of its batch', () => {
    const file = path();
    const writer = new SampleWriter(file);
    const hit = '1'.repeat(MAX_LINE_BYTES);
    const window = { kind: 'window', batch: 0, document: 0, window: 0, scoreFrom: 1 } as const;
    expect(() =>
      writer.append([{ ...window, hit, logp: [], topLogp: [], sumSquares: [] }]),
    ).toThrow(/more than/);
    expect(writer.bytes).toBe(0);
    writer.close();
  });

  it('undoes a batch that was written in part', () => {
    const file = path();
    written(file, [{ kind: 'load', part: 0, loadMs: 1 }]);
    let allowed = 10;
    const writer = new SampleWriter(file, {
      write: (handle, bytes, at) => {
        const length = Math.min(allowed, bytes.length);
        allowed = Number.POSITIVE_INFINITY;
        return writeSync(handle, bytes, 0, length, at);
      },
    });
    expect(() => writer.append([{ kind: 'load', part: 1, loadMs: 2 }])).toThrow(/only 10 of/);
    expect(readSamples(file)).toMatchObject({ rows: [{ part: 0 }], torn: null });
    writer.append([{ kind: 'load', part: 2, loadMs: 3 }]);
    writer.close();
    expect(readSamples(file)).toMatchObject({ rows: [{ part: 0 }, { part: 2 }], corrupt: [] });
  });
});
