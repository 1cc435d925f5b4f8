/** The statistics of FP8 codes in plain TypeScript. */
import { E4M3_VALUES } from '../dtype.ts';
import { COUNTS, FP8_SCALE_UP, type StatisticsKernels } from './statistics-kernels.ts';
import type { WasmMemory } from './web-assembly.ts';

type Fp8Statistics = Pick<
  StatisticsKernels,
  | 'countBytes'
  | 'codeMoments'
  | 'codeExponents'
  | 'rowMagnitudes8'
  | 'columnSquaresFp8'
  | 'packRows'
>;

export function plainFp8Statistics(memory: WasmMemory): Fp8Statistics {
  const bytes = (at: number, n: number) => new Uint8Array(memory.buffer, at, n);
  const words = (at: number, n: number) => new Uint32Array(memory.buffer, at, n);
  const floats = (at: number, n: number) => new Float32Array(memory.buffer, at, n);
  const doubles = (at: number, n: number) => new Float64Array(memory.buffer, at, n);
  return {
    countBytes(src, n) {
      const counts = words(COUNTS, 1024).fill(0);
      for (const byte of bytes(src, n)) counts[byte]!++;
    },
    codeMoments(table, scale, n, dst) {
      const values = floats(table, 256).map((x) => x * scale);
      doubles(dst, 4).set(codeMoments(values, words(COUNTS, 256), n));
    },
    codeExponents(table, scale, dst) {
      const exponents = doubles(dst, 256);
      const counts = words(COUNTS, 256);
      const values = floats(table, 256).map((x) => x * scale);
      for (const [i, bits] of new Uint32Array(values.buffer).entries()) {
        exponents[(bits >>> 23) & 255]! += counts[i]!;
      }
    },
    rowMagnitudes8(src, rows, cols, dst) {
      const out = bytes(dst, rows);
      for (let row = 0; row < rows; row++) {
        out[row] = bytes(src + row * cols, cols).reduce((most, x) => Math.max(most, x & 127), 0);
      }
    },
    columnSquaresFp8(src, rows, cols, scales, sums) {
      const values = Float32Array.from(
        bytes(src, rows * cols),
        (code, i) =>
          (E4M3_VALUES[code]! / FP8_SCALE_UP) * floats(scales, rows)[Math.floor(i / cols)]!,
      );
      addSquares(values, cols, doubles(sums, cols));
    },
    packRows(src, rows, pitch, width, dst) {
      for (let row = 0; row < rows; row++) {
        bytes(dst + row * width, width).set(bytes(src + row * pitch, width));
      }
    },
  };
}

/** Adds the squares of each column, added up in f32 one after the other, to f64. */
export function addSquares(values: Float32Array, cols: number, sums: Float64Array): void {
  for (let col = 0; col < cols; col++) {
    let sum = 0;
    for (let i = col; i < values.length; i += cols) {
      sum = Math.fround(sum + Math.fround(values[i]! * values[i]!));
    }
    sums[col]! += sum;
  }
}

/** Even and odd codes by themselves, then both. */
function codeMoments(values: Float32Array, counts: Uint32Array, n: number): number[] {
  const sums = (of: (x: number, times: number) => number): number => {
    const pair = [0, 0];
    for (let i = 0; i < 256; i++) pair[i & 1]! += of(values[i]!, counts[i]!);
    return pair[0]! + pair[1]!;
  };
  const mean = n === 0 ? 0 : sums((x, times) => x * times) / n;
  const share = (x: number, times: number): number => (x - mean) * (x - mean) * times;
  return [
    mean,
    sums(share),
    sums((x, times) => share(x, times) * (x - mean)),
    sums((x, times) => share(x, times) * ((x - mean) * (x - mean))),
  ];
}
