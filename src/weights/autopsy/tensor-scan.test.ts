import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeF32 } from '../dtype.ts';
import { encodeF32 } from '../encode.ts';
import { plainStatistics } from '../kernels/plain-statistics.ts';
import { wasmStatistics } from '../kernels/statistics-kernels.ts';
import { blockStatistics, combine, NO_MOMENTS } from './moments.ts';
import { TensorScan } from './tensor-scan.ts';
import type { ScannedDtype } from './value-sums.ts';

/** Integers, so that sums of powers are exact. */
function exactMoments(values: readonly number[]) {
  const n = BigInt(values.length);
  const sum = values.reduce((total, x) => total + BigInt(x), 0n);
  // n·x − sum is n·(x − mean), exactly.
  const of = (power: bigint) => {
    const total = values.reduce((all, x) => all + (n * BigInt(x) - sum) ** power, 0n);
    return Number(total) / Number(n ** power);
  };
  return { mean: Number(sum) / Number(n), m2: of(2n), m3: of(3n), m4: of(4n) };
}

const integers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 200 });

/** Seeded bits: a property's failure is then told by three small numbers. */
function noiseBits(count: number, seed: number): Int32Array {
  let state = seed | 1;
  return Int32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

/** Uniform in −4…4, a fifth of them zeros. */
function usualValues(count: number, seed: number): Float32Array {
  return Float32Array.from(noiseBits(count, seed), (bits) => (bits % 5 === 0 ? 0 : bits / 2 ** 29));
}

function bytesOf(bits: Int32Array, dtype: ScannedDtype): Uint8Array {
  const width = dtype === 'F32' ? 4 : 2;
  return new Uint8Array(bits.buffer).slice(0, bits.length * width);
}

describe('moments', () => {
  it('equal exact arithmetic, however the values are cut', () => {
    fc.assert(
      fc.property(
        integers,
        fc.nat(),
        fc.integer({ min: 0, max: 8_000_000 }),
        (list, cut, shift) => {
          const shifted = list.map((x) => x + shift);
          const values = Float32Array.from(shifted);
          const at = cut % values.length;
          const got = combine(
            combine(NO_MOMENTS, blockStatistics(values, 0, at)),
            blockStatistics(values, at, values.length),
          );
          const wanted = exactMoments(shifted);
          expect(got.count).toBe(values.length);
          expect(got.mean).toBeCloseTo(wanted.mean, 6);
          const size = values.reduce((all, x) => all + Math.abs(x - wanted.mean) ** 3, 0);
          expect(Math.abs(got.m2 - wanted.m2)).toBeLessThanOrEqual(1e-9 * wanted.m2);
          expect(Math.abs(got.m4 - wanted.m4)).toBeLessThanOrEqual(1e-9 * wanted.m4);
          expect(Math.abs(got.m3 - wanted.m3)).toBeLessThanOrEqual(1e-9 * size);
        },
      ),
    );
  });

  it('count NaN, infinities and zeros, and leave what is not finite out', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const values = Float32Array.of(nan, 1, -0, 0, inf, -inf, nan, 3);
    expect(blockStatistics(values, 0, values.length)).toMatchObject({
      ...{ count: 4, mean: 1, m2: 6, nan: 2, positiveInfinity: 1, negativeInfinity: 1 },
      ...{ zeros: 2, min: 0, max: 3 },
    });
  });

  it('keep the digits of 1000 ± 0.001, which sums of squares lose', () => {
    const values = Float32Array.from({ length: 100_000 }, (_, i) => 1000 + (i % 2 ? 1 : -1) / 1024);
    const scan = new TensorScan([values.length]);
    scan.add(values);
    const { mean, std, kurtosis } = scan.finish();
    expect(mean).toBe(1000);
    expect(std).toBe(1 / 1024);
    expect(kurtosis).toBe(1);
  });
});

describe('a scan', () => {
  it('keeps its bound where the mean drifts from block to block, and where it stays', () => {
    const level = fc.constantFrom(0, 1, -3, 1000, 250_000, -8_000_000);
    const levels = fc.array(level, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        levels,
        fc.integer(),
        fc.integer({ min: 1, max: 9000 }),
        (steps, seed, spread) => {
          const noise = noiseBits(steps.length * 4096 + 777, seed);
          const list = Array.from(noise, (bits, i) => (steps[i >> 12] ?? 0) + (bits % spread));
          const scan = new TensorScan([list.length]);
          scan.add(Float32Array.from(list));
          const { mean, std, kurtosis } = scan.finish();
          const wanted = exactMoments(list);
          const n = list.length;
          // Of m2 and m4; in std and kurtosis once more, with what the last operations round.
          const bound = 16 * (4096 + steps.length + 1) * 2 ** -53;
          expect(Math.abs(mean! - wanted.mean)).toBeLessThanOrEqual(bound * 8_009_000);
          if (wanted.m2 === 0) expect([std, kurtosis]).toEqual([0, null]);
          else {
            expect(Math.abs((std! ** 2 * n) / wanted.m2 - 1)).toBeLessThanOrEqual(2 * bound);
            const fourth = (wanted.m4 / wanted.m2) * (n / wanted.m2);
            expect(Math.abs(kurtosis! / fourth - 1)).toBeLessThanOrEqual(4 * bound);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  const float = fc.oneof(
    { weight: 8, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY) },
  );

  it('does not depend on how the values arrive', () => {
    const size = fc.record({
      rows: fc.integer({ min: 1, max: 9 }),
      cols: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(
        size,
        fc.infiniteStream(float),
        fc.infiniteStream(fc.nat(30)),
        (dims, xs, cuts) => {
          const values = Float32Array.from(
            { length: dims.rows * dims.cols },
            () => xs.next().value as number,
          );
          const whole = new TensorScan([dims.rows, dims.cols]);
          whole.add(values);
          const pieces = new TensorScan([dims.rows, dims.cols]);
          for (let at = 0; at < values.length; ) {
            const take = (cuts.next().value as number) + 1;
            pieces.add(values.subarray(at, at + take));
            at += take;
          }
          const { mean, std, kurtosis, outliers: _, ...counted } = whole.finish();
          expect(pieces.finish()).toMatchObject(counted);
          const again = pieces.finish();
          const close = (a: number | null, b: number | null) =>
            a === b ||
            Math.abs(a! - b!) <=
              1e-10 * Math.max(Math.abs(a!), Math.abs(b!), whole.finish().absmax!);
          expect(close(mean, again.mean) && close(std, again.std)).toBe(true);
          if (kurtosis !== null) expect(again.kurtosis).toBeCloseTo(kurtosis, 6);
        },
      ),
    );
  });

  it('finds the same channels however the values arrive, to what f32 sums of 64 rows leave', () => {
    // From 2⁻⁵⁰ on, or 0: smaller squares beside large ones are no numbers of f32.
    const usual = fc.oneof(fc.constant(0), fc.float({ min: 0.125, max: 1e9 }));
    fc.assert(
      fc.property(fc.infiniteStream(usual), fc.integer({ min: 1, max: 999 }), (xs, take) => {
        const values = Float32Array.from({ length: 90 * 17 }, () => xs.next().value as number);
        const whole = new TensorScan([90, 17]);
        whole.add(values);
        const pieces = new TensorScan([90, 17]);
        for (let at = 0; at < values.length; at += take) {
          pieces.add(values.subarray(at, at + take));
        }
        const [one, other] = [whole.finish().outliers, pieces.finish().outliers];
        for (const [i, { channel, ratio }] of one.entries()) {
          expect(other[i]?.channel).toBe(channel);
          expect(Math.abs(other[i]!.ratio / ratio - 1)).toBeLessThan(2 ** -18);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each<ScannedDtype>(['BF16', 'F16', 'F32'])(
    'of %s says the same in WASM and in plain TypeScript, and what its values say',
    (dtype) => {
      const size = fc.record({
        rows: fc.integer({ min: 1, max: 70 }),
        cols: fc.integer({ min: 1, max: 150 }),
        seed: fc.integer(),
        // What bits are kept: all (NaN, infinities, subnormals), or those of usual weights.
        wild: fc.boolean(),
      });
      fc.assert(
        fc.property(size, ({ rows, cols, seed, wild }) => {
          const count = rows * cols;
          const bytes = wild
            ? bytesOf(noiseBits(count, seed), dtype)
            : encodeF32(usualValues(count, seed), dtype);
          const decoded = decodeF32(bytes, dtype);
          const scans = [wasmStatistics()!, plainStatistics()].map((kernels) => {
            const scan = new TensorScan([rows, cols], dtype, kernels);
            scan.add(bytes);
            return scan.finish();
          });
          expect(scans[0]).toEqual(scans[1]);
          const inPlace = new TensorScan([rows, cols], dtype);
          inPlace.room().set(bytes);
          inPlace.addRoom(bytes.length);
          expect(inPlace.finish()).toEqual(scans[0]);
          const direct = blockStatistics(decoded, 0, decoded.length);
          const { nan, positiveInfinity, negativeInfinity, zeros, min, max } = direct;
          const finite = direct.count;
          expect(scans[0]).toMatchObject({ nan, positiveInfinity, negativeInfinity, zeros });
          expect([scans[0]!.min, scans[0]!.max]).toEqual(finite > 0 ? [min, max] : [null, null]);
          const { mean, std, kurtosis, histogram } = scans[0]!;
          if (finite === 0) return;
          const largest = Math.max(-min, max);
          expect(Math.abs(mean! - direct.mean)).toBeLessThanOrEqual(1e-12 * largest);
          const deviation = Math.sqrt(direct.m2 / finite);
          expect(Math.abs(std! - deviation)).toBeLessThanOrEqual(
            1e-10 * deviation + 1e-12 * largest,
          );
          if (direct.m2 > 0) {
            const fourth = (direct.m4 / direct.m2) * (finite / direct.m2);
            expect(kurtosis! / fourth).toBeCloseTo(1, 8);
          }
          const filed = histogram.counts.reduce((sum, n) => sum + n, 0);
          expect(filed).toBe(finite - zeros);
        }),
        { numRuns: 120 },
      );
    },
  );

  it('finds dead rows, bad rows, the largest row and outlier channels', () => {
    const [rows, cols] = [20, 32];
    const values = Float32Array.from({ length: rows * cols }, (_, i) => (i % 7) - 3 || 1);
    values.fill(0, 3 * cols, 4 * cols);
    values.fill(0, 9 * cols, 10 * cols);
    for (let row = 0; row < rows; row++) if (row !== 3 && row !== 9) values[row * cols + 5] = 90;
    values[11 * cols + 2] = -1000;
    values[13 * cols] = Number.NaN;
    const scan = new TensorScan([rows, cols]);
    scan.add(values);
    expect(scan.finish()).toMatchObject({
      ...{ elements: rows * cols, deadRows: 2, firstDeadRow: 3, firstBadRow: 13, nan: 1 },
      ...{ absmax: 1000, min: -1000, max: 90, absmaxRow: 11, zeros: 2 * cols },
    });
    expect(scan.finish().outliers.map(({ channel }) => channel)).toEqual([2, 5]);
  });

  it('counts binary exponents', () => {
    const scan = new TensorScan([6]);
    scan.add(Float32Array.of(0, 0.5, -0.75, 1, 3.9, 2 ** -140));
    const { firstExponent, counts } = scan.finish().histogram;
    expect(firstExponent).toBe(-127);
    expect(counts.reduce((a, b) => a + b)).toBe(5);
    expect(counts.slice(-3)).toEqual([2, 1, 1]);
  });

  it('of nothing has no numbers', () => {
    expect(new TensorScan([0, 8]).finish()).toMatchObject({
      ...{ elements: 0, mean: null, std: null, absmax: null, kurtosis: null, zeros: 0 },
    });
  });
});
