/**
 * Moments, extremes and exponents of values, from what the kernels count and add up.
 *
 * Of 16 bits there are 65,536 codes: how often each comes is all that has to be known, and every
 * sum runs over the codes, exact but for rounding in f64. Of F32 the moments of blocks of at most
 * 4,096 values are combined (moments.ts).
 */
import { decodeF32 } from '../dtype.ts';
import { COUNTS, type StatisticsKernels } from '../kernels/statistics-kernels.ts';
import { addCounts, type Came, type CodeSums, noCounts, sumCodes } from './code-sums.ts';
import {
  BLOCK,
  blockStatistics,
  centralMoments,
  combine,
  type Moments,
  NO_MOMENTS,
} from './moments.ts';

export type ScannedDtype = 'BF16' | 'F16' | 'F32';

export interface ValueStatistics extends CodeSums {
  /** counts[i]: values with ⌊log2 |x|⌋ = firstExponent + i; zeros and non-finite ones in none. */
  readonly histogram: { readonly firstExponent: number; readonly counts: readonly number[] };
}

interface Chunk {
  readonly rows: number;
  readonly cols: number;
  /** No NaN and no infinity is among them. */
  readonly finite: boolean;
  /** f64 [cols] to which the squares of the columns are added; null: they are not. */
  readonly sums: number | null;
}

const CODES = 65_536;
/** Counts of 32 bits are taken over before they can overflow. */
const MOST_PENDING = 2 ** 31;

/** The value of every code, by dtype. */
const tables = new Map<ScannedDtype, Float32Array>();

function tableOf(dtype: ScannedDtype): Float32Array {
  const known = tables.get(dtype);
  if (known !== undefined) return known;
  const codes = Uint16Array.from({ length: CODES }, (_, code) => code);
  const table = decodeF32(new Uint8Array(codes.buffer), dtype);
  tables.set(dtype, table);
  return table;
}

/** Of BF16 and F16. */
export class CodeCounts {
  readonly #kernels: StatisticsKernels;
  readonly #dtype: 'BF16' | 'F16';
  readonly #table: Float32Array;
  #taken: Float64Array | null = null;
  #pending = 0;

  /** The counts of the kernels are zero. */
  constructor(kernels: StatisticsKernels, dtype: 'BF16' | 'F16') {
    this.#kernels = kernels;
    this.#dtype = dtype;
    this.#table = tableOf(dtype);
  }

  add(src: number, { rows, cols, sums }: Chunk): void {
    const values = rows * cols;
    if (this.#pending + values > MOST_PENDING) this.#take();
    this.#pending += values;
    if (sums === null) this.#kernels.countCodes(src, values);
    else if (this.#dtype === 'BF16') this.#kernels.countSquaresBf16(src, rows, cols, sums);
    else this.#kernels.countSquaresF16(src, rows, cols, sums);
  }

  #take(): Float64Array {
    const counts = new Uint32Array(this.#kernels.memory.buffer, COUNTS, CODES);
    const taken = this.#taken ?? new Float64Array(CODES);
    this.#taken = taken;
    for (let code = 0; code < CODES; code++) taken[code]! += counts[code]!;
    counts.fill(0);
    this.#pending = 0;
    return taken;
  }

  /** Codes that came at all, with their values and how often: few of a trained tensor. */
  #came(): Came {
    const counts =
      this.#taken === null
        ? new Uint32Array(this.#kernels.memory.buffer, COUNTS, CODES)
        : this.#take();
    const values = new Float32Array(CODES);
    const times = new Float64Array(CODES);
    let length = 0;
    for (let code = 0; code < CODES; code++) {
      if (counts[code] === 0) continue;
      values[length] = this.#table[code]!;
      times[length++] = counts[code]!;
    }
    return { values, times, length };
  }

  finish(): ValueStatistics {
    const exponents = new Float64Array(256);
    const sums = sumCodes(this.#came(), exponents);
    return { ...sums, histogram: histogramOf(exponents) };
  }
}

/** Of F32, and of what is decoded to it. */
export class ValueSums {
  readonly #kernels: StatisticsKernels;
  readonly #exponents = new Float64Array(256);
  #pending = 0;
  /** Values without a neighbour, which was counted as 0. */
  #padded = 0;
  /** Near the mean of the next block, as it mostly is: the mean of the last one. */
  #center = 0;
  #moments: Moments = NO_MOMENTS;
  readonly #counts = noCounts();

  /** The counts of the kernels are zero. */
  constructor(kernels: StatisticsKernels) {
    this.#kernels = kernels;
  }

  add(src: number, { rows, cols, finite, sums }: Chunk): void {
    const values = rows * cols;
    if (this.#pending + values > MOST_PENDING) this.#take();
    const least = this.#kernels.countExponents(src, values);
    this.#pending += values;
    this.#padded += values & 1;
    const { buffer } = this.#kernels.memory;
    if (finite && least === 0) this.#counts.zeros += this.#kernels.countZeros(src, values);
    for (let from = 0; from < values; from += BLOCK) {
      const n = Math.min(BLOCK, values - from);
      if (finite) this.#addFinite(src + 4 * from, n);
      else this.#addAny(new Float32Array(buffer, src + 4 * from, n));
    }
    if (sums !== null) this.#kernels.columnSquaresF32(src, rows, cols, sums);
  }

  #addFinite(src: number, n: number): void {
    let sums = this.#sums(src, n, this.#center);
    let found = centralMoments(n, this.#center, sums);
    if (found === null) {
      const center = this.#center + sums[0] / n;
      sums = this.#sums(src, n, center);
      const [, m2, m3, m4] = sums;
      found = centralMoments(n, center, sums) ?? { count: n, mean: center, m2, m3, m4 };
    }
    this.#center = found.mean;
    this.#moments = combine(this.#moments, found);
    const counts = this.#counts;
    counts.min = Math.min(counts.min, sums[4]);
    counts.max = Math.max(counts.max, sums[5]);
  }

  #sums(src: number, n: number, center: number): Six {
    this.#kernels.blockSums(src, n, center, SCRATCH);
    return [...new Float64Array(this.#kernels.memory.buffer, SCRATCH, 6)] as unknown as Six;
  }

  #addAny(block: Float32Array): void {
    const found = blockStatistics(block, 0, block.length);
    this.#moments = combine(this.#moments, found);
    addCounts(this.#counts, found);
  }

  #take(): void {
    const counts = new Uint32Array(this.#kernels.memory.buffer, COUNTS, CODES);
    const exponents = this.#exponents;
    for (let pair = 0; pair < CODES; pair++) {
      const times = counts[pair]!;
      if (times === 0) continue;
      exponents[pair & 255]! += times;
      exponents[pair >>> 8]! += times;
    }
    exponents[0]! -= this.#padded;
    counts.fill(0);
    this.#pending = 0;
    this.#padded = 0;
  }

  finish(): ValueStatistics {
    this.#take();
    // Subnormals (below 2⁻¹²⁶) are counted together at −127: their code is that of zero.
    const exponents = this.#exponents.slice();
    exponents[0]! -= this.#counts.zeros;
    const histogram = histogramOf(exponents);
    return { moments: this.#moments, ...this.#counts, histogram };
  }
}

type Six = readonly [number, number, number, number, number, number];
const SCRATCH = 16;
const EXPONENT_BIAS = 127;

/** Of exponents as an f32 codes them; the last code is that of what is not finite. */
export function histogramOf(exponents: Float64Array): ValueStatistics['histogram'] {
  const counts = exponents.subarray(0, 255);
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return { firstExponent: 0, counts: [] };
  const last = counts.findLastIndex((count) => count > 0);
  return {
    firstExponent: first - EXPONENT_BIAS,
    counts: [...counts.subarray(first, last + 1)],
  };
}
