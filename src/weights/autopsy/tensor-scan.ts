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
import {
  addSquares,
  hasChannels,
  isOrdinary,
  MOST_ROWS,
  RowSizes,
  type TensorStatistics,
  tensorStatistics,
} from './tensor-statistics.ts';
import { CodeCounts, type ScannedDtype, ValueSums } from './value-sums.ts';

/** Bytes that the kernels go over one after the other, while they are in the cache. */
const CHUNK = 2 ** 17;

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
  /** f64 [cols] in the memory of the kernels; null: no channels. */
  readonly #squares: number | null;
  /** Where magnitudes of rows, and the bytes themselves, are put. */
  readonly #magnitudes: number;
  readonly #src: number;
  #at = 0;
  #rowMax = 0;
  readonly #rows: RowSizes;

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
    this.#rows = new RowSizes(shape.length >= 2 && this.#cols > 1);
    const counted = hasChannels(shape.length, this.#cols);
    this.#squares = counted ? AFTER_COUNTS : null;
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
      const ordinary = finite && isOrdinary(largest);
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
    this.#rows.add(this.#rowMax);
    this.#rowMax = 0;
  }

  finish(): TensorStatistics {
    return tensorStatistics(this.#values.finish(), this.#rows, {
      elements: this.#at,
      squares: this.#squares === null ? null : this.#doubles(this.#squares, this.#cols),
      rows: this.#at / this.#cols,
    });
  }
}
