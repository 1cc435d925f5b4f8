/**
 * What is done with the bytes of a whole band of rows: WASM with SIMD where the machine has it,
 * plain TypeScript elsewhere and wherever WASM is checked. Both work in one memory, on byte
 * offsets, and give the same bytes.
 */
import { wasm } from './web-assembly.ts';

/** Plain values that kernels read and write; others are widened or rounded outside. */
export type KernelFloat = 'BF16' | 'F32';

interface Matrix {
  readonly src: number;
  readonly dst: number;
  readonly rows: number;
  readonly cols: number;
}

/** What shares a scale: blockRows × blockCols, smaller at the right and lower edge. */
interface Blocks {
  readonly blockRows: number;
  readonly blockCols: number;
}

export interface Fp8Decoding extends Matrix, Blocks {
  /** F32 [grid rows, ⌈cols/blockCols⌉], positive and finite. */
  readonly scales: number;
  /** Row of the first block in which the first row lies. */
  readonly phase: number;
  readonly to: KernelFloat;
  /** 48 bytes for each block of a row. */
  readonly scratch: number;
}

export interface Fp8Encoding extends Matrix, Blocks {
  /** F32 [⌈rows/blockRows⌉, ⌈cols/blockCols⌉], positive and finite. */
  readonly scales: number;
  readonly from: KernelFloat;
}

export interface AbsmaxJob extends Matrix, Blocks {
  readonly from: KernelFloat;
}

export interface RangesJob {
  readonly src: number;
  readonly dst: number;
  readonly groups: number;
  readonly group: number;
  readonly from: KernelFloat;
}

/**
 * Lines of integer codes, `stride` bytes apart: 4-bit codes plus 8, two a byte, or 8-bit codes with
 * the bits of `flip` turned (0x80: plus 128; 0: signed). `group` divides cols.
 */
export interface Lines {
  readonly rows: number;
  readonly cols: number;
  readonly group: number;
  readonly bits: 4 | 8;
  readonly stride: number;
  readonly flip: 0 | 0x80;
  /** F32 [rows, cols/group], positive and finite. */
  readonly scales: number;
  /** i8 [rows, cols/group], less half of the range like the codes; 0: none. */
  readonly zeros: number;
}

export interface IntDecoding extends Lines {
  readonly src: number;
  readonly dst: number;
  readonly to: KernelFloat;
  /** 32 bytes. */
  readonly scratch: number;
}

/** Act-order: `index` (i32 [cols]) names the group of each column. Values are F32. */
export interface OrderedIntDecoding extends Lines {
  readonly src: number;
  readonly dst: number;
  readonly index: number;
}

export interface IntEncoding extends Lines {
  readonly src: number;
  readonly dst: number;
  readonly from: KernelFloat;
}

export interface RoundingJob {
  readonly src: number;
  readonly dst: number;
  readonly count: number;
}

export interface WordsJob extends Matrix {
  /** Bytes from one line of `src` to the next. */
  readonly stride: number;
  /** Bytes from one line of `dst` to the next. */
  readonly pitch: number;
}

export interface Kernels {
  readonly memory: KernelMemory;
  /** E4M3FN codes [rows, cols] × scales, one f32 rounding each; NaN becomes the canonical one. */
  decodeFp8(job: Fp8Decoding): void;
  /** Finite values → E4M3FN codes. */
  encodeFp8(job: Fp8Encoding): void;
  /** Largest magnitude of each block, F32; NaN or infinity where one is. */
  absmax(job: AbsmaxJob): void;
  /** (min ≤ 0, max ≥ 0) of each group, F32 pairs; NaN or infinity where one is. */
  ranges(job: RangesJob): void;
  /** (code − zero) · scale, one f32 rounding each. */
  decodeInt(job: IntDecoding): void;
  decodeOrderedInt(job: OrderedIntDecoding): void;
  /** round(clamp(x/scale + zero)) as lines; bytes after the last code of a line are 0. */
  encodeInt(job: IntEncoding): void;
  /** F32 → BF16, to nearest, ties to even. */
  roundToBf16(job: RoundingJob): void;
  /** Words of 32 bits [rows, cols] → [cols, rows]. */
  transposeWords(job: WordsJob): void;
  /** AWQ [8 · rows, cols] → GPTQ [rows, 8 · cols]: nibble j of line k is input 8k + j. */
  awqToGptq(job: WordsJob): void;
  /** The inverse: GPTQ [rows, 8 · cols] → AWQ [8 · rows, cols]. */
  gptqToAwq(job: WordsJob): void;
}

const PAGE = 65_536;
/** The 4 GiB that offsets of 32 bits reach. */
const MOST_PAGES = 65_536;
/** A line of the cache: vectors that cross one cost half of the speed. */
const ALIGNMENT = 64;

/** Places in the memory of kernels, handed out from the bottom. */
export class KernelMemory {
  readonly memory = new wasm.Memory({ initial: 1, maximum: MOST_PAGES });
  /** Offset 0 means: none. */
  #top = ALIGNMENT;

  /** Forgets all places. */
  reset(): void {
    this.#top = ALIGNMENT;
  }

  /** @returns the offset of `length` bytes of any content; views made before are void */
  take(length: number): number {
    const at = this.#top;
    this.#top += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    const lacking = this.#top - this.memory.buffer.byteLength;
    if (lacking > 0) this.memory.grow(Math.ceil(lacking / PAGE));
    return at;
  }

  /** A place that holds these values. */
  put(values: Float32Array | Int8Array | Int32Array): number {
    const at = this.take(values.byteLength);
    this.bytes(at, values.byteLength).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    return at;
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }
}
