/** Where the values of a column go: numbers into a typed array, names into their table. */
import type { NameTable } from './name-table.ts';
import type { PageSink } from './parquet-leaf.ts';

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float32Array;

const WIDTHS = { INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8 } as const;
export type NumberType = keyof typeof WIDTHS;

/** Refuses what cannot be a value of `into`: negative, not finite, too large, not an integer. */
export class NumberSink implements PageSink {
  readonly #into: Numbers;
  readonly #type: NumberType;
  readonly #most: number;
  #dictionary: Float64Array = new Float64Array(0);
  #filled = 0;

  constructor(into: Numbers, type: NumberType, most: number) {
    this.#into = into;
    this.#type = type;
    this.#most = most;
  }

  dictionary(bytes: Uint8Array, count: number): boolean {
    const values = new Float64Array(count);
    this.#dictionary = values;
    return this.#read(bytes, count, values, 0);
  }

  codes(codes: Uint32Array): boolean {
    const into = this.#into;
    const dictionary = this.#dictionary;
    const from = this.#filled;
    if (from + codes.length > into.length) return false;
    let most = 0;
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      if (code > most) most = code;
      into[from + i] = dictionary[code] as number;
    }
    this.#filled += codes.length;
    return most < dictionary.length;
  }

  plain(bytes: Uint8Array, count: number): boolean {
    const from = this.#filled;
    this.#filled += count;
    if (this.#filled > this.#into.length) return false;
    return this.#read(bytes, count, this.#into, from);
  }

  #read(bytes: Uint8Array, count: number, into: Numbers | Float64Array, from: number): boolean {
    const width = WIDTHS[this.#type];
    if (bytes.length < count * width) return false;
    // A view needs its values aligned.
    const own = bytes.byteOffset % width === 0 ? bytes : bytes.slice(0, count * width);
    const { buffer, byteOffset: at } = own;
    const most = this.#most;
    let ok = true;
    if (this.#type === 'INT64') {
      const halves = new Int32Array(buffer, at, 2 * count);
      for (let i = 0; i < count; i++) {
        const value = (halves[2 * i] as number) >>> 0;
        ok = ok && halves[2 * i + 1] === 0 && value <= most;
        into[from + i] = value;
      }
      return ok;
    }
    const values =
      this.#type === 'INT32'
        ? new Int32Array(buffer, at, count)
        : this.#type === 'FLOAT'
          ? new Float32Array(buffer, at, count)
          : new Float64Array(buffer, at, count);
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      ok = ok && value >= 0 && value <= most;
      into[from + i] = value;
    }
    return ok;
  }
}

/** Texts as numbers of a table. */
export class NameSink implements PageSink {
  readonly #into: Uint32Array;
  readonly #names: NameTable;
  #dictionary = new Uint32Array(0);
  #filled = 0;

  constructor(into: Uint32Array, names: NameTable) {
    this.#into = into;
    this.#names = names;
  }

  dictionary(bytes: Uint8Array, count: number): boolean {
    this.#dictionary = new Uint32Array(count);
    return this.#read(bytes, count, this.#dictionary);
  }

  codes(codes: Uint32Array): boolean {
    const from = this.#filled;
    this.#filled += codes.length;
    if (this.#filled > this.#into.length) return false;
    for (let i = 0; i < codes.length; i++) {
      const name = this.#dictionary[codes[i] as number];
      if (name === undefined) return false;
      this.#into[from + i] = name;
    }
    return true;
  }

  plain(bytes: Uint8Array, count: number): boolean {
    const from = this.#filled;
    this.#filled += count;
    if (this.#filled > this.#into.length) return false;
    return this.#read(bytes, count, this.#into.subarray(from, from + count));
  }

  #read(bytes: Uint8Array, count: number, into: Uint32Array): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + 4 > bytes.length) return false;
      const end = at + 4 + view.getUint32(at, true);
      if (end > bytes.length) return false;
      into[i] = this.#names.lookup(bytes, at + 4, end);
      at = end;
    }
    return true;
  }
}
