/**
 * THE quantizer: every engine and every converter packs what it makes. Arithmetic is f32, one
 * rounding per operation, as PyTorch computes it on f32 tensors; codes are rounded to nearest, ties
 * to even. Rows are output features; groups run along the columns (the input features).
 *
 *   integers      the rule of compressed-tensors: symmetric s = absmax/(range/2), range/2 = 127.5
 *                 or 7.5, q = round(clamp(x/s)); asymmetric s = (max−min)/15 where min ≤ 0 ≤ max,
 *                 zp = round(clamp(−8 − min/s)), q = round(clamp(x/s + zp)), value (q − zp)·s
 *   fp8-block128  the rule of DeepSeek-V3: s = absmax/448 per 128×128 block, q = e4m3(x/s);
 *                 blocks at the right and lower edge are smaller
 *   fp8-channel   the same with one scale per row
 *   fp8-tensor    the same with one scale per matrix
 *
 * A scale is rounded to the dtype it is stored in before it is used: the codes fit the scale that a
 * reader will see. The scale of an all-zero group, or of one so small that its scale
 * underflows to zero, is the dtype's epsilon as in compressed-tensors, or 1 for an FP8 block; the
 * codes are then zeros. A scale beyond the dtype's range becomes its largest finite value.
 */
import { FormatError } from '../record/errors.ts';
import { E4M3_VALUES } from './dtype.ts';
import type { StoredFloat } from './encode.ts';
import { quantizeFp8Blocks, quantizeFp8Rows } from './fp8-kernel.ts';
import { quantizeAsymmetric, quantizeSymmetric } from './int-kernel.ts';
import { storeOf } from './scale.ts';
import { FP8_BLOCK, type Scheme } from './scheme.ts';

export interface QuantizedMatrix {
  readonly scheme: Scheme;
  readonly rows: number;
  readonly cols: number;
  /** Columns per scale: the group, `cols` for a channel or a tensor, 128 for FP8 blocks. */
  readonly group: number;
  /** [rows, cols]: signed integers one per byte, or E4M3FN codes. */
  readonly codes: Int8Array | Uint8Array;
  /** [rows, cols/group], [⌈rows/128⌉, ⌈cols/128⌉] for blocks, [1] for a tensor. */
  readonly scales: Float32Array;
  readonly scaleDtype: StoredFloat;
  /** [rows, cols/group] in −8…7; null where the scheme is symmetric. */
  readonly zeroPoints: Int8Array | null;
}

export interface QuantizeOptions {
  readonly rows: number;
  readonly cols: number;
  /** The effective scheme: its group must divide `cols`. */
  readonly scheme: Scheme;
  readonly scaleDtype: StoredFloat;
  /** Of the file, where that is another than the scheme's: a scale must be a number of both. */
  readonly heldIn?: StoredFloat;
  /** The tensor's name, for messages. */
  readonly name: string;
  /** Of one scale per tensor, where the values are only some of its rows: max |x| of all. */
  readonly absmax?: number;
}

/**
 * @param values [rows, cols] row-major
 * @throws FormatError that names the tensor and the index of the first NaN or infinity
 */
export function quantizeMatrix(values: Float32Array, options: QuantizeOptions): QuantizedMatrix {
  const { rows, cols, scheme, scaleDtype, name } = options;
  if (values.length !== rows * cols) {
    throw new RangeError(`${name}: ${values.length} values for a ${rows}×${cols} matrix`);
  }
  const whole = scheme.layout === 'channel' || scheme.layout === 'tensor';
  const group = whole ? Math.max(cols, 1) : scheme.group;
  if (group === null || (scheme.layout === 'group' && cols % group !== 0)) {
    throw new RangeError(`${name}: ${scheme.text} does not fit ${cols} columns`);
  }
  const filled =
    scheme.family === 'fp8'
      ? fillFp8(values, options)
      : fillInt(values, { ...options, group, groups: rows * Math.ceil(cols / group) });
  const bad = filled.firstBad;
  if (bad >= 0) throw notFinite(values, bad, { name, cols });
  const { codes, scales, zeroPoints } = filled;
  return { scheme, rows, cols, group, codes, scales, scaleDtype, zeroPoints };
}

/** What the kernels fill; `firstBad` is the index of a NaN or infinity, −1 if there is none. */
interface Filled {
  codes: Int8Array | Uint8Array;
  scales: Float32Array;
  zeroPoints: Int8Array | null;
  firstBad: number;
}

function fillInt(
  values: Float32Array,
  {
    scheme,
    scaleDtype,
    heldIn,
    group,
    groups,
  }: QuantizeOptions & { group: number; groups: number },
): Filled {
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(groups);
  const store = storeOf({ scheme, scaleDtype, ...(heldIn === undefined ? {} : { heldIn }) });
  if (scheme.symmetric) {
    const firstBad = quantizeSymmetric(values, codes, { scales, group, store, bits: scheme.bits });
    return { codes, scales, zeroPoints: null, firstBad };
  }
  const zeroPoints = new Int8Array(groups);
  const firstBad = quantizeAsymmetric(values, codes, { scales, zeroPoints, group, store });
  return { codes, scales, zeroPoints, firstBad };
}

function fillFp8(values: Float32Array, options: QuantizeOptions): Filled {
  const { rows, cols, scheme, scaleDtype } = options;
  const codes = new Uint8Array(values.length);
  const store = storeOf({ scheme, scaleDtype });
  if (scheme.layout !== 'block') {
    // One scale per tensor: all of it is one row.
    const tensor = scheme.layout === 'tensor';
    const scales = new Float32Array(tensor ? 1 : rows);
    const row = { scales, cols: tensor ? values.length : cols, store };
    const firstBad = quantizeFp8Rows(values, codes, { ...row, absmax: options.absmax ?? 0 });
    return { codes, scales, zeroPoints: null, firstBad };
  }
  const scales = new Float32Array(Math.ceil(rows / FP8_BLOCK) * Math.ceil(cols / FP8_BLOCK));
  const firstBad = quantizeFp8Blocks(values, codes, { scales, rows, cols, store });
  return { codes, scales, zeroPoints: null, firstBad };
}

export function notFinite(
  values: Float32Array,
  index: number,
  { name, cols }: { name: string; cols: number },
): FormatError {
  const place = `row ${Math.floor(index / cols)}, column ${index % cols}`;
  return new FormatError(`tensor "${name}" holds ${values[index]} at index ${index} (${place})`, {
    hint: 'a weight that is not a finite number cannot be quantized; the checkpoint is damaged',
    details: { tensor: name, index, expected: 'a finite number', got: String(values[index]) },
  });
}

/** The values that the codes stand for, [rows, cols], one f32 rounding each. */
export function dequantizeMatrix(matrix: QuantizedMatrix): Float32Array {
  const { rows, cols, group, codes, scales, zeroPoints, scheme } = matrix;
  const out = new Float32Array(codes.length);
  const perRow = Math.ceil(cols / group);
  const rowsPerScale = { block: FP8_BLOCK, tensor: rows }[scheme.layout as string] ?? 1;
  const table = scheme.family === 'fp8' ? E4M3_VALUES : null;
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / rowsPerScale) * perRow;
    for (let g = 0; g < perRow; g++) {
      const scale = scales[first + g]!;
      const zero = zeroPoints === null ? 0 : zeroPoints[first + g]!;
      const end = row * cols + Math.min((g + 1) * group, cols);
      const start = row * cols + g * group;
      if (table === null) {
        for (let i = start; i < end; i++) out[i] = (codes[i]! - zero) * scale;
      } else {
        for (let i = start; i < end; i++) out[i] = table[codes[i]!]! * scale;
      }
    }
  }
  return out;
}
