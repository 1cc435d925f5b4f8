/**
 * Writes GGUF version 3 (ggml docs/gguf.md): magic, counts, metadata, tensor infos, then the data,
 * every tensor on a multiple of 32 bytes. Little-endian. One tensor at a time is in memory.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

/** ggml's numbers of its types, and the bytes of so many values. */
export const GGML = {
  F32: { id: 0, values: 1, bytes: 4 },
  F16: { id: 1, values: 1, bytes: 2 },
  Q4_0: { id: 2, values: 32, bytes: 18 },
  Q8_0: { id: 8, values: 32, bytes: 34 },
} as const;
export type GgmlType = keyof typeof GGML;

export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly f32s: Float32Array }
  | { readonly i32s: Int32Array };

export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major, outermost first; the file has them the other way round. */
  readonly shape: readonly number[];
  /** Called once, when its turn comes. */
  data(): Uint8Array;
}

const ALIGNMENT = 32;
const TYPE = { u32: 4, i32: 5, f32: 6, text: 8, array: 9 } as const;

const bytesOf = ({ type, shape }: GgufTensor): number => {
  const values = shape.reduce((all, size) => all * size, 1);
  return (values / GGML[type].values) * GGML[type].bytes;
};

const aligned = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

function u64(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}

function bits(array: Float32Array | Int32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function array(type: number, length: number, content: Buffer): Buffer {
  return Buffer.concat([u32(TYPE.array), u32(type), u64(length), content]);
}

function metadataValue(value: GgufValue): Buffer {
  if ('u32' in value) return Buffer.concat([u32(TYPE.u32), u32(value.u32)]);
  if ('f32' in value) return Buffer.concat([u32(TYPE.f32), bits(Float32Array.of(value.f32))]);
  if ('text' in value) return Buffer.concat([u32(TYPE.text), text(value.text)]);
  if ('f32s' in value) return array(TYPE.f32, value.f32s.length, bits(value.f32s));
  if ('i32s' in value) return array(TYPE.i32, value.i32s.length, bits(value.i32s));
  return array(TYPE.text, value.texts.length, Buffer.concat(value.texts.map(text)));
}

/** Everything before the data, padded. */
export function ggufHeader(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Buffer {
  const entries = Object.entries(metadata);
  const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)];
  for (const [key, value] of entries) parts.push(text(key), metadataValue(value));
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    const dims = [...shape].reverse().map(u64);
    parts.push(text(name), u32(shape.length), ...dims, u32(GGML[type].id), u64(offset));
    offset = aligned(offset + bytesOf(tensor));
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length)]);
}

export function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): void {
  const file = openSync(path, 'w');
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  };
  try {
    write(ggufHeader(metadata, tensors));
    for (const tensor of tensors) {
      const data = tensor.data();
      const bytes = bytesOf(tensor);
      if (data.length !== bytes) {
        throw new RangeError(`${tensor.name}: ${data.length} bytes, its shape says ${bytes}`);
      }
      write(data);
      write(new Uint8Array(aligned(bytes) - bytes));
    }
  } finally {
    closeSync(file);
  }
}
