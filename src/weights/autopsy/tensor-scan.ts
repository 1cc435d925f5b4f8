/** Statistics of one tensor, from its bytes in order; memory grows with its columns only. */
import { DTYPE_BYTES, decodeF32 } from '../dtype.ts';
import { plainStatistics } from '../kernels/plain-statistics.ts';
import {
  AFTER_COUNTS,
  COUNTS,
  reach,
  type StatisticsKernels,
  wasmStatistics,
} from '../kernels/statistics-kernels.ts';
import { CodeCounts, type ScannedDtype, ValueSums } from './value-sums.ts';

export interface OutlierChannel {
  /** Index along the last dimension: an input feature of a linear layer. */
  readonly channel: number;
  /** Root mean square of the channel / the median of all channels. */
  readonly ratio: number;
}

export interface TensorStatistics {
  readonly elements: number;
  /** Of the finite values; null where there is none. */
  readonly mean: number | null;
  /** Population: √(Σ(x − mean)² / n). */
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly absmax: number | null;
  /** n·Σ(x − mean)⁴ / (Σ(x − mean)²)²: 3 for a normal distribution; null for a constant. */
  readonly kurtosis: number | null;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zeros: number;
  /** Rows that hold nothing but zeros; 0 for what is not a matrix. */
  readonly deadRows: number;
  readonly firstDeadRow: number | null;
  /** Row of the first NaN or infinity. */
  readonly firstBadRow: number | null;
  /** The row with the largest absolute value. */
  readonly absmaxRow: number | null;
  /** Channels of at least OUTLIER_RATIO, largest first, at most eight. */
  readonly outliers: readonly OutlierChannel[];
  /** counts[i]: values with ⌊log2 |x|⌋ = firstExponent + i; zeros and non-finite ones in none. */
  readonly histogram: { readonly firstExponent: number; readonly counts: readonly number[] };
}

/** Where a channel is called an outlier: 8 times the median RMS of the tensor's channels. */
export const OUTLIER_RATIO = 8;
const SHOWN_OUTLIERS = 8;
/** A median of fewer channels says little. */
const LEAST_CHANNELS = 16;
/** 8 MiB of sums: wider "matrices" are tables in disguise, and get no channels. */
const MOST_CHANNELS = 2 ** 20;
/** Bytes that the kernels go over one after the other, while they are in the cache. */
const CHUNK = 2 ** 17;
/** Rows whose squares are added up in f32: rounding then adds 2⁻¹⁸ of a sum at most. */
const MOST_ROWS = 64;
/** Squares of such values, and 64 of them, stay in the range of f32. */
const LEAST_SIZE = 2 ** -50;
const MOST_SIZE = 2 ** 60;

/** For one scan after the other: WASM where there is SIMD. */
export function statisticsKernels(): StatisticsKernels {
  return wasmStatistics() ?? plainStatistics();
}

/** Uses its kernels alone until it is finished. */
export class TensorScan {
  readonly #kernels: StatisticsKernels;
  readonly #dtype: ScannedDtype;
  readonly #values: CodeCounts | ValueSums;
  readonly #cols: number;
  readonly #isMatrix: boolean;
  /** f64 [cols] in the memory of the kernels; null: no channels. */
  readonly #squares: number | null;
  /** Where magnitudes of rows, and the bytes themselves, are put. */
  readonly #magnitudes: number;
  readonly #src: number;
  #at = 0;
  #rowMax = 0;
  #deadRows = 0;
  #firstDeadRow: number | null = null;
  #firstBadRow: number | null = null;
  #largest = -1;
  #absmaxRow: number | null = null;

  /**
   * @param shape [.., rows, cols]; leading dimensions (experts) are rows counted through
   * @param dtype of the bytes that are handed over
   */
  constructor(
    shape: readonly number[],
    dtype: ScannedDtype = 'F32',
    kernels: StatisticsKernels = statisticsKernels(),
  ) {
    this.#kernels = kernels;
    this.#dtype = dtype;
    this.#cols = Math.max(shape.at(-1) ?? 1, 1);
    this.#isMatrix = shape.length >= 2 && this.#cols > 1;
    const counted = this.#cols >= LEAST_CHANNELS && this.#cols <= MOST_CHANNELS;
    this.#squares = this.#isMatrix && counted ? AFTER_COUNTS : null;
    this.#magnitudes = AFTER_COUNTS + (counted ? 8 * this.#cols : 0);
    this.#src = this.#magnitudes + CHUNK;
    reach(kernels, this.#src + CHUNK);
    new Uint8Array(kernels.memory.buffer, COUNTS, this.#magnitudes - COUNTS).fill(0);
    this.#values = dtype === 'F32' ? new ValueSums(kernels) : new CodeCounts(kernels, dtype);
  }

  /** The next values in row-major order, little-endian; any number of them. */
  add({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): void {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const width = DTYPE_BYTES[this.#dtype];
    const values = bytes.length / width;
    const most = CHUNK / width;
    for (let from = 0; from < values; ) {
      const col = this.#at % this.#cols;
      const whole = Math.min(Math.floor(Math.min(most, values - from) / this.#cols), MOST_ROWS);
      const rows = col === 0 && whole > 0 ? whole : 1;
      const take = rows > 1 ? this.#cols : Math.min(this.#cols - col, values - from, most);
      const end = from + rows * take;
      this.#addChunk(bytes.subarray(from * width, end * width), { rows, col, cols: take });
      from = end;
    }
  }

  #addChunk(bytes: Uint8Array, at: { rows: number; col: number; cols: number }): void {
    const { rows, col, cols } = at;
    new Uint8Array(this.#kernels.memory.buffer, this.#src, bytes.length).set(bytes);
    const sizes = this.#rowSizes(rows, cols);
    const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
    const finite = sizes.every((size) => size < Number.POSITIVE_INFINITY);
    this.#values.add(this.#src, { values: rows * cols, finite });
    // Zeros add nothing.
    if (this.#squares !== null && !(finite && largest === 0)) {
      const ordinary = finite && largest >= LEAST_SIZE && largest < MOST_SIZE;
      const sums = this.#squares + 8 * col;
      if (ordinary) this.#fastSquares(rows, cols, sums);
      else addSquares(decodeF32(bytes, this.#dtype), this.#doubles(sums, cols));
    }
    for (const size of sizes) {
      // NaN stays: a row with a bad value is not dead.
      if (!(size < Number.POSITIVE_INFINITY)) this.#rowMax = Number.NaN;
      else if (size > this.#rowMax) this.#rowMax = size;
      this.#at += cols;
      if (this.#at % this.#cols === 0) this.#endRow();
    }
  }

  #doubles(at: number, count: number): Float64Array {
    return new Float64Array(this.#kernels.memory.buffer, at, count);
  }

  /** Largest |x| of each row; NaN or infinity where one is. */
  #rowSizes(rows: number, cols: number): Float32Array {
    const { memory } = this.#kernels;
    const [src, dst] = [this.#src, this.#magnitudes];
    if (this.#dtype === 'F32') {
      this.#kernels.rowMagnitudes32(src, rows, cols, dst);
      return new Float32Array(memory.buffer.slice(dst, dst + 4 * rows));
    }
    this.#kernels.rowMagnitudes16(src, rows, cols, dst);
    return decodeF32(new Uint8Array(memory.buffer, dst, 2 * rows), this.#dtype);
  }

  #fastSquares(rows: number, cols: number, sums: number): void {
    const run = {
      BF16: this.#kernels.columnSquaresBf16,
      F16: this.#kernels.columnSquaresF16,
      F32: this.#kernels.columnSquaresF32,
    }[this.#dtype];
    run(this.#src, rows, cols, sums);
  }

  #endRow(): void {
    const row = this.#at / this.#cols - 1;
    if (this.#rowMax === 0 && this.#isMatrix) {
      this.#deadRows++;
      this.#firstDeadRow ??= row;
    }
    if (Number.isNaN(this.#rowMax)) this.#firstBadRow ??= row;
    else if (this.#rowMax > this.#largest) {
      this.#largest = this.#rowMax;
      this.#absmaxRow = row;
    }
    this.#rowMax = 0;
  }

  finish(): TensorStatistics {
    const { moments, histogram, ...counts } = this.#values.finish();
    const { count, mean, m2, m4 } = moments;
    const { min, max, nan, positiveInfinity, negativeInfinity, zeros } = counts;
    const some = count > 0;
    const rows = this.#at / this.#cols;
    return {
      elements: this.#at,
      mean: some ? mean : null,
      std: some ? Math.sqrt(m2 / count) : null,
      min: some ? min : null,
      max: some ? max : null,
      absmax: some ? Math.max(-min, max) : null,
      kurtosis: m2 > 0 ? (m4 / m2) * (count / m2) : null,
      ...{ nan, positiveInfinity, negativeInfinity, zeros },
      deadRows: this.#deadRows,
      firstDeadRow: this.#firstDeadRow,
      firstBadRow: this.#firstBadRow,
      absmaxRow: this.#absmaxRow,
      outliers:
        this.#squares === null ? [] : outliersOf(this.#doubles(this.#squares, this.#cols), rows),
      histogram,
    };
  }
}

/** What the kernels leave out: values that are not finite, and those whose squares leave f32. */
function addSquares(values: Float32Array, sums: Float64Array): void {
  const cols = sums.length;
  for (let i = 0, col = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x - x === 0) sums[col] = sums[col]! + x * x;
    if (++col === cols) col = 0;
  }
}

function outliersOf(squares: Float64Array, rows: number): OutlierChannel[] {
  const rms = squares.map((sum) => Math.sqrt(sum / rows));
  const median = rms.toSorted()[rms.length >> 1]!;
  if (!(median > 0)) return [];
  return [...rms]
    .map((value, channel) => ({ channel, ratio: value / median }))
    .filter(({ ratio }) => ratio >= OUTLIER_RATIO)
    .sort((a, b) => b.ratio - a.ratio || a.channel - b.channel)
    .slice(0, SHOWN_OUTLIERS);
}
