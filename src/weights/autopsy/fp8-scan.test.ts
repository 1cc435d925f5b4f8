/** FP8 by its codes ≡ the scan of what they decode to, over every layout of scales. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import { decodeRows } from '../formats/decode.ts';
import type { Fp8Tensor, Part, ReadAt } from '../formats/stored-tensor.ts';
import { plainStatistics } from '../kernels/plain-statistics.ts';
import { wasmStatistics } from '../kernels/statistics-kernels.ts';
import { Fp8Scan } from './fp8-scan.ts';
import { TensorScan } from './tensor-scan.ts';
import type { TensorStatistics } from './tensor-statistics.ts';

interface Layout {
  readonly matrices: number;
  readonly rows: number;
  readonly cols: number;
  readonly blockRows: number;
  readonly blockCols: number;
  readonly seed: number;
  /** Codes of all kinds, NaN too; else those of usual weights, with rows of zeros. */
  readonly wild: boolean;
  /** Exponent around which scales lie. */
  readonly size: number;
}

function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function madeUp(layout: Layout) {
  const { matrices, rows, cols, blockRows, blockCols, seed, wild, size } = layout;
  const next = random(seed);
  const codes = Uint8Array.from({ length: matrices * rows * cols }, (_, i) => {
    if (wild) return next() & 255;
    return Math.floor(i / cols) % 5 === 3 ? (next() & 1) << 7 : (next() & 0xbf) | 0x10;
  });
  const grid = matrices * Math.ceil(rows / blockRows) * Math.ceil(cols / blockCols);
  const scales = Float32Array.from({ length: grid }, () => (1 + (next() % 997) / 997) * 2 ** size);
  const files = { codes, scales: new Uint8Array(scales.buffer) };
  const part = (name: keyof typeof files, dtype: Part['dtype']): Part => ({
    ...{ name, dtype, shape: [], bytes: files[name].length },
    location: { file: name, offset: 0 },
  });
  const tensor: Fp8Tensor = {
    ...{ kind: 'fp8', name: 'w', matrices, rows, cols },
    shape: matrices === 1 ? [rows, cols] : [matrices, rows, cols],
    block: { rows: blockRows, cols: blockCols },
    codes: part('codes', 'F8_E4M3'),
    scales: part('scales', 'F32'),
    extras: [],
  };
  const readAt: ReadAt = ({ file, offset }, length) =>
    files[file as keyof typeof files].slice(offset, offset + length);
  const readInto = (place: Parameters<ReadAt>[0], bytes: Uint8Array): void =>
    bytes.set(readAt(place, bytes.length));
  return { tensor, scales, reader: { readAt, readInto } };
}

function scans(layout: Layout): TensorStatistics[] {
  const { tensor, reader } = madeUp(layout);
  return [wasmStatistics()!, plainStatistics()].map((kernels) => {
    const scan = new Fp8Scan(tensor, kernels);
    const examined = [...scan.strips(reader)].reduce((sum, bytes) => sum + bytes, 0);
    expect(examined).toBe(tensor.codes.bytes);
    return scan.finish();
  });
}

function decoded(layout: Layout): TensorStatistics {
  const { tensor, reader } = madeUp(layout);
  const scan = new TensorScan(tensor.shape, 'F32', plainStatistics());
  const rows = tensor.matrices * tensor.rows;
  scan.add(decodeRows(tensor, { from: 0, to: rows }, reader.readAt));
  return scan.finish();
}

function expectSame(found: TensorStatistics, wanted: TensorStatistics): void {
  const { mean, std, kurtosis, outliers, ...counted } = found;
  expect(wanted).toMatchObject(counted);
  if (mean === null) return;
  const largest = found.absmax!;
  expect(Math.abs(mean - wanted.mean!)).toBeLessThanOrEqual(1e-12 * largest);
  expect(Math.abs(std! - wanted.std!)).toBeLessThanOrEqual(1e-10 * std! + 1e-12 * largest);
  if (kurtosis !== null) expect(kurtosis / wanted.kurtosis!).toBeCloseTo(1, 8);
  expect(outliers.length).toBe(wanted.outliers.length);
  for (const [i, { channel, ratio }] of outliers.entries()) {
    expect(channel).toBe(wanted.outliers[i]!.channel);
    // Other rows are added up in f32: MOST_ROWS.
    expect(Math.abs(ratio / wanted.outliers[i]!.ratio - 1)).toBeLessThan(2 ** -18);
  }
}

describe('a scan of FP8 codes', () => {
  it('says what a scan of the decoded values says, in WASM and in plain TypeScript', () => {
    const layouts = fc.record({
      matrices: fc.integer({ min: 1, max: 3 }),
      rows: fc.integer({ min: 1, max: 150 }),
      cols: fc.integer({ min: 1, max: 90 }),
      blockRows: fc.constantFrom(1, 3, 32, 128, 150),
      blockCols: fc.constantFrom(5, 16, 32, 90),
      seed: fc.integer(),
      wild: fc.boolean(),
      // Squares that leave f32 on both sides, and values that do.
      size: fc.constantFrom(-140, -70, -9, 0, 7, 60, 122),
    });
    fc.assert(
      fc.property(layouts, (layout) => {
        const [fast, slow] = scans(layout) as [TensorStatistics, TensorStatistics];
        expect(fast).toEqual(slow);
        expectSame(fast, decoded(layout));
      }),
      { numRuns: 150 },
    );
  });

  it('takes rows that are longer than a strip', () => {
    const one = { matrices: 1, seed: 7, wild: false, size: -9 };
    const layout = { ...one, rows: 3, cols: 2 ** 18 + 48, blockRows: 2, blockCols: 2 ** 14 };
    expectSame(scans(layout)[0]!, decoded(layout));
  });

  it('refuses a scale that is none', () => {
    const one = { matrices: 1, seed: 7, wild: false, size: 0 };
    const layout = { ...one, rows: 2, cols: 16, blockRows: 1, blockCols: 16 };
    const { tensor, scales, reader } = madeUp(layout);
    scales[1] = 0;
    const scan = new Fp8Scan(tensor, plainStatistics());
    expect(() => [...scan.strips(reader)]).toThrow(FormatError);
  });
});
