/**
 * What an autopsy counts and adds up over the bytes of a tensor: in WASM with SIMD where the
 * machine has it, in plain TypeScript elsewhere (plain-statistics.ts), with the same bits.
 */
import { readFileSync } from 'node:fs';
import { type WasmMemory, wasm } from './web-assembly.ts';

/**
 * Where counts lie: u32 [65,536] of codes or of pairs of exponents, or u32 [256] of bytes. Scratch
 * lies below.
 */
export const COUNTS = 1024;
/** The first byte behind the counts. */
export const AFTER_COUNTS = COUNTS + 4 * 65_536;
/** What E4M3FN is too small by where its bits lie at those of an f32. */
export const FP8_SCALE_UP = 2 ** 120;

/** All places are byte offsets in `memory`. */
export interface StatisticsKernels {
  readonly memory: WasmMemory;
  /** Adds how often each code of 16 bits comes among `n`. */
  countCodes(src: number, n: number): void;
  /**
   * Adds how often the exponents of two neighbouring f32 come, the first one in the low byte; one
   * that is left over has 0 for its neighbour.
   * @returns 0 where a zero or a subnormal is among them
   */
  countExponents(src: number, n: number): number;
  /** u16 [rows]: the largest code of a row without its sign. */
  rowMagnitudes16(src: number, rows: number, cols: number, dst: number): void;
  /** u32 [rows]: the largest bits of a row without their sign. */
  rowMagnitudes32(src: number, rows: number, cols: number, dst: number): void;
  /**
   * countCodes, and adds the squares of each column to f64 [cols]; those of these rows are added up
   * in f32, one after the other.
   */
  countSquaresBf16(src: number, rows: number, cols: number, sums: number): void;
  countSquaresF16(src: number, rows: number, cols: number, sums: number): void;
  /** The squares alone. */
  columnSquaresF32(src: number, rows: number, cols: number, sums: number): void;
  /** How often each byte comes among `n`. */
  countBytes(src: number, n: number): void;
  /**
   * Of bytes that were counted, `n` of them, by values that are finite (f32 [256] times a scale,
   * rounded to f32): mean, Σ(x − mean)², ³, ⁴ as f64 [4].
   */
  codeMoments(table: number, scale: number, n: number, dst: number): void;
  /** Adds how often each exponent of an f32 comes among these values to f64 [256]. */
  codeExponents(table: number, scale: number, dst: number): void;
  /** u8 [rows]: the largest code without its sign; 127 where one is a NaN of E4M3FN. */
  rowMagnitudes8(src: number, rows: number, cols: number, dst: number): void;
  /**
   * As the others, of E4M3FN codes, none of them NaN, times a scale. `scales`: f32 [rows], each
   * times FP8_SCALE_UP.
   */
  columnSquaresFp8(src: number, rows: number, cols: number, scales: number, sums: number): void;
  /** Rows [rows, width] out of a matrix of `pitch` columns, one behind the other. */
  packRows(src: number, rows: number, pitch: number, width: number, dst: number): void;
  /** Of finite f32, d = x − center: Σd, Σd², Σd³, Σd⁴, least and largest x as f64 [6]. */
  blockSums(src: number, n: number, center: number, dst: number): void;
  /** How many f32 are zero. */
  countZeros(src: number, n: number): number;
}

let compiled: object | null | undefined;

/** @returns null where this machine has no SIMD for WASM */
export function wasmStatistics(): StatisticsKernels | null {
  if (compiled === undefined) {
    const bytes = readFileSync(new URL('./statistics.wasm', import.meta.url));
    compiled = wasm.validate(bytes) ? new wasm.Module(bytes) : null;
  }
  if (compiled === null) return null;
  const memory = newMemory();
  const { exports } = new wasm.Instance(compiled, { env: { memory } });
  return { ...(exports as Omit<StatisticsKernels, 'memory'>), memory };
}

const PAGE = 65_536;

export function newMemory(): WasmMemory {
  return new wasm.Memory({ initial: 16, maximum: 65_536 });
}

/** Views made before are void. */
export function reach({ memory }: Pick<StatisticsKernels, 'memory'>, end: number): void {
  const lacking = end - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE));
}
