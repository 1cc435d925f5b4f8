/**
 * The kernels in plain TypeScript: what WASM must equal byte for byte, what runs where there is no
 * SIMD, and what verification computes a part of the bands with.
 */
import { E4M3_VALUES } from '../dtype.ts';
import { bf16Code, clampRound, f32Bits } from '../encode.ts';
import { AWQ_NIBBLE } from '../formats/stored-tensor.ts';
import { encodeSpan } from '../fp8-kernel.ts';
import { absmaxBits } from '../int-kernel.ts';
import {
  type AbsmaxJob,
  type Fp8Decoding,
  type Fp8Encoding,
  type IntDecoding,
  type IntEncoding,
  type KernelFloat,
  KernelMemory,
  type Kernels,
  type OrderedIntDecoding,
  type RangesJob,
  type RoundingJob,
  type WordsJob,
} from './kernels.ts';

export function plainKernels(memory = new KernelMemory()): Kernels {
  return {
    memory,
    decodeFp8: (job) => decodeFp8(memory, job),
    encodeFp8: (job) => encodeFp8(memory, job),
    absmax: (job) => absmax(memory, job),
    ranges: (job) => ranges(memory, job),
    decodeInt: (job) => decodeInt(memory, job),
    decodeOrderedInt: (job) => decodeOrderedInt(memory, job),
    encodeInt: (job) => encodeInt(memory, job),
    roundToBf16: (job) => roundToBf16(memory, job),
    transposeWords: (job) => transposeWords(memory, job),
    awqToGptq: (job) => awqToGptq(memory, job),
    gptqToAwq: (job) => gptqToAwq(memory, job),
  };
}

function rounded(value: number): number {
  return bf16Code(f32Bits(value));
}

/** BF16 codes or F32 values of a matrix, to be filled. */
function output(memory: KernelMemory, at: number, count: number, to: KernelFloat) {
  const { buffer } = memory.memory;
  return to === 'BF16' ? new Uint16Array(buffer, at, count) : new Float32Array(buffer, at, count);
}

/** Row by row as f32; a row is void when the next is asked for. */
function rowsOf(
  memory: KernelMemory,
  { src, cols, from }: { src: number; cols: number; from: KernelFloat },
): (row: number) => Float32Array {
  if (from === 'F32') return (row) => memory.floats(src + 4 * row * cols, cols);
  const codes = new Uint16Array(memory.memory.buffer, src);
  const values = new Float32Array(cols);
  const bits = new Int32Array(values.buffer);
  return (row) => {
    const start = row * cols;
    for (let i = 0; i < cols; i++) bits[i] = codes[start + i]! << 16;
    return values;
  };
}

/** A table is worth its making where a block has more codes than it has entries. */
const TABLE_FROM = 512;

function decodeFp8(memory: KernelMemory, job: Fp8Decoding): void {
  const { src, dst, rows, cols, scales, phase, blockRows, blockCols, to } = job;
  const across = Math.ceil(cols / blockCols);
  const codes = memory.bytes(src, rows * cols);
  const out = output(memory, dst, rows * cols, to);
  const grid = memory.floats(scales, Math.ceil((rows + phase) / blockRows) * across);
  const as = to === 'BF16' ? rounded : Number;
  const table = to === 'BF16' ? new Uint16Array(256) : new Float32Array(256);
  for (let top = 0; top < rows; ) {
    const line = Math.floor((top + phase) / blockRows);
    const bottom = Math.min((line + 1) * blockRows - phase, rows);
    for (let b = 0; b < across; b++) {
      const scale = grid[line * across + b]!;
      const left = b * blockCols;
      const right = Math.min(left + blockCols, cols);
      const large = (bottom - top) * (right - left) >= TABLE_FROM;
      if (large) for (let i = 0; i < 256; i++) table[i] = as(E4M3_VALUES[i]! * scale);
      for (let row = top; row < bottom; row++) {
        const end = row * cols + right;
        let i = row * cols + left;
        if (large) for (; i < end; i++) out[i] = table[codes[i]!]!;
        else for (; i < end; i++) out[i] = as(E4M3_VALUES[codes[i]!]! * scale);
      }
    }
    top = bottom;
  }
}

function encodeFp8(memory: KernelMemory, job: Fp8Encoding): void {
  const { dst, rows, cols, scales, blockRows, blockCols } = job;
  const across = Math.ceil(cols / blockCols);
  const grid = memory.floats(scales, Math.ceil(rows / blockRows) * across);
  const rowAt = rowsOf(memory, job);
  for (let row = 0; row < rows; row++) {
    const values = rowAt(row);
    const codes = memory.bytes(dst + row * cols, cols);
    for (let b = 0; b < across; b++) {
      const start = b * blockCols;
      const end = Math.min(start + blockCols, cols);
      const scale = grid[Math.floor(row / blockRows) * across + b]!;
      encodeSpan(values, codes, { start, end, scale });
    }
  }
}

function absmax(memory: KernelMemory, job: AbsmaxJob): void {
  const { dst, rows, cols, blockRows, blockCols } = job;
  const across = Math.ceil(cols / blockCols);
  const out = new Int32Array(memory.memory.buffer, dst, Math.ceil(rows / blockRows) * across);
  out.fill(0);
  const rowAt = rowsOf(memory, job);
  for (let row = 0; row < rows; row++) {
    const values = rowAt(row);
    const bits = new Int32Array(values.buffer, values.byteOffset, cols);
    for (let b = 0; b < across; b++) {
      const start = b * blockCols;
      const at = Math.floor(row / blockRows) * across + b;
      const largest = absmaxBits(bits, start, Math.min(start + blockCols, cols));
      out[at] = Math.max(out[at]!, largest);
    }
  }
}

function ranges(memory: KernelMemory, { src, dst, groups, group, from }: RangesJob): void {
  const out = memory.floats(dst, 2 * groups);
  const groupAt = rowsOf(memory, { src, cols: group, from });
  for (let g = 0; g < groups; g++) {
    let min = 0;
    let max = 0;
    for (const value of groupAt(g)) {
      if (value < min) min = value;
      if (value > max) max = value;
      if (Number.isNaN(value)) min = max = value;
    }
    out[2 * g] = min;
    out[2 * g + 1] = max;
  }
}

function decodeInt(memory: KernelMemory, job: IntDecoding): void {
  const { src, dst, rows, cols, group, bits, stride, flip, to } = job;
  const groups = cols / group;
  const codes = memory.bytes(src, rows * stride);
  const scales = memory.floats(job.scales, rows * groups);
  const zeros = zerosOf(memory, job);
  const out = output(memory, dst, rows * cols, to);
  const as = to === 'BF16' ? rounded : Number;
  // The values of all codes of a group: 16 are always worth it, 256 where the group has more.
  const half = 2 ** (bits - 1);
  const table = to === 'BF16' ? new Uint16Array(2 * half) : new Float32Array(2 * half);
  const turn = bits === 8 && flip === 0 ? half : 0;
  const large = group >= table.length;
  for (let row = 0, i = 0; row < rows; row++) {
    const line = row * stride;
    for (let g = 0; g < groups; g++) {
      const scale = scales[row * groups + g]!;
      const less = half + (zeros === null ? 0 : zeros[row * groups + g]!);
      // Unsigned code u stands for (u − half − zero) · scale.
      if (large) for (let u = 0; u < table.length; u++) table[u ^ turn] = as((u - less) * scale);
      const end = (g + 1) * group;
      for (let col = g * group; col < end; col++, i++) {
        const code =
          bits === 8 ? codes[line + col]! : (codes[line + (col >> 1)]! >> ((col & 1) << 2)) & 15;
        out[i] = large ? table[code]! : as(((code ^ turn) - less) * scale);
      }
    }
  }
}

function zerosOf(
  memory: KernelMemory,
  { zeros, rows, cols, group }: { zeros: number; rows: number; cols: number; group: number },
): Int8Array | null {
  return zeros === 0 ? null : new Int8Array(memory.memory.buffer, zeros, rows * (cols / group));
}

function decodeOrderedInt(memory: KernelMemory, job: OrderedIntDecoding): void {
  const { src, dst, rows, cols, group, bits, stride, flip } = job;
  const groups = cols / group;
  const codes = memory.bytes(src, rows * stride);
  const index = new Int32Array(memory.memory.buffer, job.index, cols);
  const scales = memory.floats(job.scales, rows * groups);
  const zeros = zerosOf(memory, job);
  const out = memory.floats(dst, rows * cols);
  const turn = bits === 8 && flip === 0 ? 0x80 : 0;
  for (let row = 0, i = 0; row < rows; row++) {
    const line = row * stride;
    for (let col = 0; col < cols; col++, i++) {
      const at = row * groups + index[col]!;
      const code =
        bits === 8 ? codes[line + col]! : (codes[line + (col >> 1)]! >> ((col & 1) << 2)) & 15;
      const zero = zeros === null ? 0 : zeros[at]!;
      out[i] = ((code ^ turn) - 2 ** (bits - 1) - zero) * scales[at]!;
    }
  }
}

function encodeInt(memory: KernelMemory, job: IntEncoding): void {
  const { dst, rows, cols, group, bits, stride, flip } = job;
  const groups = cols / group;
  const half = 2 ** (bits - 1);
  const scales = memory.floats(job.scales, rows * groups);
  const zeros = zerosOf(memory, job);
  const rowAt = rowsOf(memory, job);
  for (let row = 0; row < rows; row++) {
    const values = rowAt(row);
    const line = memory.bytes(dst + row * stride, stride);
    line.fill(0);
    for (let g = 0; g < groups; g++) {
      const scale = scales[row * groups + g]!;
      const zero = zeros === null ? 0 : zeros[row * groups + g]!;
      const end = (g + 1) * group;
      for (let col = g * group; col < end; col++) {
        const place = Math.fround(Math.fround(values[col]! / scale) + zero);
        const code = clampRound(place, half);
        if (bits === 8) line[col] = code ^ flip;
        else line[col >> 1]! |= (code + half) << ((col & 1) << 2);
      }
    }
  }
}

function roundToBf16(memory: KernelMemory, { src, dst, count }: RoundingJob): void {
  const bits = new Int32Array(memory.memory.buffer, src, count);
  const out = new Uint16Array(memory.memory.buffer, dst, count);
  for (let i = 0; i < count; i++) out[i] = bf16Code(bits[i]!);
}

function transposeWords(memory: KernelMemory, job: WordsJob): void {
  const { src, dst, rows, cols, stride, pitch } = job;
  const words = new Int32Array(memory.memory.buffer);
  const tile = 16;
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let col = 0; col < cols; col++) {
      const to = (dst + col * pitch) / 4;
      const from = src / 4 + col;
      for (let row = top; row < bottom; row++) {
        words[to + row] = words[from + (row * stride) / 4]!;
      }
    }
  }
}

function awqToGptq(memory: KernelMemory, job: WordsJob): void {
  const { src, dst, rows, cols, stride, pitch } = job;
  const words = new Int32Array(memory.memory.buffer);
  const out = new Int32Array(8);
  for (let row = 0; row < rows; row++) {
    for (let word = 0; word < cols; word++) {
      out.fill(0);
      for (let j = 0; j < 8; j++) {
        const all = words[(src + (8 * row + j) * stride) / 4 + word]!;
        for (let column = 0; column < 8; column++) {
          out[column]! |= ((all >>> (4 * AWQ_NIBBLE[column]!)) & 15) << (4 * j);
        }
      }
      words.set(out, (dst + row * pitch) / 4 + 8 * word);
    }
  }
}

function gptqToAwq(memory: KernelMemory, job: WordsJob): void {
  const { src, dst, rows, cols, stride, pitch } = job;
  const words = new Int32Array(memory.memory.buffer);
  for (let row = 0; row < rows; row++) {
    for (let word = 0; word < cols; word++) {
      const from = (src + row * stride) / 4 + 8 * word;
      for (let j = 0; j < 8; j++) {
        let all = 0;
        for (let column = 0; column < 8; column++) {
          all |= ((words[from + column]! >>> (4 * j)) & 15) << (4 * AWQ_NIBBLE[column]!);
        }
        words[(dst + (8 * row + j) * pitch) / 4 + word] = all;
      }
    }
  }
}
