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
  const pieces: string[] = [];
  write(value, (piece) => pieces.push(piece));
  return pieces.join('');
}

/** SHA-256 of the canonical JSON, 64 lower-case hex digits. Throws as `canonicalJson`. */
export function canonicalSha256(value: unknown): string {
  const hash = createHash('sha256');
  write(value, (piece) => hash.update(piece));
  return hash.digest('hex');
}

/** Throws as `canonicalJson`, of which nothing is kept. */
export function checkJson(value: unknown): void {
  write(value, () => {});
}

/** Pieces of a text are handed on at this length: a long text of short parts burdens the heap. */
const PIECE_LENGTH = 4_096;

function write(value: unknown, take: (piece: string) => void): void {
  const writer = new CanonicalWriter(take);
  try {
    writer.add(value);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const place = writer.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
    throw new TypeError(`$${place.join('')}: ${error.message}`);
  }
  take(writer.text);
}

/** What JSON cannot hold; the writer's path leads to it. */
class Unfit extends Error {}

interface Order {
  readonly names: readonly string[];
  /** Sorted. */
  readonly keys: readonly string[];
  /** What stands before the value of each key. */
  readonly heads: readonly string[];
}

class CanonicalWriter {
  readonly path: (string | number)[] = [];
  text = '';
  readonly #take: (piece: string) => void;
  /** By number of members. */
  readonly #orders = new Map<number, Order>();

  constructor(take: (piece: string) => void) {
    this.#take = take;
  }

  add(value: unknown): void {
    if (this.path.length > MAX_DEPTH) {
      throw new Unfit(`nested deeper than ${MAX_DEPTH}, or a cycle`);
    }
    if (typeof value === 'string') this.#put(JSON.stringify(value));
    else if (value === null || typeof value === 'boolean') this.#put(`${value}`);
    else if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new Unfit(`JSON cannot hold ${value}`);
      this.#put(`${value}`);
    } else if (Array.isArray(value)) this.#list(value);
    else if (typeof value === 'object' && isPlain(value)) {
      this.#members(value as Readonly<Record<string, unknown>>);
    } else throw new Unfit(`JSON cannot hold ${describe(value)}`);
  }

  #put(part: string): void {
    this.text += part;
    if (this.text.length < PIECE_LENGTH) return;
    this.#take(this.text);
    this.text = '';
  }

  #list(items: readonly unknown[]): void {
    this.#put('[');
    // Not forEach, which would leave the holes of a sparse array out.
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.#put(',');
      this.path.push(i);
      this.add(items[i]);
      this.path.pop();
    }
    this.#put(']');
  }

  #members(value: Readonly<Record<string, unknown>>): void {
    const { keys, heads } = this.#order(Object.keys(value));
    for (const [i, key] of keys.entries()) {
      this.#put(heads[i]!);
      this.path.push(key);
      this.add(value[key]);
      this.path.pop();
    }
    this.#put(keys.length === 0 ? '{}' : '}');
  }

  /** Thousands of objects have the same members: those seen last are sorted already. */
  #order(names: readonly string[]): Order {
    const known = this.#orders.get(names.length);
    if (known?.names.every((name, i) => name === names[i])) return known;
    const keys = names.toSorted();
    const heads = keys.map((key, i) => `${i === 0 ? '{' : ','}${JSON.stringify(key)}:`);
    const order = { names, keys, heads };
    this.#orders.set(names.length, order);
    return order;
  }
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
