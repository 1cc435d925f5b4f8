/** Writes safetensors files as the reference implementation lays them out. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { FormatError } from '../record/errors.ts';
import { DTYPE_BYTES } from './dtype.ts';
import type { Dtype } from './source.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian bytes. */
  readonly data: Uint8Array;
}

/** The reference writer's order: dtypes by descending rank, then names. */
const RANK: readonly Dtype[] = [
  'BOOL',
  'U8',
  'I8',
  'F8_E5M2',
  'F8_E4M3',
  'F8_E8M0',
  'I16',
  'F16',
  'BF16',
  'I32',
  'F32',
  'F64',
  'I64',
];

function inOrder(a: TensorToWrite, b: TensorToWrite): number {
  const rank = RANK.indexOf(b.dtype) - RANK.indexOf(a.dtype);
  if (rank !== 0) return rank;
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

function headerOf(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  const entries: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const names = new Set(['__metadata__']);
  let at = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    if (names.has(name) || data.byteLength !== expected) {
      const what = names.has(name)
        ? 'name is taken'
        : `${dtype} [${shape.join(', ')}] takes ${expected} bytes, not ${data.byteLength}`;
      throw new FormatError(`tensor "${name}" cannot be written: ${what}`, {
        details: { tensor: name, expected, got: data.byteLength },
      });
    }
    names.add(name);
    entries.push([name, { dtype, shape, data_offsets: [at, at + data.byteLength] }]);
    at += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + length, 0x20);
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}

/**
 * Writes to a temporary name beside `path`, flushes it to the disk, then renames: under `path`
 * there is never a half-written file.
 * @throws FormatError if a tensor's bytes do not fit its dtype and shape, or a name comes twice
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): void {
  const sorted = [...tensors].sort(inOrder);
  const header = headerOf(sorted, metadata);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const fd = openSync(temporary, 'w');
    try {
      writeAll(fd, header);
      for (const { data } of sorted) writeAll(fd, data);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flushDirectory(dirname(path));
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, Math.min(2 ** 30, bytes.byteLength - done));
  }
}

/** Without this the rename itself may be lost with the power. */
function flushDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
