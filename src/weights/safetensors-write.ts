/** Writes safetensors files as the reference implementation lays them out. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { FormatError } from '../record/errors.ts';
import { DTYPE_BYTES } from './dtype.ts';
import type { Dtype } from './source.ts';

/** A tensor before its bytes exist. */
export interface TensorToLayOut {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface TensorToWrite extends TensorToLayOut {
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

function inOrder(a: TensorToLayOut, b: TensorToLayOut): number {
  const rank = RANK.indexOf(b.dtype) - RANK.indexOf(a.dtype);
  if (rank !== 0) return rank;
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

export interface SafetensorsLayout {
  /** Length and JSON, padded: the file up to its first tensor. */
  readonly header: Uint8Array;
  /** Absolute offset of every tensor in the file. */
  readonly offsets: ReadonlyMap<string, number>;
  readonly fileBytes: number;
}

/**
 * Where everything of a file will be, in the reference writer's order.
 * @throws FormatError if a name comes twice
 */
export function layOutSafetensors(
  tensors: readonly TensorToLayOut[],
  metadata: Readonly<Record<string, string>> | undefined,
): SafetensorsLayout {
  const entries: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const starts = new Map<string, number>();
  let at = 0;
  for (const { name, dtype, shape } of [...tensors].sort(inOrder)) {
    if (starts.has(name) || name === '__metadata__') {
      throw new FormatError(`tensor "${name}" cannot be written: name is taken`, {
        details: { tensor: name },
      });
    }
    const end = at + shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    starts.set(name, at);
    entries.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + length, 0x20);
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  const offsets = new Map([...starts].map(([name, start]) => [name, header.length + start]));
  return { header, offsets, fileBytes: header.length + at };
}

function refuseWrongLength({ name, dtype, shape, data }: TensorToWrite): void {
  const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (data.byteLength === expected) return;
  const takes = `${dtype} [${shape.join(', ')}] takes ${expected} bytes, not ${data.byteLength}`;
  throw new FormatError(`tensor "${name}" cannot be written: ${takes}`, {
    details: { tensor: name, expected, got: data.byteLength },
  });
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
  sorted.forEach(refuseWrongLength);
  const { header } = layOutSafetensors(sorted, metadata);
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
