/** The memory and the calls of parquet-pages.wasm, which unpacks and decodes pages of columns. */
import { readFileSync } from 'node:fs';
import { PAGE_BYTES, type WasmMemory, wasm } from './web-assembly.ts';

type Export = 'unsnap' | 'allAre' | 'listsAre' | 'places16' | 'places32' | 'plainValues';

/** Addresses of a part of the memory. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

/** Types of plain values and kinds of arrays that they go into, as the assembly numbers them. */
export const PLAIN = { INT32: 0, INT64: 1, FLOAT: 2, DOUBLE: 3 } as const;
export type PlainType = keyof typeof PLAIN;
export const INTO = { u16: 0, u32: 1, f32: 2 } as const;
export type Kind = keyof typeof INTO;
export const BYTES = { u16: 2, u32: 4, f32: 4 } as const;

/** Behind the end of what is decoded: read, and overwritten. */
const SLACK_BYTES = 16;
/** Addresses below are the module's own. */
const FIRST_BYTE = 1 << 12;
const MOST_BYTES = 1 << 30;
/** Elements of a list whose pattern is kept. */
const MOST_SIZE = 4096;

let compiled: object | undefined;

function moduleOf(): object {
  compiled ??= new wasm.Module(readFileSync(new URL('./parquet-pages.wasm', import.meta.url)));
  return compiled;
}

export class PageKernel {
  readonly #memory: WasmMemory;
  readonly #call: Readonly<Record<Export, (...values: number[]) => number>>;
  readonly #table: number;
  #end = FIRST_BYTE;

  constructor() {
    const maximum = MOST_BYTES / PAGE_BYTES;
    this.#memory = new wasm.Memory({ initial: 1, maximum });
    const instance = new wasm.Instance(moduleOf(), { env: { memory: this.#memory } });
    this.#call = instance.exports as Record<Export, (...values: number[]) => number>;
    this.#table = this.take(MOST_SIZE).at;
  }

  /** Another one after `take`. */
  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** What is taken from now on ends with `free(mark)`. */
  get mark(): number {
    return this.#end;
  }

  free(mark: number): void {
    this.#end = mark;
  }

  /** Room for so many bytes, of no known content. Throws RangeError: there is not so much. */
  take(bytes: number): Span {
    const at = this.#end;
    const end = at + bytes;
    const lacking = end + SLACK_BYTES - this.#memory.buffer.byteLength;
    if (!(bytes >= 0 && end + SLACK_BYTES <= MOST_BYTES))
      throw new RangeError(`no room for ${bytes} bytes`);
    if (lacking > 0) this.#memory.grow(Math.ceil(lacking / PAGE_BYTES));
    this.#end = (end + SLACK_BYTES + 15) & ~15;
    return { at, end };
  }

  bytes({ at, end }: Span): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer, at, end - at);
  }

  /** False: it is damaged. */
  unsnap(from: Span, to: Span): boolean {
    return this.#call.unsnap(from.at, from.end, to.at, to.end) !== 0;
  }

  /** Are all levels this one, so that there is no null and no empty list? */
  allAre(level: number, { at, end }: Span, count: number): boolean {
    return this.#call.allAre(at, end, 32 - Math.clz32(level), level, count) !== 0;
  }

  /** Are the lists of `size` elements each? `from`: elements of the chunk before these. */
  listsAre(size: number, { at, end }: Span, of: { from: number; count: number }): boolean {
    if (size > MOST_SIZE) return false;
    return this.#call.listsAre(at, end, size, of.from, of.count, this.#table) !== 0;
  }

  /** Values at places of a dictionary; `width`: bits of a place, 1 to 24. */
  places(
    kind: Kind,
    { at, end }: Span,
    of: { width: number; count: number; dictionary: Span; to: number },
  ): boolean {
    const { width, count, dictionary, to } = of;
    const size = (dictionary.end - dictionary.at) / BYTES[kind];
    const call = BYTES[kind] === 2 ? this.#call.places16 : this.#call.places32;
    return call(at, end, width, count, dictionary.at, size, to) !== 0;
  }

  /** False: they end early, or one is negative, above `most`, or no number. */
  plain(
    kind: Kind,
    { at, end }: Span,
    of: { type: PlainType; count: number; to: number; most: number },
  ): boolean {
    const { type, count, to, most } = of;
    const wide = type === 'INT64' || type === 'DOUBLE' ? 8 : 4;
    if (end - at < wide * count) return false;
    return this.#call.plainValues(at, PLAIN[type], count, to, INTO[kind], most) !== 0;
  }
}
