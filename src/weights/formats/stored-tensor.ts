/**
 * A tensor as a model knows it (name, shape), and where its bytes really are: a quantized matrix is
 * several tensors of the files (codes, scales, zero points, group indices).
 */
import type { TensorInfo } from '../source.ts';

/** One tensor of a file. */
export interface Part extends TensorInfo {
  readonly location: { readonly file: string; readonly offset: number };
}

/** Stored as it is, whatever its dtype. */
export interface PlainTensor {
  readonly kind: 'plain';
  readonly name: string;
  readonly shape: readonly number[];
  readonly codes: Part;
}

/**
 * E4M3FN codes with a grid of scales; a value is code · scale. Experts are `matrices` matrices of
 * rows × cols behind each other, each with a grid of its own.
 */
export interface Fp8Tensor {
  readonly kind: 'fp8';
  /** Name of the tensor without quantization: `….weight`. */
  readonly name: string;
  /** [out, in] or [experts, out, in]. */
  readonly shape: readonly number[];
  readonly matrices: number;
  readonly rows: number;
  readonly cols: number;
  /** Rows and columns that share a scale; smaller at the right and lower edge. */
  readonly block: { readonly rows: number; readonly cols: number };
  readonly codes: Part;
  /** [matrices, ⌈rows/block.rows⌉, ⌈cols/block.cols⌉] in row-major order, any float dtype. */
  readonly scales: Part;
  /** Read by the server only (input scales): no part of the weight. */
  readonly extras: readonly Part[];
}

/**
 * How integer codes lie in their tensor:
 *   bytes       I8 [out, in], signed
 *   compressed  I32 [out, ⌈in/per⌉], q + half, element i in bits · (i mod per)
 *   gptq        I32 [in/per, out], u, input per·k + j in bits · j of word k
 *   awq         I32 [in, out/8], u, columns interleaved
 */
export type Packing = 'bytes' | 'compressed' | 'gptq' | 'awq';

/** Integer codes in groups along the inputs; a value is (code − zero point) · scale. */
export interface IntTensor {
  readonly kind: 'int';
  readonly name: string;
  /** [out, in]. */
  readonly shape: readonly number[];
  readonly rows: number;
  readonly cols: number;
  readonly bits: 4 | 8;
  /** Inputs per scale; `cols` for one scale a row. */
  readonly group: number;
  /** False: the format says that codes have zero points of their own. */
  readonly symmetric: boolean;
  readonly packing: Packing;
  readonly codes: Part;
  /** [out, groups] for bytes and compressed (or one value for all), [groups, out] for others. */
  readonly scales: Part;
  readonly zeroPoints: Part | null;
  /** I32 [in]: the group of every input (act-order). All −1 means unset. */
  readonly groupIndex: Part | null;
  /** GPTQ v1 stores a zero point less one. */
  readonly zeroLessOne: boolean;
  readonly extras: readonly Part[];
}

export type StoredTensor = PlainTensor | Fp8Tensor | IntTensor;

/** AWQ puts column j (mod 8) of a word at nibble AWQ_NIBBLE[j]. */
export const AWQ_NIBBLE: readonly number[] = [0, 4, 1, 5, 2, 6, 3, 7];

/** Reads `length` bytes at an absolute offset of a file. */
export type ReadAt = (
  place: { readonly file: string; readonly offset: number },
  length: number,
) => Uint8Array;

/** All tensors of the files that make up a stored tensor. */
export function partsOf(tensor: StoredTensor): Part[] {
  if (tensor.kind === 'plain') return [tensor.codes];
  const parts = [tensor.codes, tensor.scales];
  if (tensor.kind === 'int') {
    if (tensor.zeroPoints !== null) parts.push(tensor.zeroPoints);
    if (tensor.groupIndex !== null) parts.push(tensor.groupIndex);
  }
  return [...parts, ...tensor.extras];
}

/** Groups of one row. */
export function groupsOf({ cols, group }: IntTensor): number {
  return Math.ceil(cols / group);
}

/** True where the groups of inputs (g_idx) are those of their places. */
export function isInOrder(groupIndex: Int32Array, group: number): boolean {
  return groupIndex.every((g, input) => g === Math.floor(input / group));
}

/** In the one vocabulary where it has a word: `fp8-block128`, `int4-asym-g64`; else like it. */
export function storedScheme(tensor: StoredTensor): string {
  if (tensor.kind === 'plain') return tensor.codes.dtype.toLowerCase();
  if (tensor.kind === 'fp8') {
    const { rows, cols } = tensor.block;
    if (rows >= tensor.rows && cols >= tensor.cols && tensor.scales.bytes <= 4 * tensor.matrices) {
      return 'fp8-tensor';
    }
    if (rows === 1) return 'fp8-channel';
    return rows === cols ? `fp8-block${rows}` : `fp8-block${rows}x${cols}`;
  }
  const kind = `int${tensor.bits}-${tensor.symmetric ? '' : 'asym-'}`;
  return tensor.group >= tensor.cols ? `${kind}channel` : `${kind}g${tensor.group}`;
}
