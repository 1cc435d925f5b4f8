/**
 * Statistics of a tensor of E4M3FN codes with scales, without decoding it: of all codes under one
 * scale only how often each of the 256 comes has to be known. Values are those of decoding, to the
 * bit: code · scale, rounded to f32.
 */
import { E4M3_VALUES } from '../dtype.ts';
import { at, matrixShape, type RowSpan, readFp8Scales } from '../formats/decode.ts';
import type { Fp8Tensor } from '../formats/stored-tensor.ts';
import {
  AFTER_COUNTS,
  COUNTS,
  FP8_SCALE_UP,
  reach,
  type StatisticsKernels,
} from '../kernels/statistics-kernels.ts';
import type { LookedAt } from '../looked-at.ts';
import { addCounts, noCounts, sumCodes } from './code-sums.ts';
import { combine, type Moments, NO_MOMENTS } from './moments.ts';
import {
  addSquares,
  hasChannels,
  isOrdinary,
  MOST_ROWS,
  RowSizes,
  type TensorStatistics,
  tensorStatistics,
} from './tensor-statistics.ts';
import { histogramOf } from './value-sums.ts';

/** Codes that are held at once, unless a single row has more; rows are a power of two. */
const STRIP = 2 ** 19;
const STRIP_ROWS = 128;
const CODES = 256;
/** Of E4M3FN: positive codes lie below the negative ones, both by size. */
const NAN = 0x7f;
const NEGATIVE = 0x80;
/** Of scales between these, no value is subnormal or infinite, and none times FP8_SCALE_UP. */
const [LEAST_SCALE, MOST_SCALE] = [2 ** -100, 64];
/** f64 [4]. */
const SCRATCH = 16;

/** Columns that share scales, rows one behind the other. */
interface Block {
  readonly src: number;
  readonly rows: number;
  readonly width: number;
  /** First of the columns. */
  readonly left: number;
  /** First row of every line of scales, and the end. */
  readonly edges: readonly number[];
  readonly scales: Float32Array;
}

/** Uses its kernels alone until it is finished. */
export class Fp8Scan {
  readonly #tensor: Fp8Tensor;
  readonly #kernels: StatisticsKernels;
  readonly #rows: RowSizes;
  readonly #step: number;
  /** f64 [cols] in the memory of the kernels; null: no channels. */
  readonly #squares: number | null;
  /** Places: f64 [256], values of codes, f32 and u8 [STRIP_ROWS], a strip, a block of it. */
  readonly #exponents: number;
  readonly #table: number;
  readonly #scales: number;
  readonly #magnitudes: number;
  readonly #strip: number;
  readonly #block: number;
  /** Of this memory, which grows no more. */
  readonly #views: {
    readonly times: Uint32Array;
    readonly exponents: Float64Array;
    readonly moments: Float64Array;
    readonly magnitudes: Uint8Array;
  };
  readonly #counts = noCounts();
  #moments: Moments = NO_MOMENTS;

  constructor(tensor: Fp8Tensor, kernels: StatisticsKernels) {
    const { shape, cols } = tensor;
    this.#tensor = tensor;
    this.#kernels = kernels;
    this.#rows = new RowSizes(shape.length >= 2 && cols > 1);
    let step = STRIP_ROWS;
    while (step > 1 && step * cols > STRIP) step /= 2;
    this.#step = step;
    const counted = hasChannels(shape.length, cols);
    this.#squares = counted ? AFTER_COUNTS : null;
    this.#exponents = AFTER_COUNTS + (counted ? 8 * cols : 0);
    this.#table = this.#exponents + 8 * CODES;
    this.#scales = this.#table + 4 * CODES;
    this.#magnitudes = this.#scales + 4 * STRIP_ROWS;
    this.#strip = this.#magnitudes + STRIP_ROWS;
    this.#block = this.#strip + Math.ceil((step * cols) / 64) * 64;
    reach(kernels, this.#block + step * cols);
    this.#bytes(COUNTS, this.#table - COUNTS).fill(0);
    this.#floats(this.#table, CODES).set(E4M3_VALUES.map((x) => (Number.isNaN(x) ? 0 : x)));
    this.#views = {
      times: new Uint32Array(kernels.memory.buffer, COUNTS, CODES),
      exponents: this.#doubles(this.#exponents, CODES),
      moments: this.#doubles(SCRATCH, 4),
      magnitudes: this.#bytes(this.#magnitudes, STRIP_ROWS),
    };
  }

  /**
   * Bytes that were examined, strip after strip.
   * @throws FormatError for scales that are NaN, infinite, negative or zero
   */
  *strips({ readAt, readInto }: Pick<LookedAt, 'readAt' | 'readInto'>): Generator<number> {
    const { rows: total, cols } = matrixShape(this.#tensor);
    const { rows, codes } = this.#tensor;
    for (let from = 0; from < total; ) {
      // A strip ends where a matrix does.
      const within = from % rows;
      const to = from + Math.min(this.#step - (within % this.#step), rows - within);
      const bytes = this.#bytes(this.#strip, (to - from) * cols);
      readInto(at(codes, from * cols), bytes);
      this.#addStrip({ from, to }, readFp8Scales(this.#tensor, { from, to }, readAt));
      yield bytes.length;
      from = to;
    }
  }

  #bytes(place: number, count: number): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, place, count);
  }

  #floats(place: number, count: number): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, place, count);
  }

  #doubles(place: number, count: number): Float64Array {
    return new Float64Array(this.#kernels.memory.buffer, place, count);
  }

  /** `grid`: the scales of these rows. */
  #addStrip({ from, to }: RowSpan, grid: Float32Array): void {
    const { rows: perMatrix, cols, block } = this.#tensor;
    const rows = to - from;
    const across = Math.ceil(cols / block.cols);
    const edges = [0];
    for (let edge = block.rows - ((from % perMatrix) % block.rows); edge < rows; ) {
      edges.push(edge);
      edge += block.rows;
    }
    const scales = new Float32Array(edges.length);
    edges.push(rows);
    const sizes = new Float32Array(rows);
    for (let b = 0; b < across; b++) {
      const left = b * block.cols;
      const width = Math.min(block.cols, cols - left);
      for (let line = 0; line < scales.length; line++) scales[line] = grid[line * across + b]!;
      const src = this.#packed(rows, left, width);
      this.#addBlock({ src, rows, width, left, edges, scales }, sizes);
    }
    for (const size of sizes) this.#rows.add(size);
  }

  /** Where columns of the strip lie in rows one behind the other. */
  #packed(rows: number, left: number, width: number): number {
    const { cols } = this.#tensor;
    if (width === cols) return this.#strip;
    this.#kernels.packRows(this.#strip + left, rows, cols, width, this.#block);
    return this.#block;
  }

  /** `sizes`: the largest |x| of each row up to here; NaN stays. */
  #addBlock(block: Block, sizes: Float32Array): void {
    const { src, rows, width, edges, scales } = block;
    this.#kernels.rowMagnitudes8(src, rows, width, this.#magnitudes);
    const codes = this.#views.magnitudes;
    let largest = 0;
    for (let line = 0; line < scales.length; line++) {
      const scale = scales[line]!;
      const [top, bottom] = [edges[line]!, edges[line + 1]!];
      for (let row = top; row < bottom; row++) {
        const size = E4M3_VALUES[codes[row]!]! * scale;
        const before = sizes[row]!;
        if (!(size <= before) && !Number.isNaN(before)) sizes[row] = size;
        if (!(size <= largest) && !Number.isNaN(largest)) largest = size;
      }
      const count = (bottom - top) * width;
      this.#kernels.countBytes(src + top * width, count);
      if (scale >= LEAST_SCALE && scale < MOST_SCALE) this.#takeCounts(count, scale);
      else this.#takeAnyCounts(scale);
    }
    // Zeros add nothing.
    if (this.#squares !== null && largest !== 0) this.#addSquares(block, largest);
  }

  /** All values but NaN are finite, and zero where their code is. */
  #takeCounts(count: number, scale: number): void {
    const { times } = this.#views;
    const nan = times[NAN]! + times[NEGATIVE | NAN]!;
    times[NAN] = 0;
    times[NEGATIVE | NAN] = 0;
    const finite = count - nan;
    if (finite > 0) {
      this.#kernels.codeMoments(this.#table, scale, finite, SCRATCH);
      const [mean, m2, m3, m4] = this.#views.moments as unknown as Four;
      this.#moments = combine(this.#moments, { count: finite, mean, m2, m3, m4 });
      this.#kernels.codeExponents(this.#table, scale, this.#exponents);
    }
    const zeros = times[0]! + times[NEGATIVE]!;
    this.#views.exponents[0]! -= zeros;
    const counts = this.#counts;
    counts.nan += nan;
    counts.zeros += zeros;
    counts.max = Math.max(counts.max, Math.fround(scale * largestOf(times, 0)));
    counts.min = Math.min(counts.min, Math.fround(-scale * largestOf(times, NEGATIVE)));
  }

  /** Of scales that leave the range of f32. */
  #takeAnyCounts(scale: number): void {
    const counts = this.#views.times;
    const codes = [...counts.keys()].filter((code) => counts[code]! > 0);
    const values = Float32Array.from(codes, (code) => E4M3_VALUES[code]! * scale);
    const times = Float64Array.from(codes, (code) => counts[code]!);
    const came = { values, times, length: codes.length };
    const { moments, ...found } = sumCodes(came, this.#views.exponents);
    this.#moments = combine(this.#moments, moments);
    addCounts(this.#counts, found);
  }

  #addSquares({ src, rows, width, left, edges, scales }: Block, largest: number): void {
    const sums = this.#squares! + 8 * left;
    const factors = this.#floats(this.#scales, rows);
    const up = scales.every((scale) => scale < MOST_SCALE) ? FP8_SCALE_UP : 1;
    for (let line = 0; line < scales.length; line++) {
      factors.fill(scales[line]! * up, edges[line]!, edges[line + 1]!);
    }
    if (isOrdinary(largest) && up > 1) {
      for (let top = 0; top < rows; top += MOST_ROWS) {
        const count = Math.min(MOST_ROWS, rows - top);
        const [codes, raised] = [src + top * width, this.#scales + 4 * top];
        this.#kernels.columnSquaresFp8(codes, count, width, raised, sums);
      }
      return;
    }
    const values = Float32Array.from(
      this.#bytes(src, rows * width),
      (code, i) => E4M3_VALUES[code]! * (factors[Math.floor(i / width)]! / up),
    );
    addSquares(values, this.#doubles(sums, width));
  }

  finish(): TensorStatistics {
    const { rows, cols } = matrixShape(this.#tensor);
    const histogram = histogramOf(this.#views.exponents);
    return tensorStatistics({ moments: this.#moments, ...this.#counts, histogram }, this.#rows, {
      elements: rows * cols,
      squares: this.#squares === null ? null : this.#doubles(this.#squares, cols),
      rows,
    });
  }
}

type Four = readonly [number, number, number, number];

/**
 * The largest value of the codes that came, with its sign turned where `first` is 0x80; −Infinity
 * for none.
 */
function largestOf(times: Uint32Array, first: 0 | 0x80): number {
  for (let code = NAN - 1; code >= 0; code--) {
    if (times[first | code]! > 0) return E4M3_VALUES[code]!;
  }
  for (let code = 0; code < NAN; code++) {
    if (times[(first ^ NEGATIVE) | code]! > 0) return -E4M3_VALUES[code]!;
  }
  return Number.NEGATIVE_INFINITY;
}
