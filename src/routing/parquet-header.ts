/** The header of a page, in Thrift's compact protocol: only the numbers that are needed of it. */

export interface PageHeader {
  /** Bytes of the page behind the header, and of the page unpacked. */
  readonly packed: number;
  readonly unpacked: number;
  readonly of: 'dictionary' | 'first' | 'second' | 'other';
  readonly values: number;
  readonly encoding: number;
  /** Of the second version. */
  readonly nulls: number;
  readonly definitionBytes: number;
  readonly repetitionBytes: number;
  readonly isCompressed: boolean;
}

/** Numbers of encodings that are known here. */
export const ENCODING = { plain: 0, plainDictionary: 2, rleDictionary: 8 } as const;

const TYPE = { yes: 1, no: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7 } as const;
const LONG = { binary: 8, list: 9, set: 10, struct: 12 } as const;
/** Fields of the header: structs of one of the kinds of pages. */
const FIRST = 5;
const DICTIONARY = 7;
const SECOND = 8;
/** Deeper than any header that is meant to be read. */
const MAX_DEPTH = 8;

/** Where the reader stands in the bytes. Throws RangeError: they end early, or are no header. */
export function readPageHeader(bytes: Uint8Array): { header: PageHeader; length: number } {
  const reader = new HeaderReader(bytes);
  const fields = reader.struct(0);
  const at = (field: number, of = 0): number => fields.get(16 * of + field) ?? Number.NaN;
  const kind = [DICTIONARY, FIRST, SECOND].find((field) => fields.has(16 * field + 1)) ?? 0;
  const isSecond = kind === SECOND;
  const header = {
    unpacked: at(2),
    packed: at(3),
    of: ({ [DICTIONARY]: 'dictionary', [FIRST]: 'first', [SECOND]: 'second' } as const)[kind],
    values: at(1, kind),
    encoding: at(isSecond ? 4 : 2, kind),
    nulls: isSecond ? at(2, kind) : 0,
    definitionBytes: isSecond ? at(5, kind) : 0,
    repetitionBytes: isSecond ? at(6, kind) : 0,
    isCompressed: !isSecond || fields.get(16 * kind + 7) !== 0,
  };
  return { header: { ...header, of: header.of ?? 'other' }, length: reader.at };
}

/** Numbers of a struct by field, and those of the structs in it by 16 × its field + field. */
class HeaderReader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #fields = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(base: number, depth = 0): ReadonlyMap<number, number> {
    if (depth > MAX_DEPTH) throw new RangeError('a page header of too many structs');
    for (let field = 0; ; ) {
      const byte = this.#byte();
      const type = byte & 15;
      if (type === 0) return this.#fields;
      field = byte >> 4 ? field + (byte >> 4) : this.#integer();
      const isKept = depth < 2 && field < 16;
      if (type === LONG.struct) this.struct(16 * field, depth + (isKept && depth === 0 ? 1 : 2));
      else if (type === TYPE.i32 && isKept) this.#fields.set(base + field, this.#integer());
      else if (type <= TYPE.no && isKept) this.#fields.set(base + field, 2 - type);
      else this.#skip(type, depth);
    }
  }

  #skip(type: number, depth: number): void {
    if (type <= TYPE.no) return;
    if (type === TYPE.byte) this.at++;
    else if (type <= TYPE.i64) this.#varint();
    else if (type === TYPE.double) this.at += 8;
    else if (type === LONG.binary) {
      const length = this.#varint();
      this.at += length;
    } else if (type === LONG.list || type === LONG.set) {
      const byte = this.#byte();
      const size = byte >> 4 === 15 ? this.#varint() : byte >> 4;
      const element = byte & 15;
      for (let i = 0; i < size; i++) {
        // Truth in a list is a byte.
        this.#skip(element <= TYPE.no ? TYPE.byte : element, depth + 1);
        if (this.at > this.#bytes.length) throw new RangeError('a page header that ends early');
      }
    } else if (type === LONG.struct) this.struct(0, depth + 2);
    else throw new RangeError(`a page header with a field of type ${type}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('a page header that ends early');
    return byte;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  #integer(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
