/**
 * Random weights of any architecture and size: for speed, memory and tests, where only the shapes
 * count. The same config and seed give the same bytes everywhere.
 */
import { FormatError } from '../../record/errors.ts';
import { encodeF32, type StoredFloat } from '../../weights/encode.ts';
import type { TensorInfo, TensorSource } from '../../weights/source.ts';
import type { Architecture } from './architecture.ts';
import { type ExpectedTensor, expectedTensors } from './tensors.ts';

const DTYPES: Readonly<Record<string, StoredFloat>> = {
  bfloat16: 'BF16',
  float16: 'F16',
  float32: 'F32',
};
const BYTES = { F32: 4, BF16: 2, F16: 2 } as const;

/** The dtype that config.json declares; BF16 where it declares none. */
export function dummyDtype(config: Readonly<Record<string, unknown>>): StoredFloat {
  const declared = config.dtype ?? config.torch_dtype ?? 'bfloat16';
  const dtype = DTYPES[String(declared).replace(/^torch\./, '')];
  if (dtype !== undefined) return dtype;
  throw new FormatError(`config.json: dtype ${JSON.stringify(declared)} is not supported`, {
    details: { expected: Object.keys(DTYPES), got: declared },
  });
}

export function dummySource(
  arch: Architecture,
  options: { dtype: StoredFloat; seed: number },
): TensorSource {
  const { dtype, seed } = options;
  const tensors = new Map(expectedTensors(arch).map((tensor) => [tensor.name, tensor]));
  const find = (name: string): ExpectedTensor => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new FormatError(`the dummy model has no tensor "${name}"`);
  };
  return {
    names: [...tensors.keys()],
    has: (name) => tensors.has(name),
    info(name): TensorInfo {
      const { shape } = find(name);
      const bytes = sizeOf(shape) * BYTES[dtype];
      return { name, dtype, shape, bytes, location: null };
    },
    read(name) {
      const tensor = find(name);
      const values = new Float32Array(sizeOf(tensor.shape));
      const { middle, spread } = distribution(tensor, arch);
      fillUniform(values, { middle, spread, seed: hash(name) ^ seed });
      return encodeF32(values, dtype);
    },
    close() {},
  };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/**
 * Variance 1 / fan-in, so that each product keeps the size of its input; the head a little wider,
 * so that the next token is neither certain nor uniform.
 */
function distribution(
  { role, shape }: ExpectedTensor,
  arch: Architecture,
): { middle: number; spread: number } {
  const uniform = Math.sqrt(3);
  switch (role) {
    case 'norm':
      return { middle: 1, spread: 0.1 };
    case 'bias':
      return { middle: 0, spread: 0.1 };
    case 'matrix':
      return { middle: 0, spread: uniform / Math.sqrt(shape[arch.conv1d ? 0 : 1]!) };
    case 'embedding':
    case 'head':
      return { middle: 0, spread: (2 * uniform) / Math.sqrt(arch.hiddenSize) };
  }
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value;
}

/** middle ± spread by xorshift32 (Marsaglia 2003): 2 ns a value, and no weight needs more. */
function fillUniform(
  out: Float32Array,
  range: { middle: number; spread: number; seed: number },
): void {
  let state = Math.imul(range.seed, 0x9e3779b1) | 1;
  const scale = range.spread / 2 ** 31;
  for (let i = 0; i < out.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = range.middle + state * scale;
  }
}
