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
  const countCodes = (src: number, n: number): void => {
    const counts = words(COUNTS, 65_536);
    for (const code of codes(src, n)) counts[code]!++;
  };
  return {
    memory,
    countCodes,
    countExponents(src, n) {
      const counts = words(COUNTS, 65_536);
      const exponents = words(src, n).map((bits) => (bits >>> 23) & 255);
      for (let i = 0; i < n; i += 2) counts[exponents[i]! | ((exponents[i + 1] ?? 0) << 8)]!++;
      return 4 * exponents.reduce((least, exponent) => Math.min(least, exponent), 255);
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
    countSquaresBf16(src, rows, cols, sums) {
      countCodes(src, rows * cols);
      addSquares(decodeF32(bytes(src, 2 * rows * cols), 'BF16'), cols, doubles(sums, cols));
    },
    countSquaresF16(src, rows, cols, sums) {
      countCodes(src, rows * cols);
      addSquares(decodeF32(bytes(src, 2 * rows * cols), 'F16'), cols, doubles(sums, cols));
    },
    columnSquaresF32(src, rows, cols, sums) {
      addSquares(floats(src, rows * cols), cols, doubles(sums, cols));
    },
    ...plainFp8Statistics(memory),
    blockSums(src, n, center, dst) {
      doubles(dst, 6).set(blockSums(floats(src, n), center));
    },
    countZeros: (src, n) => floats(src, n).reduce((zeros, x) => (x === 0 ? zeros + 1 : zeros), 0),
  };
}

function blockSums(values: Float32Array, center: number): number[] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const x of values) {
    least = Math.min(least, x);
    most = Math.max(most, x);
  }
  return [
    sumInFours(values, (x) => x - center),
    sumInFours(values, (x) => (x - center) * (x - center)),
    sumInFours(values, (x) => (x - center) * (x - center) * (x - center)),
    sumInFours(values, (x) => (x - center) * (x - center) * ((x - center) * (x - center))),
    // −0 and 0 are one.
    least + 0,
    most + 0,
  ];
}

/** Of four, 0 and 2, and 1 and 3, each to what came before; then both, then what is left over. */
function sumInFours(values: Float32Array, of: (x: number) => number): number {
  const whole = values.length & ~3;
  const sums = [0, 0];
  for (let i = 0; i < whole; i += 4) {
    sums[0]! += of(values[i]!) + of(values[i + 2]!);
    sums[1]! += of(values[i + 1]!) + of(values[i + 3]!);
  }
  let sum = sums[0]! + sums[1]!;
  for (let i = whole; i < values.length; i++) sum += of(values[i]!);
  return sum;
}
