/**
 * The one quantizer's codes → the bytes of a format. A band is some rows of a matrix; where a
 * format is transposed (GPTQ, AWQ) a band is a piece of every line of the tensor.
 */
import { encodeF32 } from '../encode.ts';
import { AWQ_NIBBLE } from '../formats/stored-tensor.ts';
import type { QuantizedMatrix } from '../quantizer.ts';
import type { TensorToLayOut } from '../safetensors-write.ts';
import type { PackedMatrix } from './output-format.ts';

/** Bytes for one place of an output tensor. */
export interface Piece {
  readonly tensor: string;
  /** Bytes from the start of the tensor. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface Band {
  readonly matrix: QuantizedMatrix;
  /** First row of the band in the whole matrix, a multiple of 128. */
  readonly from: number;
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** What a matrix becomes, in names, dtypes and shapes. */
export function outputTensors(packed: PackedMatrix): TensorToLayOut[] {
  const { module, rows, cols, scheme, scaleDtype, format } = packed;
  const groups = scheme.layout === 'group' ? cols / scheme.group! : 1;
  const per = 32 / scheme.bits;
  const tensor = (name: string, dtype: TensorToLayOut['dtype'], shape: number[]) => ({
    name: `${module}.${name}`,
    dtype,
    shape,
  });
  if (format === 'gptq' || format === 'awq') {
    const codes = format === 'gptq' ? [cols / per, rows] : [cols, rows / per];
    return [
      tensor('qweight', 'I32', codes),
      tensor('qzeros', 'I32', [groups, rows / per]),
      tensor('scales', 'F16', [groups, rows]),
      ...(format === 'gptq' ? [tensor('g_idx', 'I32', [cols])] : []),
    ];
  }
  if (scheme.family === 'fp8') {
    const grid = { block: [Math.ceil(rows / 128), Math.ceil(cols / 128)], tensor: [1] };
    const shape = grid[scheme.layout as keyof typeof grid] ?? [rows, 1];
    return [tensor('weight', 'F8_E4M3', [rows, cols]), tensor(fp8Scale(packed), scaleDtype, shape)];
  }
  if (scheme.layout === 'channel') {
    return [tensor('weight', 'I8', [rows, cols]), tensor('weight_scale', scaleDtype, [rows, 1])];
  }
  return [
    tensor('weight_packed', 'I32', [rows, Math.ceil(cols / per)]),
    tensor('weight_scale', scaleDtype, [rows, groups]),
    tensor('weight_shape', 'I64', [2]),
    ...(scheme.symmetric
      ? []
      : [tensor('weight_zero_point', 'I32', [Math.ceil(rows / per), groups])]),
  ];
}

/** Servers look for the scales of blocks under DeepSeek's name, for others under the usual one. */
function fp8Scale({ format, scheme }: PackedMatrix): string {
  return format === 'fp8' && scheme.layout === 'block' ? 'weight_scale_inv' : 'weight_scale';
}

/** The bytes of a band; tensors that are not rows (`weight_shape`, `g_idx`) come with the first. */
export function packBand(packed: PackedMatrix, band: Band): Piece[] {
  if (packed.format === 'gptq' || packed.format === 'awq') return packTransposed(packed, band);
  const { module, scheme, cols, scaleDtype } = packed;
  const { matrix, from } = band;
  const line = (name: string, perRow: number, bytes: Uint8Array): Piece => ({
    tensor: `${module}.${name}`,
    offset: from * perRow,
    bytes,
  });
  const scaleBytes = encodeF32(matrix.scales, scaleDtype);
  const width = scaleDtype === 'F32' ? 4 : 2;
  if (scheme.family === 'fp8') {
    const scales = { tensor: `${module}.${fp8Scale(packed)}`, bytes: scaleBytes };
    const codes = line('weight', cols, bytesOf(matrix.codes));
    if (scheme.layout === 'tensor') return from === 0 ? [codes, { ...scales, offset: 0 }] : [codes];
    const block = scheme.layout === 'block';
    const offset = block ? (from / 128) * Math.ceil(cols / 128) * width : from * width;
    return [codes, { ...scales, offset }];
  }
  const groups = cols / matrix.group;
  const scales = line('weight_scale', groups * width, scaleBytes);
  if (scheme.layout === 'channel') return [line('weight', cols, bytesOf(matrix.codes)), scales];
  const per = 32 / scheme.bits;
  const words = packLines(matrix.codes, { rows: matrix.rows, cols, bits: scheme.bits });
  const pieces = [line('weight_packed', 4 * Math.ceil(cols / per), bytesOf(words)), scales];
  if (matrix.zeroPoints !== null) {
    const zeros = packDown(matrix.zeroPoints, { rows: matrix.rows, cols: groups, bits: 4 });
    const offset = (from / per) * groups * 4;
    pieces.push({ tensor: `${module}.weight_zero_point`, offset, bytes: bytesOf(zeros) });
  }
  if (from === 0) {
    const shape = BigInt64Array.of(BigInt(packed.rows), BigInt(cols));
    pieces.push({ tensor: `${module}.weight_shape`, offset: 0, bytes: bytesOf(shape) });
  }
  return pieces;
}

interface Grid {
  readonly rows: number;
  readonly cols: number;
  readonly bits: number;
}

/** [rows, cols] signed → words along a row, unsigned; the last word of a row is filled with 0. */
function packLines(codes: ArrayLike<number>, { rows, cols, bits }: Grid): Int32Array {
  const per = 32 / bits;
  const half = 2 ** (bits - 1);
  const width = Math.ceil(cols / per);
  const words = new Int32Array(rows * width);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++, i++) {
      words[row * width + Math.floor(col / per)]! |= (codes[i]! + half) << (bits * (col % per));
    }
  }
  return words;
}

/** [rows, cols] signed → [⌈rows/per⌉, cols] words, each holding neighbours of a column. */
function packDown(codes: ArrayLike<number>, { rows, cols, bits }: Grid): Int32Array {
  const per = 32 / bits;
  const half = 2 ** (bits - 1);
  const words = new Int32Array(Math.ceil(rows / per) * cols);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++, i++) {
      words[Math.floor(row / per) * cols + col]! |= (codes[i]! + half) << (bits * (row % per));
    }
  }
  return words;
}

function packTransposed(packed: PackedMatrix, { matrix, from }: Band): Piece[] {
  const { module, format, cols, rows: allRows, scheme } = packed;
  const { rows, codes, scales, zeroPoints, group } = matrix;
  const { bits } = scheme;
  const per = 32 / bits;
  const half = 2 ** (bits - 1);
  const groups = cols / group;
  const awq = format === 'awq';
  const pieces: Piece[] = [];
  const put = (name: string, lines: { line: number; width: number }, bytes: Uint8Array): void => {
    const { line, width } = lines;
    const offset = (line * allRows + from) * width;
    pieces.push({ tensor: `${module}.${name}`, offset, bytes });
  };
  if (awq) {
    for (let col = 0; col < cols; col++) {
      const words = new Int32Array(rows / per);
      for (let row = 0; row < rows; row++) {
        words[row >> 3]! |= (codes[row * cols + col]! + half) << (4 * AWQ_NIBBLE[row & 7]!);
      }
      put('qweight', { line: col, width: 4 / per }, bytesOf(words));
    }
  } else {
    for (let k = 0; k < cols / per; k++) {
      const words = new Int32Array(rows);
      for (let row = 0; row < rows; row++) {
        for (let j = 0; j < per; j++) {
          words[row]! |= (codes[row * cols + per * k + j]! + half) << (bits * j);
        }
      }
      put('qweight', { line: k, width: 4 }, bytesOf(words));
    }
  }
  const less = awq || !scheme.symmetric ? 0 : 1;
  for (let g = 0; g < groups; g++) {
    const zeros = new Int32Array(rows / per);
    const column = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const zero = (zeroPoints === null ? 0 : zeroPoints[row * groups + g]!) + half - less;
      const place = row % per;
      zeros[Math.floor(row / per)]! |= zero << (bits * (awq ? AWQ_NIBBLE[place]! : place));
      column[row] = scales[row * groups + g]!;
    }
    put('qzeros', { line: g, width: 4 / per }, bytesOf(zeros));
    put('scales', { line: g, width: 2 }, encodeF32(column, 'F16'));
  }
  if (!awq && from === 0) {
    const index = Int32Array.from({ length: cols }, (_, i) => Math.floor(i / group));
    pieces.push({ tensor: `${module}.g_idx`, offset: 0, bytes: bytesOf(index) });
  }
  return pieces;
}
