/** What an autopsy says of one tensor, from sums over its values, rows and columns. */
import type { ValueStatistics } from './value-sums.ts';

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
/** Rows whose squares are added up in f32: rounding then adds 2⁻¹⁸ of a sum at most. */
export const MOST_ROWS = 64;
/** Squares of such values, and 64 of them, stay in the range of f32. */
const LEAST_SIZE = 2 ** -50;
const MOST_SIZE = 2 ** 60;

/** Whether the squares of columns are added up. */
export function hasChannels(rank: number, cols: number): boolean {
  return rank >= 2 && cols >= LEAST_CHANNELS && cols <= MOST_CHANNELS;
}

/** `largest` of some values: whether their squares may be added up in f32. */
export function isOrdinary(largest: number): boolean {
  return largest >= LEAST_SIZE && largest < MOST_SIZE;
}

/** Squares of what is finite, whatever its size, added to f64 [cols]. */
export function addSquares(values: Float32Array, sums: Float64Array): void {
  const cols = sums.length;
  for (let i = 0, col = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x - x === 0) sums[col] = sums[col]! + x * x;
    if (++col === cols) col = 0;
  }
}

/** Which rows are dead, bad, or the largest, from their sizes one after the other. */
export class RowSizes {
  readonly #isMatrix: boolean;
  #rows = 0;
  #dead = 0;
  #firstDead: number | null = null;
  #firstBad: number | null = null;
  #largest = -1;
  #largestRow: number | null = null;

  constructor(isMatrix: boolean) {
    this.#isMatrix = isMatrix;
  }

  /** @param size the largest |x| of the row; NaN or infinity where one is */
  add(size: number): void {
    const row = this.#rows++;
    if (size === 0 && this.#isMatrix) {
      this.#dead++;
      this.#firstDead ??= row;
    }
    if (!(size < Number.POSITIVE_INFINITY)) this.#firstBad ??= row;
    else if (size > this.#largest) {
      this.#largest = size;
      this.#largestRow = row;
    }
  }

  finish(): Pick<TensorStatistics, 'deadRows' | 'firstDeadRow' | 'firstBadRow' | 'absmaxRow'> {
    const [deadRows, firstDeadRow] = [this.#dead, this.#firstDead];
    return { deadRows, firstDeadRow, firstBadRow: this.#firstBad, absmaxRow: this.#largestRow };
  }
}

/** `squares` of `rows` rows by column; null: no channels. */
export function tensorStatistics(
  { moments, histogram, ...counts }: ValueStatistics,
  sizes: RowSizes,
  { elements, squares, rows }: { elements: number; squares: Float64Array | null; rows: number },
): TensorStatistics {
  const { count, mean, m2, m4 } = moments;
  const { min, max, nan, positiveInfinity, negativeInfinity, zeros } = counts;
  const some = count > 0;
  return {
    elements,
    mean: some ? mean : null,
    std: some ? Math.sqrt(m2 / count) : null,
    min: some ? min : null,
    max: some ? max : null,
    absmax: some ? Math.max(-min, max) : null,
    kurtosis: m2 > 0 ? (m4 / m2) * (count / m2) : null,
    ...{ nan, positiveInfinity, negativeInfinity, zeros },
    ...sizes.finish(),
    outliers: squares === null ? [] : outliersOf(squares, rows),
    histogram,
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
