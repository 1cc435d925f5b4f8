/** The statistics in plain TypeScript: what WASM must equal bit for bit, and what runs without. */
import { decodeF32 } from '../dtype.ts';
import { addSquares, plainFp8Statistics } from './plain-fp8-statistics.ts';
import { COUNTS, newMemory, type StatisticsKernels } from './statistics-kernels.ts';

export function plainStatistics(): StatisticsKernels {
  const memory = newMemory();
  const bytes = (at: number, n: number) => new Uint8Array(memory.buffer, at, n);
  const words = (at: number, n: number) => new Uint32Array(memory.buffer, at, n);
  const codes = (at: number, n: number) => new Uint16Array(memory.buffer, at, n);
  const floats = (at: number, n: number) => new Float32Array(memory.buffer, at, n);
  const doubles = (at: number, n: number) => new Float64Array(memory.buffer, at, n);
  return {
    memory,
    countCodes(src, n) {
      const counts = words(COUNTS, 65_536);
      for (const code of codes(src, n)) counts[code]!++;
    },
    countExponents(src, n) {
      const counts = words(COUNTS, 1024);
      const bits = words(src, n);
      const whole = n & ~3;
      for (let i = 0; i < n; i++) {
        counts[((bits[i]! >>> 23) & 255) + (i < whole ? 256 * (i & 3) : 0)]!++;
      }
    },
    rowMagnitudes16(src, rows, cols, dst) {
      const all = codes(src, rows * cols);
      const out = codes(dst, rows);
      for (let row = 0; row < rows; row++) {
        let most = 0;
        for (let i = row * cols; i < (row + 1) * cols; i++) most = Math.max(most, all[i]! & 0x7fff);
        out[row] = most;
      }
    },
    rowMagnitudes32(src, rows, cols, dst) {
      const all = words(src, rows * cols);
      const out = words(dst, rows);
      for (let row = 0; row < rows; row++) {
        let most = 0;
        for (let i = row * cols; i < (row + 1) * cols; i++) {
          most = Math.max(most, all[i]! & 0x7fffffff);
        }
        out[row] = most;
      }
    },
    columnSquaresBf16(src, rows, cols, sums) {
      addSquares(decodeF32(bytes(src, 2 * rows * cols), 'BF16'), cols, doubles(sums, cols));
    },
    columnSquaresF16(src, rows, cols, sums) {
      addSquares(decodeF32(bytes(src, 2 * rows * cols), 'F16'), cols, doubles(sums, cols));
    },
    columnSquaresF32(src, rows, cols, sums) {
      addSquares(floats(src, rows * cols), cols, doubles(sums, cols));
    },
    ...plainFp8Statistics(memory),
    blockMoments(src, n, dst) {
      doubles(dst, 7).set(blockMoments(floats(src, n)));
    },
  };
}

function blockMoments(values: Float32Array): number[] {
  const n = values.length;
  const mean = n === 0 ? 0 : sumInFours(values, (x) => x) / n;
  const square = (x: number): number => (x - mean) * (x - mean);
  let zeros = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const x of values) {
    if (x === 0) zeros++;
    least = Math.min(least, x);
    most = Math.max(most, x);
  }
  return [
    mean,
    sumInFours(values, square),
    sumInFours(values, (x) => square(x) * (x - mean)),
    sumInFours(values, (x) => square(x) * square(x)),
    zeros,
    // −0 and 0 are one.
    least + 0,
    most + 0,
  ];
}

/** Every fourth value by itself, then (0 + 1) + (2 + 3), then what is left over of n. */
function sumInFours(values: Float32Array, of: (x: number) => number): number {
  const whole = values.length & ~3;
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < whole; i++) sums[i & 3]! += of(values[i]!);
  let sum = sums[0]! + sums[1]! + (sums[2]! + sums[3]!);
  for (let i = whole; i < values.length; i++) sum += of(values[i]!);
  return sum;
}
