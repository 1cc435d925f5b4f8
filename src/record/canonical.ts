/** One text for one value, and hashes of texts and files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import { storageError } from './storage-error.ts';

const MAX_DEPTH = 200;

/**
 * JSON with sorted keys (by UTF-16 code units) and no white space, so that equal values have equal
 * texts. −0 is written `0`, as JSON.stringify does.
 *
 * Throws TypeError for what JSON would change in silence (NaN, ±Infinity, undefined, functions,
 * bigint, symbols, class instances such as Date or Map), with the path to it.
 */
export function canonicalJson(value: unknown): string {
  return canonical(value, '$', 0);
}

function canonical(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH)
    throw new TypeError(`${path}: nested deeper than ${MAX_DEPTH}, or a cycle`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path}: JSON cannot hold ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    // Array.from, not map: map would leave the holes of a sparse array out.
    const items = Array.from(value, (item, i) => canonical(item, `${path}[${i}]`, depth + 1));
    return `[${items.join(',')}]`;
  }
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => {
        const member = (value as Record<string, unknown>)[key];
        return `${JSON.stringify(key)}:${canonical(member, `${path}.${key}`, depth + 1)}`;
      });
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`${path}: JSON cannot hold ${describe(value)}`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (typeof value !== 'object') return typeof value;
  return `an instance of ${value?.constructor?.name ?? 'a class'}`;
}

/** SHA-256, 64 lower-case hex digits. A string is hashed as UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** CRC-32 (the one of zlib and PNG), 8 lower-case hex digits. A string is summed as UTF-8. */
export function crc32Hex(data: Uint8Array | string): string {
  return hex8(crc32(data));
}

/** 8 lower-case hex digits of an unsigned 32-bit value. */
export function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** SHA-256 of a file, read in pieces: memory stays flat for a checkpoint of many GB. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Uint8Array);
    }
  } catch (cause) {
    throw storageError({ doing: 'read', path, cause });
  }
  return hash.digest('hex');
}
