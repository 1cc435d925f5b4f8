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

/** Bytes that are handed over at once. */
const ROOM = 2 ** 18;

/** A line of the cache: vectors that cross one cost more. */
const LINE = 64;

interface Chunk {
  readonly rows: number;
  /** The column with which the rows begin, and how many they have of it on. */
  readonly col: number;
  readonly cols: number;
  readonly bytes: number;
}

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
    this.#src = Math.ceil((this.#magnitudes + 4 * MOST_ROWS) / LINE) * LINE;
    reach(kernels, this.#src + ROOM);
    new Uint8Array(kernels.memory.buffer, COUNTS, this.#magnitudes - COUNTS).fill(0);
    this.#values = dtype === 'F32' ? new ValueSums(kernels) : new CodeCounts(kernels, dtype);
  }

  /** The next values in row-major order, little-endian; any number of them. */
  add({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): void {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const room = this.room();
    for (let from = 0; from < bytes.length; ) {
      const length = this.#next(bytes.length - from).bytes;
      room.set(bytes.subarray(from, from + length));
      this.addRoom(length);
      from += length;
    }
  }

  /** Where the next bytes may be put, instead of copying them. */
  room(): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, this.#src, ROOM);
  }

  /** As `add`, of the first bytes of the room. */
  addRoom(length: number): void {
    for (let from = 0; from < length; ) {
      const chunk = this.#next(length - from);
      this.#addChunk(this.#src + from, chunk);
      from += chunk.bytes;
    }
  }

  /** What is gone over at once: whole rows, or a piece of one. */
  #next(length: number): Chunk {
    const width = DTYPE_BYTES[this.#dtype];
    const values = Math.min(length, CHUNK) / width;
    const col = this.#at % this.#cols;
    const whole = Math.min(Math.floor(values / this.#cols), MOST_ROWS);
    const rows = col === 0 && whole > 0 ? whole : 1;
    const cols = rows > 1 ? this.#cols : Math.min(this.#cols - col, values);
    return { rows, col, cols, bytes: rows * cols * width };
  }

  #addChunk(src: number, { rows, col, cols, bytes }: Chunk): void {
    const sizes = this.#rowSizes(src, rows, cols);
    const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
    const finite = sizes.every((size) => size < Number.POSITIVE_INFINITY);
    const ordinary = finite && isOrdinary(largest);
    const squares = this.#squares === null ? null : this.#squares + 8 * col;
    this.#values.add(src, { rows, cols, finite, sums: ordinary ? squares : null });
    // Zeros add nothing.
    if (squares !== null && !ordinary && !(finite && largest === 0)) {
      const stored = new Uint8Array(this.#kernels.memory.buffer, src, bytes);
      addSquares(decodeF32(stored, this.#dtype), this.#doubles(squares, cols));
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
  #rowSizes(src: number, rows: number, cols: number): Float32Array {
    const { memory } = this.#kernels;
    const dst = this.#magnitudes;
    if (this.#dtype === 'F32') {
      this.#kernels.rowMagnitudes32(src, rows, cols, dst);
      return new Float32Array(memory.buffer.slice(dst, dst + 4 * rows));
    }
    this.#kernels.rowMagnitudes16(src, rows, cols, dst);
    return decodeF32(new Uint8Array(memory.buffer, dst, 2 * rows), this.#dtype);
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
