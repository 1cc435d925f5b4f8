/** Where the values of a column go: numbers into an array, names as numbers of their table. */
import type { NameTable } from './name-table.ts';
import { BYTES, type Kind, type PageKernel, type PlainType, type Span } from './page-kernel.ts';

/** Pages of values; what a dictionary page holds is given first. False: not read fast. */
export interface PageSink {
  /** PLAIN values of the dictionary. */
  dictionary(plain: Span, count: number): boolean;
  /** Places in the dictionary, `width` bits each, 0 to 24. */
  places(packed: Span, width: number, count: number): boolean;
  plain(plain: Span, count: number): boolean;
}

interface SinkOf {
  readonly kernel: PageKernel;
  readonly kind: Kind;
  /** Room for all values of the chunk. */
  readonly into: Span;
}

/** The values of one chunk, page by page. */
abstract class ValueSink implements PageSink {
  readonly kernel: PageKernel;
  readonly kind: Kind;
  readonly #into: Span;
  #dictionary: Span = { at: 0, end: 0 };
  #filled: number;

  constructor({ kernel, kind, into }: SinkOf) {
    this.kernel = kernel;
    this.kind = kind;
    this.#into = into;
    this.#filled = into.at;
  }

  dictionary(plain: Span, count: number): boolean {
    if (count > plain.end - plain.at) return false;
    const { at, end } = this.kernel.take(count * BYTES[this.kind]);
    this.#dictionary = { at, end };
    return this.read(plain, count, at);
  }

  places(packed: Span, width: number, count: number): boolean {
    const to = this.#room(count);
    if (to === null || width > 24) return false;
    const dictionary = this.#dictionary;
    // A dictionary of one value needs no bits: as a run of its only place.
    if (width === 0) return this.#repeat(to, count);
    return this.kernel.places(this.kind, packed, { width, count, dictionary, to });
  }

  plain(plain: Span, count: number): boolean {
    const to = this.#room(count);
    return to !== null && this.read(plain, count, to);
  }

  abstract read(plain: Span, count: number, to: number): boolean;

  #room(count: number): number | null {
    const to = this.#filled;
    this.#filled += count * BYTES[this.kind];
    return this.#filled > this.#into.end ? null : to;
  }

  #repeat(to: number, count: number): boolean {
    const { at, end } = this.#dictionary;
    if (at === end) return false;
    const [buffer, wide] = [this.kernel.buffer, BYTES[this.kind]];
    const cells = wide === 2 ? Uint16Array : Uint32Array;
    new cells(buffer, to, count).fill(new cells(buffer, at, 1)[0] as number);
    return true;
  }
}

/** Refuses what cannot be a value: negative, not finite, above `most`. */
export class NumberSink extends ValueSink {
  readonly #type: PlainType;
  readonly #most: number;

  constructor(of: SinkOf & { readonly type: PlainType; readonly most: number }) {
    super(of);
    this.#type = of.type;
    this.#most = of.most;
  }

  read(plain: Span, count: number, to: number): boolean {
    const of = { type: this.#type, count, to, most: this.#most };
    return this.kernel.plain(this.kind, plain, of);
  }
}

export class NameSink extends ValueSink {
  readonly #names: NameTable;

  constructor(of: { kernel: PageKernel; into: Span; names: NameTable }) {
    super({ ...of, kind: 'u32' });
    this.#names = of.names;
  }

  read(plain: Span, count: number, to: number): boolean {
    const bytes = this.kernel.bytes(plain);
    const into = new Uint32Array(this.kernel.buffer, to, count);
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
