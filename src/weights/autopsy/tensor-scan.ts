/** Statistics of one tensor, from its values in order; memory grows with its columns only. */
import { BLOCK, blockStatistics, combine, type Moments, NO_MOMENTS } from './moments.ts';

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
const EXPONENT_BIAS = 127;

export class TensorScan {
  readonly #cols: number;
  readonly #isMatrix: boolean;
  readonly #squares: Float64Array | null;
  readonly #exponents = new Float64Array(256);
  #moments: Moments = NO_MOMENTS;
  #nan = 0;
  #positiveInfinity = 0;
  #negativeInfinity = 0;
  #zeros = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #at = 0;
  #rowMax = 0;
  #deadRows = 0;
  #firstDeadRow: number | null = null;
  #firstBadRow: number | null = null;
  #largest = -1;
  #absmaxRow: number | null = null;

  /** @param shape [.., rows, cols]; leading dimensions (experts) are rows counted through */
  constructor(shape: readonly number[]) {
    this.#cols = Math.max(shape.at(-1) ?? 1, 1);
    this.#isMatrix = shape.length >= 2 && this.#cols > 1;
    const counted = this.#cols >= LEAST_CHANNELS && this.#cols <= MOST_CHANNELS;
    this.#squares = this.#isMatrix && counted ? new Float64Array(this.#cols) : null;
  }

  /** The next values in row-major order; any number of them. */
  add(values: Float32Array): void {
    for (let from = 0; from < values.length; from += BLOCK) {
      const block = blockStatistics(values, from, Math.min(from + BLOCK, values.length));
      this.#moments = combine(this.#moments, block);
      this.#nan += block.nan;
      this.#positiveInfinity += block.positiveInfinity;
      this.#negativeInfinity += block.negativeInfinity;
      this.#zeros += block.zeros;
      this.#min = Math.min(this.#min, block.min);
      this.#max = Math.max(this.#max, block.max);
    }
    countExponents(values, this.#exponents);
    for (let from = 0; from < values.length; ) {
      const col = this.#at % this.#cols;
      const take = Math.min(this.#cols - col, values.length - from);
      this.#addToRow(values.subarray(from, from + take), col);
      from += take;
      this.#at += take;
      if (this.#at % this.#cols === 0) this.#endRow();
    }
  }

  #addToRow(values: Float32Array, col: number): void {
    // NaN stays: a row with a bad value is not dead.
    if (!Number.isNaN(this.#rowMax)) this.#rowMax = Math.max(this.#rowMax, largestSize(values));
    if (this.#squares !== null) addSquares(values, this.#squares.subarray(col));
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
    const { count, mean, m2, m4 } = this.#moments;
    const some = count > 0;
    return {
      elements: this.#at,
      mean: some ? mean : null,
      std: some ? Math.sqrt(m2 / count) : null,
      min: some ? this.#min : null,
      max: some ? this.#max : null,
      absmax: some ? Math.max(-this.#min, this.#max) : null,
      kurtosis: m2 > 0 ? (m4 / m2) * (count / m2) : null,
      nan: this.#nan,
      positiveInfinity: this.#positiveInfinity,
      negativeInfinity: this.#negativeInfinity,
      zeros: this.#zeros,
      deadRows: this.#deadRows,
      firstDeadRow: this.#firstDeadRow,
      firstBadRow: this.#firstBadRow,
      absmaxRow: this.#absmaxRow,
      outliers: this.#squares === null ? [] : outliersOf(this.#squares, this.#at / this.#cols),
      histogram: histogramOf(this.#exponents, this.#zeros),
    };
  }
}

/** Largest |x|; NaN if any value is NaN or infinite. */
function largestSize(values: Float32Array): number {
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    const size = Math.abs(x);
    // 0 for a finite x, NaN for any other, and NaN stays.
    sum += x - x;
    if (size > largest) largest = size;
  }
  return sum === 0 ? largest : Number.NaN;
}

function addSquares(values: Float32Array, sums: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x - x === 0) sums[i] = sums[i]! + x * x;
  }
}

/** The exponent bits of an f32 are ⌊log2 |x|⌋ + 127 for every normal number. */
function countExponents(values: Float32Array, counts: Float64Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  // Neighbours mostly fall into one bin: four tables, so that no count waits for the one before.
  const tables = Array.from({ length: 4 }, () => new Int32Array(256));
  const [first, second, third, fourth] = tables as [Int32Array, Int32Array, Int32Array, Int32Array];
  const whole = bits.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    first[(bits[i]! >>> 23) & 255]!++;
    second[(bits[i + 1]! >>> 23) & 255]!++;
    third[(bits[i + 2]! >>> 23) & 255]!++;
    fourth[(bits[i + 3]! >>> 23) & 255]!++;
  }
  for (let i = whole; i < bits.length; i++) first[(bits[i]! >>> 23) & 255]!++;
  for (const table of tables) {
    for (let i = 0; i < 256; i++) counts[i]! += table[i]!;
  }
}

/** Subnormals (below 2⁻¹²⁶) are counted together at −127: their code is that of zero. */
function histogramOf(all: Float64Array, zeros: number): TensorStatistics['histogram'] {
  const counts = all.slice(0, 255);
  counts[0]! -= zeros;
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return { firstExponent: 0, counts: [] };
  const last = counts.findLastIndex((count) => count > 0);
  return {
    firstExponent: first - EXPONENT_BIAS,
    counts: [...counts.subarray(first, last + 1)],
  };
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
