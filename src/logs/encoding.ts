/** What the bytes of a log are: ASCII, UTF-8, UTF-16, something else, or UTF-8 that was misread. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { Encoding } from './log-index.ts';

/** Looks at every chunk; bounded, and a character may be cut by a chunk's end. */
export class EncodingWatch {
  #ascii = true;
  #valid = true;
  #firstInvalid = -1;
  /** Offset; −1: none. */
  firstNul = -1;
  #tail = Buffer.alloc(0);
  #offset = 0;

  see(chunk: Buffer): void {
    if (this.firstNul < 0) {
      const at = chunk.indexOf(0);
      if (at >= 0) this.firstNul = this.#offset + at;
    }
    if (this.#valid) this.#check(chunk);
    this.#offset += chunk.length;
  }

  /** Offset of the first character that is not UTF-8, or that the end cuts; −1: none. */
  get firstInvalid(): number {
    if (!this.#valid) return this.#firstInvalid;
    return this.#tail.length > 0 ? this.#offset - this.#tail.length : -1;
  }

  get encoding(): Encoding {
    if (this.#ascii) return 'ascii';
    return this.#valid && this.#tail.length === 0 ? 'utf-8' : 'invalid utf-8';
  }

  #check(chunk: Buffer): void {
    if (this.#tail.length === 0 && isAscii(chunk)) return;
    this.#ascii = false;
    const whole = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const start = this.#offset - this.#tail.length;
    const cut = incompleteEnd(whole);
    this.#tail = Buffer.from(whole.subarray(cut));
    if (isUtf8(whole.subarray(0, cut))) return;
    this.#valid = false;
    this.#firstInvalid = start + firstInvalidIn(whole);
  }
}

/** Where the first character begins that is none, by halving. */
function firstInvalidIn(bytes: Buffer): number {
  let [valid, invalid] = [0, bytes.length];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (isUtf8(bytes.subarray(0, incompleteEnd(bytes.subarray(0, middle))))) valid = middle;
    else invalid = middle;
  }
  return incompleteEnd(bytes.subarray(0, valid));
}

/** Where a character begins that the end of the bytes cuts; their length if none is cut. */
function incompleteEnd(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** By the byte order mark; null without one. */
export function utf16Of(head: Buffer): 'utf-16le' | 'utf-16be' | null {
  if (head.length < 2) return null;
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return null;
}

export interface Misreading {
  /** In which encoding the UTF-8 bytes were read by mistake. */
  readonly readAs: 'macintosh' | 'windows-1252';
  readonly example: string;
  readonly repaired: string;
}

const RUN = /[^\0-\x7f]{2,}/g;

/**
 * Finds UTF-8 that was decoded as Mac Roman or Windows-1252 and written again as UTF-8: nearly all
 * runs of non-ASCII characters turn into valid UTF-8 when encoded back.
 */
export function findMisreading(text: string): Misreading | null {
  const runs = [...text.matchAll(RUN)].map(([run]) => run).slice(0, 200);
  if (runs.length === 0) return null;
  for (const readAs of ['macintosh', 'windows-1252'] as const) {
    const repaired = runs.map((run) => repairMisreading(run, readAs));
    const mended = repaired.filter((text) => text !== null).length;
    const at = repaired.findIndex((text) => text !== null);
    if (mended < 0.8 * runs.length || at < 0) continue;
    return { readAs, example: runs[at] as string, repaired: repaired[at] as string };
  }
  return null;
}

const tables = new Map<string, Map<string, number>>();

function tableOf(encoding: Misreading['readAs']): Map<string, number> {
  const known = tables.get(encoding);
  if (known) return known;
  const decoder = new TextDecoder(encoding);
  const table = new Map<string, number>();
  for (let byte = 0; byte < 256; byte += 1) table.set(decoder.decode(Uint8Array.of(byte)), byte);
  tables.set(encoding, table);
  return table;
}

/** The text that was misread; null if these characters cannot come from such a mistake. */
export function repairMisreading(text: string, readAs: Misreading['readAs']): string | null {
  const table = tableOf(readAs);
  const bytes: number[] = [];
  for (const character of text) {
    const byte = table.get(character);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  const raw = Buffer.from(bytes);
  return isUtf8(raw) ? raw.toString('utf8') : null;
}
