/** The statistics: WASM ≡ TypeScript, bit for bit, over ragged shapes and every kind of value. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { E4M3_VALUES } from '../dtype.ts';
import { plainStatistics } from './plain-statistics.ts';
import {
  AFTER_COUNTS,
  COUNTS,
  reach,
  type StatisticsKernels,
  wasmStatistics,
} from './statistics-kernels.ts';

const SUMS = AFTER_COUNTS;
const OUT = SUMS + 8 * 512;
const SRC = OUT + 8 * 512;
const END = SRC + 2 ** 18;

const kernels = [wasmStatistics()!, plainStatistics()];

/** Runs over the same bytes with each kind, and compares all that lies below them. */
function compare(bytes: Uint8Array, run: (of: StatisticsKernels) => void): Uint8Array {
  const [fast, slow] = kernels.map((of) => {
    reach(of, END);
    const all = new Uint8Array(of.memory.buffer);
    all.subarray(0, SRC).fill(0);
    // Sums that are there already are added to.
    new Float64Array(of.memory.buffer, SUMS, 512).fill(0.1);
    all.set(bytes, SRC);
    run(of);
    return all.slice(0, SRC);
  }) as [Uint8Array, Uint8Array];
  expect(fast.findIndex((byte, i) => byte !== slow[i])).toBe(-1);
  return fast;
}

/** Seeded bits of any kind. */
function anyBytes(count: number, seed: number, width: 2 | 4): Uint8Array {
  let state = seed | 1;
  const bytes = new Uint8Array(count * width + 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count * width; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    view.setInt32(i, state, true);
  }
  return bytes.subarray(0, count * width);
}

/** Exponents from −27 to 4 of F32 and BF16, all but the last of F16: squares stay in range. */
function usual(bytes: Uint8Array, width: 2 | 4, half: boolean): Uint8Array {
  const at = width - 1;
  return bytes.map((byte, i) => {
    if (half) return i % 2 === 1 ? byte & 0xbb : byte;
    return i % width === at ? (byte & 0x80) | 0x32 | (byte & 0x0f & 0x0d) : byte;
  });
}

const shape = {
  rows: fc.integer({ min: 1, max: 64 }),
  cols: fc.integer({ min: 1, max: 180 }),
  seed: fc.integer(),
};

describe('statistics', () => {
  it('of codes: how often each comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000 }), fc.integer(), (count, seed) => {
        const found = compare(anyBytes(count, seed, 2), (of) => of.countCodes(SRC, count));
        const counts = new Uint32Array(found.buffer, COUNTS, 65_536);
        expect(counts.reduce((sum, n) => sum + n, 0)).toBe(count);
      }),
      { numRuns: 60 },
    );
  });

  it('of exponents: how often two neighbours come, and whether a zero is among them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000 }), fc.integer(), (count, seed) => {
        const bytes = anyBytes(count, seed, 4);
        const least: number[] = [];
        compare(bytes, (of) => least.push(of.countExponents(SRC, count)));
        expect(least[0]).toBe(least[1]);
        const some = usual(bytes, 4, false);
        const found = compare(some, (of) => least.push(of.countExponents(SRC, count)));
        expect(least[2]).toBeGreaterThan(0);
        const pairs = new Uint32Array(found.buffer, COUNTS, 65_536);
        expect(pairs.reduce((sum, n) => sum + n, 0)).toBe(Math.ceil(count / 2));
      }),
      { numRuns: 60 },
    );
  });

  it('of rows: the largest bits without their sign', () => {
    fc.assert(
      fc.property(shape.rows, shape.cols, shape.seed, (rows, cols, seed) => {
        const count = rows * cols;
        compare(anyBytes(count, seed, 2), (of) => of.rowMagnitudes16(SRC, rows, cols, OUT));
        compare(anyBytes(count, seed, 4), (of) => of.rowMagnitudes32(SRC, rows, cols, OUT));
      }),
    );
  });

  it('of columns: sums of squares, and of 16 bits the codes with them', () => {
    fc.assert(
      fc.property(shape.rows, shape.cols, shape.seed, (rows, cols, seed) => {
        const count = rows * cols;
        const of16 = anyBytes(count, seed, 2);
        const before = (found: Uint8Array) => new Float64Array(found.buffer, SUMS, cols);
        const bf16 = compare(usual(of16, 2, false), (of) =>
          of.countSquaresBf16(SRC, rows, cols, SUMS),
        );
        const f16 = compare(usual(of16, 2, true), (of) =>
          of.countSquaresF16(SRC, rows, cols, SUMS),
        );
        const f32 = compare(usual(anyBytes(count, seed, 4), 4, false), (of) =>
          of.columnSquaresF32(SRC, rows, cols, SUMS),
        );
        for (const found of [bf16, f16]) {
          const counts = new Uint32Array(found.buffer, COUNTS, 65_536);
          expect(counts.reduce((sum, n) => sum + n, 0)).toBe(count);
        }
        for (const found of [bf16, f16, f32]) {
          expect(before(found).every((sum) => sum >= 0.1 && sum < 1e30)).toBe(true);
        }
      }),
    );
  });

  it('of bytes: how often each comes, and the moments of their values', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000 }), fc.integer(), (count, seed) => {
        const codes = anyBytes(count, seed, 2).subarray(0, count);
        const found = compare(codes, (of) => of.countBytes(SRC, count));
        const counts = new Uint32Array(found.buffer, COUNTS, 256);
        expect(counts.reduce((sum, n) => sum + n, 0)).toBe(count);
        compare(codes, (of) => {
          const values = new Float32Array(of.memory.buffer, OUT, 256);
          for (let code = 0; code < 256; code++) values[code] = (code - 100) / 3;
          of.countBytes(SRC, count);
          of.codeMoments(OUT, Math.fround(0.1), count, 16);
          of.codeExponents(OUT, Math.fround(0.1), OUT + 1024);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('of FP8: the largest codes of rows, and sums of squares with a scale a row', () => {
    fc.assert(
      fc.property(shape.rows, shape.cols, shape.seed, (rows, cols, seed) => {
        const count = rows * cols;
        const codes = anyBytes(count, seed, 2).subarray(0, count);
        compare(codes, (of) => of.rowMagnitudes8(SRC, rows, cols, OUT));
        // No exponent of 15, and with it no NaN.
        const numbers = codes.map((code) => code & 0xbf);
        const found = compare(numbers, (of) => {
          const scales = new Float32Array(of.memory.buffer, OUT, rows);
          for (let row = 0; row < rows; row++) scales[row] = 2 ** 120 / (3 + row);
          of.columnSquaresFp8(SRC, rows, cols, OUT, SUMS);
        });
        const sums = new Float64Array(found.buffer, SUMS, cols);
        const wanted = Array.from(sums, (_, col) => {
          let sum = 0.1;
          for (let row = 0; row < rows; row++) {
            sum += (E4M3_VALUES[numbers[row * cols + col]!]! / (3 + row)) ** 2;
          }
          return sum;
        });
        // 64 sums in f32, and the rounding of what is squared.
        for (const [i, sum] of sums.entries()) {
          expect(Math.abs(sum / wanted[i]! - 1)).toBeLessThan(67 * 2 ** -24);
        }
      }),
    );
  });

  it('of columns: rows are put one behind the other', () => {
    fc.assert(
      fc.property(shape.rows, shape.cols, fc.nat(40), shape.seed, (rows, width, more, seed) => {
        const pitch = width + more;
        const rest = SRC - OUT;
        const count = Math.min(rows, Math.floor(rest / width));
        const bytes = anyBytes(count * pitch, seed, 2).subarray(0, count * pitch);
        const found = compare(bytes, (of) => of.packRows(SRC, count, pitch, width, OUT));
        for (let row = 0; row < count; row++) {
          const wanted = bytes.subarray(row * pitch, row * pitch + width);
          const at = OUT + row * width;
          expect(Buffer.compare(found.subarray(at, at + width), wanted)).toBe(0);
        }
      }),
    );
  });

  it('of a block: its sums, extremes and zeros', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 70 }),
        fc.oneof(fc.constant(0), fc.float({ noNaN: true, noDefaultInfinity: true })),
        (list, center) => {
          const bytes = new Uint8Array(Float32Array.from(list).buffer);
          compare(bytes, (of) => of.blockSums(SRC, list.length, center, OUT));
          const zeros = kernels.map((of) => of.countZeros(SRC, list.length));
          expect(zeros).toEqual([0, 0].fill(list.filter((x) => x === 0).length));
        },
      ),
    );
  });
});
