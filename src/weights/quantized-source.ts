/**
 * A quantized checkpoint as the tensors of its model: `q_proj.weight` [out, in], whatever parts it
 * is stored in. Whoever asks gets the codes as they are, so that an engine runs *those* weights.
 */
import { FormatError } from '../record/errors.ts';
import { decodeRows } from './formats/decode.ts';
import { decodeIntRows } from './formats/decode-int.ts';
import { type ResolvedCheckpoint, refuseProblems, resolveCheckpoint } from './formats/resolve.ts';
import {
  type Fp8Tensor,
  type IntTensor,
  partsOf,
  type ReadAt,
  storedScheme,
} from './formats/stored-tensor.ts';
import type { QuantizedMatrix } from './quantizer.ts';
import { FileReader } from './read-at.ts';
import { type Scheme, storedAs } from './scheme.ts';
import type { TensorInfo, TensorSource } from './source.ts';

/** Stored codes; an act-ordered matrix has its inputs sorted by group. */
export interface StoredInts {
  readonly matrix: QuantizedMatrix;
  /** Column i of the matrix is input order[i]; null: the inputs are as they come. */
  readonly order: Int32Array | null;
}

export interface QuantizedSource extends TensorSource {
  /** How a tensor is stored; null for one that is stored plain. */
  schemeOf(name: string): Scheme | null;
  /** False for what is not stored as integers, and where act-order made groups of unequal sizes. */
  hasEvenGroups(name: string): boolean;
  /** True where act-order gave the columns of a matrix groups out of their order. */
  isReordered(name: string): boolean;
  /** Throws TypeError for a tensor without even groups. */
  ints(name: string): StoredInts;
  /** Dequantized, one f32 rounding each. */
  values(name: string): Float32Array;
}

/**
 * @returns the source itself where config.json names no quantization
 * @throws FormatError for what is not understood or does not fit, before any weight is read
 */
export function modelSource(
  source: TensorSource,
  of: { readonly config: Readonly<Record<string, unknown>>; readonly path: string },
): TensorSource | QuantizedSource {
  const reader = new FileReader();
  let resolved: ResolvedCheckpoint;
  try {
    resolved = resolveCheckpoint({ ...of, source, readAt: reader.readAt });
    refuseProblems(resolved);
  } catch (error) {
    reader.close();
    throw error;
  }
  if (resolved.quantization === null) {
    reader.close();
    return source;
  }
  const quantized = resolved.tensors.filter((tensor) => tensor.kind !== 'plain');
  const plain = resolved.tensors.filter((tensor) => tensor.kind === 'plain');
  return new ResolvedSource(source, {
    reader,
    quantized: new Map(quantized.map((tensor) => [tensor.name, tensor])),
    plain: new Set(plain.map(({ name }) => name)),
  });
}

export function isQuantized(source: TensorSource): source is QuantizedSource {
  return 'schemeOf' in source;
}

interface Resolved {
  readonly reader: FileReader;
  readonly quantized: ReadonlyMap<string, Fp8Tensor | IntTensor>;
  readonly plain: ReadonlySet<string>;
}

class ResolvedSource implements QuantizedSource {
  readonly names: readonly string[];
  readonly #files: TensorSource;
  readonly #resolved: Resolved;

  constructor(files: TensorSource, resolved: Resolved) {
    this.#files = files;
    this.#resolved = resolved;
    this.names = [...resolved.plain, ...resolved.quantized.keys()];
  }

  get #readAt(): ReadAt {
    return this.#resolved.reader.readAt;
  }

  has(name: string): boolean {
    return this.#resolved.plain.has(name) || this.#resolved.quantized.has(name);
  }

  /** Of a quantized tensor: the dtype of its codes, its logical shape, the bytes of all parts. */
  info(name: string): TensorInfo {
    const tensor = this.#resolved.quantized.get(name);
    if (tensor === undefined) return this.#files.info(name);
    const bytes = partsOf(tensor).reduce((sum, part) => sum + part.bytes, 0);
    return { name, dtype: tensor.codes.dtype, shape: tensor.shape, bytes, location: null };
  }

  read(name: string): Uint8Array {
    if (!this.#resolved.quantized.has(name)) return this.#files.read(name);
    throw new FormatError(`tensor "${name}" is quantized where plain numbers are needed`, {
      hint: 'embeddings, norms and biases must be stored plain to be run',
      details: { tensor: name },
    });
  }

  schemeOf(name: string): Scheme | null {
    const tensor = this.#resolved.quantized.get(name);
    if (tensor === undefined) return null;
    const text = storedScheme(tensor);
    if (tensor.kind === 'fp8') {
      return storedAs({ text, family: 'fp8', bits: 8, group: null, symmetric: true });
    }
    const { bits, group, cols, symmetric } = tensor;
    return storedAs({ text, family: 'int', bits, group: group < cols ? group : null, symmetric });
  }

  hasEvenGroups(name: string): boolean {
    const tensor = this.#resolved.quantized.get(name);
    if (tensor?.kind !== 'int') return false;
    const index = this.#groupIndex(tensor);
    return index === null || inputOrder(index, tensor.group) !== null;
  }

  isReordered(name: string): boolean {
    const tensor = this.#resolved.quantized.get(name);
    const index = tensor?.kind === 'int' ? this.#groupIndex(tensor) : null;
    return index?.some((group, at) => at > 0 && group < index[at - 1]!) ?? false;
  }

  /** The group of every input; null where they are in order. */
  #groupIndex({ groupIndex, group, cols }: IntTensor): Int32Array | null {
    if (groupIndex === null || group >= cols) return null;
    const bytes = this.#readAt(groupIndex.location, groupIndex.bytes);
    const index = new Int32Array(bytes.buffer, bytes.byteOffset, cols);
    return isUnset(index) ? null : index;
  }

  ints(name: string): StoredInts {
    const tensor = this.#resolved.quantized.get(name);
    if (tensor?.kind !== 'int') throw new TypeError(`${name} is not stored as integers`);
    return storedInts(tensor, this.schemeOf(name)!, this.#readAt);
  }

  values(name: string): Float32Array {
    const tensor = this.#resolved.quantized.get(name);
    if (tensor === undefined) throw new TypeError(`${name} is stored plain`);
    const rows = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
    return decodeRows(tensor, { from: 0, to: rows }, this.#readAt);
  }

  close(): void {
    this.#resolved.reader.close();
    this.#files.close();
  }
}

/** Codes and zero points less half of the range, so that both fit a signed byte. */
function storedInts(tensor: IntTensor, scheme: Scheme, readAt: ReadAt): StoredInts {
  const { rows, cols, group } = tensor;
  const decoded = decodeIntRows(tensor, { from: 0, to: rows }, readAt);
  const { codes, scales, groupIndex } = decoded;
  // Symmetric GPTQ stores the half for every group; a kernel takes it for granted.
  const zeroPoints = decoded.zeroPoints?.some((zero) => zero !== 0) ? decoded.zeroPoints : null;
  const matrix = { scheme, rows, cols, group, scales, scaleDtype: 'F32' as const, zeroPoints };
  if (groupIndex === null || isUnset(groupIndex) || group >= cols) {
    return { matrix: { ...matrix, codes }, order: null };
  }
  const order = inputOrder(groupIndex, group);
  if (order === null) throw new TypeError(`${tensor.name} has groups of unequal sizes`);
  const sorted = new Int8Array(codes.length);
  for (let row = 0; row < codes.length; row += cols) {
    for (let i = 0; i < cols; i++) sorted[row + i] = codes[row + order[i]!]!;
  }
  const asTheyCome = order.every((input, i) => input === i);
  return { matrix: { ...matrix, codes: sorted }, order: asTheyCome ? null : order };
}

/** Writers that reserve the tensor without using it fill it with −1. */
function isUnset(groupIndex: Int32Array): boolean {
  return groupIndex.every((group) => group === -1);
}

/**
 * The inputs by group, those of one group as they come.
 * @returns null where a group has more or fewer than `group` inputs: a kernel takes none such
 */
export function inputOrder(groupIndex: Int32Array, group: number): Int32Array | null {
  const order = Int32Array.from(groupIndex.keys()).sort(
    (a, b) => groupIndex[a]! - groupIndex[b]! || a - b,
  );
  const even = order.every((input, i) => groupIndex[input] === Math.floor(i / group));
  return even ? order : null;
}
