/**
 * Codes, scales and zero points → the bytes of a format. Codes come as lines in the memory of
 * kernels; where a format is transposed (GPTQ, AWQ), a band is a piece of every line of the tensor.
 */
import { encodeF32 } from '../encode.ts';
import type { RowSpan } from '../formats/decode.ts';
import { AWQ_NIBBLE } from '../formats/stored-tensor.ts';
import type { TensorToLayOut } from '../safetensors-write.ts';
import type { BandContext } from './convert-band.ts';
import type { PackedMatrix } from './output-format.ts';

/** Bytes for one place of an output tensor. */
export interface Piece {
  readonly tensor: string;
  /** Bytes from the start of the tensor. */
  readonly offset: number;
  readonly bytes: Uint8Array;
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

/** Turns the lines of strips into pieces of the output. */
export interface Packer {
  /** Bytes from one line to the next. */
  readonly stride: number;
  readonly flip: 0 | 0x80;
  /** Room for the lines of a strip, for whoever has none. */
  readonly dst: number;
  /** Takes the lines at an offset. */
  accept(strip: RowSpan, lines: number): readonly Piece[];
  /** What could not be given before the whole band was there. */
  finish(): readonly Piece[];
}

interface Reach {
  readonly span: RowSpan;
  /** Rows of the largest strip. */
  readonly most: number;
}

export function openPacker(packed: PackedMatrix, reach: Reach, context: BandContext): Packer {
  const { format, scheme, cols, module } = packed;
  const { memory } = context.kernels;
  if (format === 'gptq' || format === 'awq') return transposing(packed, reach, context);
  const bytes = scheme.family === 'fp8' || scheme.layout === 'channel';
  const stride = bytes ? cols : 4 * Math.ceil((cols * scheme.bits) / 32);
  const tensor = `${module}.${bytes ? 'weight' : 'weight_packed'}`;
  return {
    stride,
    flip: bytes || scheme.bits === 4 ? 0 : 0x80,
    dst: memory.take(stride * reach.most),
    accept({ from, to }, lines) {
      return [{ tensor, offset: from * stride, bytes: memory.bytes(lines, stride * (to - from)) }];
    },
    finish: () => [],
  };
}

/** Lines of inputs, as wide as the band has outputs, are gathered and given at its end. */
function transposing(
  packed: PackedMatrix,
  { span, most }: Reach,
  { kernels }: BandContext,
): Packer {
  const { format, scheme, cols, rows, module } = packed;
  const { memory } = kernels;
  const awq = format === 'awq';
  const words = (cols * scheme.bits) / 32;
  const lines = awq ? cols : words;
  const perOutput = awq ? 4 / 8 : 4;
  const width = perOutput * (span.to - span.from);
  const stride = 4 * words;
  const dst = memory.take(stride * most);
  const turned = awq ? memory.take(stride * most) : 0;
  const tile = memory.take(width * lines);
  return {
    stride,
    flip: scheme.bits === 4 ? 0 : 0x80,
    dst,
    accept(strip, src) {
      const count = strip.to - strip.from;
      const to = tile + perOutput * (strip.from - span.from);
      const turn = { src, rows: count, cols: words, stride };
      if (!awq) kernels.transposeWords({ ...turn, dst: to, pitch: width });
      else {
        const pitch = 4 * count;
        kernels.transposeWords({ ...turn, dst: turned, pitch });
        const wide = { rows: words, cols: count / 8, stride: pitch, pitch: width };
        kernels.gptqToAwq({ src: turned, dst: to, ...wide });
      }
      return [];
    },
    finish() {
      const tensor = `${module}.qweight`;
      const all = perOutput * rows;
      if (width === all) return [{ tensor, offset: 0, bytes: memory.bytes(tile, width * lines) }];
      return Array.from({ length: lines }, (_, line) => ({
        tensor,
        offset: line * all + perOutput * span.from,
        bytes: memory.bytes(tile + line * width, width),
      }));
    },
  };
}

/** What the codes of some rows are multiplied with. */
export interface PackedGrid {
  readonly span: RowSpan;
  /** [rows, groups], one a row, one a block, or one for all. */
  readonly scales: Float32Array;
  readonly zeroPoints: Int8Array | null;
}

/** All but the codes; tensors that are not rows (`weight_shape`, `g_idx`) come with the first. */
export function gridPieces(packed: PackedMatrix, grid: PackedGrid): Piece[] {
  if (packed.format === 'gptq' || packed.format === 'awq') return transposedGrid(packed, grid);
  const { module, scheme, cols, scaleDtype } = packed;
  const { scales, zeroPoints, span } = grid;
  const { from } = span;
  const bytes = encodeF32(scales, scaleDtype);
  const perRow = (scales.length / (span.to - span.from)) * (scaleDtype === 'F32' ? 4 : 2);
  if (scheme.family === 'fp8') {
    const tensor = `${module}.${fp8Scale(packed)}`;
    if (scheme.layout === 'tensor') return from === 0 ? [{ tensor, offset: 0, bytes }] : [];
    const line = Math.ceil(cols / 128) * 4;
    const offset = scheme.layout === 'block' ? (from / 128) * line : from * perRow;
    return [{ tensor, offset, bytes }];
  }
  const pieces = [{ tensor: `${module}.weight_scale`, offset: from * perRow, bytes }];
  if (scheme.layout === 'channel') return pieces;
  if (zeroPoints !== null) {
    const groups = cols / scheme.group!;
    const zeros = packDown(zeroPoints, { rows: span.to - span.from, cols: groups, bits: 4 });
    const offset = (from / 8) * groups * 4;
    pieces.push({ tensor: `${module}.weight_zero_point`, offset, bytes: bytesOf(zeros) });
  }
  if (from === 0) {
    const shape = BigInt64Array.of(BigInt(packed.rows), BigInt(cols));
    pieces.push({ tensor: `${module}.weight_shape`, offset: 0, bytes: bytesOf(shape) });
  }
  return pieces;
}

interface Words {
  readonly rows: number;
  readonly cols: number;
  readonly bits: number;
}

/** [rows, cols] signed → [⌈rows/per⌉, cols] words, each holding neighbours of a column. */
function packDown(codes: ArrayLike<number>, { rows, cols, bits }: Words): Int32Array {
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

function transposedGrid(packed: PackedMatrix, { scales, zeroPoints, span }: PackedGrid): Piece[] {
  const { module, format, cols, rows: allRows, scheme } = packed;
  const { from } = span;
  const rows = span.to - span.from;
  const { bits } = scheme;
  const per = 32 / bits;
  const groups = scales.length / rows;
  const awq = format === 'awq';
  // v1, of symmetric codes, stores a zero point less one.
  const stored = 2 ** (bits - 1) - (awq || !scheme.symmetric ? 0 : 1);
  const pieces: Piece[] = [];
  for (let g = 0; g < groups; g++) {
    const zeros = new Int32Array(rows / per);
    const column = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const zero = (zeroPoints === null ? 0 : zeroPoints[row * groups + g]!) + stored;
      const place = row % per;
      zeros[Math.floor(row / per)]! |= zero << (bits * (awq ? AWQ_NIBBLE[place]! : place));
      column[row] = scales[row * groups + g]!;
    }
    const offset = g * allRows + from;
    const bytes = bytesOf(zeros);
    pieces.push({ tensor: `${module}.qzeros`, offset: (offset * 4) / per, bytes });
    const line = { offset: offset * 2, bytes: encodeF32(column, 'F16') };
    pieces.push({ tensor: `${module}.scales`, ...line });
  }
  if (!awq && from === 0) {
    const index = Int32Array.from({ length: cols }, (_, i) => Math.floor((i * groups) / cols));
    pieces.push({ tensor: `${module}.g_idx`, offset: 0, bytes: bytesOf(index) });
  }
  return pieces;
}
