/** Reads one line of a known shape from bytes into a row of columns: the hot loop of a trace. */
import { PHASES, type RouteColumns } from '../analyze/routing/route-block.ts';
import type { NameTable } from './name-table.ts';
import { MAX_EXPERT, MAX_LAYER, MAX_TOKEN } from './parse-line.ts';
import { FIELD, type Literal, type RouteTemplate, type TemplateStep } from './route-template.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
const TILDE = 126;
const ZERO = 48;
const POINT = 46;
/** `e`, and `E` once its bit is set. */
const EXPONENT = 101;
const PLUS = 43;
const MINUS = 45;
/** Exact as doubles. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
const MOST_POWER = 22;
/** Integers of more digits are for the other way. */
const MAX_DIGITS = 9;
const PHASE_CODES = PHASES.map((phase) => new Uint8Array(Buffer.from(phase)));

/**
 * A weight is the nearest f32 of its decimal: the digits are summed up in f64 with an error below
 * 2⁻⁵⁰ of the value, so that it could differ from Math.fround(JSON.parse) by one f32 step only for
 * a number of more than 15 digits that lies so near the middle of two.
 */
export class RouteReader {
  readonly #names: NameTable;
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #columns!: RouteColumns;
  #knownFrom = 0;
  #knownLength = -1;
  #known = 0;

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** Behind the bytes to be read stand zeros, so that no value goes on there. */
  open(bytes: Buffer, columns: RouteColumns): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#columns = columns;
    // What stood at that place may have been overwritten.
    this.#knownLength = -1;
  }

  /** Fills row `columns.rows`; the place behind the line, or -1: it is of another shape. */
  read({ steps, end }: RouteTemplate, from: number): number {
    let at = from;
    this.#columns.phase[this.#columns.rows] = 0;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as TemplateStep;
      if (!this.#matches(step.literal, at)) return -1;
      at = this.#value(step, at + step.literal.length);
      if (at < 0) return -1;
    }
    return this.#matches(end, at) ? at + end.length : -1;
  }

  #matches({ length, codes, words }: Literal, at: number): boolean {
    if (length >= 8) {
      const last = words.length - 1;
      const view = this.#view;
      if (at + length > view.byteLength) return false;
      for (let i = 0; i < last; i++)
        if (view.getFloat64(at + 8 * i, true) !== words[i]) return false;
      return view.getFloat64(at + length - 8, true) === words[last];
    }
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== codes[i]) return false;
    return true;
  }

  #value(step: TemplateStep, at: number): number {
    switch (step.field) {
      case FIELD.request:
        return this.#request(at);
      case FIELD.token:
        return this.#integer(this.#columns.token, at, MAX_TOKEN);
      case FIELD.layer:
        return this.#integer(this.#columns.layer, at, MAX_LAYER);
      case FIELD.ids:
        return this.#ids(step.separator, at);
      case FIELD.weights:
        return this.#weights(step.separator, at);
      case FIELD.phase:
        return this.#phase(at);
      case FIELD.skipText:
        return this.#text(at);
      default:
        return this.#number(at);
    }
  }

  /** End of a text without escapes and in ASCII; -1: it is another. */
  #text(at: number): number {
    const bytes = this.#bytes;
    for (let p = at; ; p++) {
      const code = bytes[p] as number;
      if (code === QUOTE) return p;
      // Written so that the undefined behind the end fails too.
      if (!(code >= SPACE && code <= TILDE) || code === BACKSLASH) return -1;
    }
  }

  #request(at: number): number {
    const bytes = this.#bytes;
    const length = this.#knownLength;
    const from = this.#knownFrom;
    let i = 0;
    while (i < length && bytes[at + i] === bytes[from + i]) i++;
    if (i !== length || bytes[at + i] !== QUOTE) {
      const end = this.#text(at);
      if (end < 0) return -1;
      this.#known = this.#names.lookup(bytes, at, end);
      this.#knownLength = end - at;
      this.#knownFrom = at;
    }
    this.#columns.request[this.#columns.rows] = this.#known;
    return at + this.#knownLength;
  }

  #phase(at: number): number {
    const end = this.#text(at);
    for (let index = 1; index < PHASE_CODES.length; index++) {
      const codes = PHASE_CODES[index] as Uint8Array;
      let i = 0;
      while (i < codes.length && this.#bytes[at + i] === codes[i]) i++;
      if (i !== codes.length || at + i !== end) continue;
      this.#columns.phase[this.#columns.rows] = index;
      return end;
    }
    return -1;
  }

  #integer(column: Uint32Array | Uint16Array, at: number, most: number): number {
    const bytes = this.#bytes;
    let value = 0;
    let p = at;
    for (let digit = (bytes[p] as number) - ZERO; digit >= 0 && digit <= 9; ) {
      value = value * 10 + digit;
      digit = (bytes[++p] as number) - ZERO;
    }
    const digits = p - at;
    if (digits === 0 || digits > MAX_DIGITS || value > most) return -1;
    if (digits > 1 && bytes[at] === ZERO) return -1;
    column[this.#columns.rows] = value;
    return p;
  }

  #ids(separator: Literal, at: number): number {
    const { ids, rows, topK } = this.#columns;
    const bytes = this.#bytes;
    let p = at;
    for (let i = 0; i < topK; i++) {
      if (i > 0) {
        if (!this.#matches(separator, p)) return -1;
        p += separator.length;
      }
      const first = p;
      let value = 0;
      for (let digit = (bytes[p] as number) - ZERO; digit >= 0 && digit <= 9; ) {
        value = value * 10 + digit;
        digit = (bytes[++p] as number) - ZERO;
      }
      if (p === first || value > MAX_EXPERT) return -1;
      if (p - first > 1 && bytes[first] === ZERO) return -1;
      ids[rows * topK + i] = value;
    }
    return p;
  }

  #weights(separator: Literal, at: number): number {
    const { weights, rows, topK } = this.#columns;
    let p = at;
    for (let i = 0; i < topK; i++) {
      if (i > 0) {
        if (!this.#matches(separator, p)) return -1;
        p += separator.length;
      }
      p = this.#number(p, weights, rows * topK + i);
      if (p < 0) return -1;
    }
    return p;
  }

  /** A number as JSON writes it, not negative; its end, or -1: for the other way. */
  #number(at: number, into: Float32Array | null = null, place = 0): number {
    const bytes = this.#bytes;
    let mantissa = 0;
    let p = at;
    for (let digit = (bytes[p] as number) - ZERO; digit >= 0 && digit <= 9; ) {
      mantissa = mantissa * 10 + digit;
      digit = (bytes[++p] as number) - ZERO;
    }
    if (p === at || p - at > MAX_DIGITS || (p - at > 1 && bytes[at] === ZERO)) return -1;
    let power = 0;
    if (bytes[p] === POINT) {
      const first = ++p;
      const view = this.#view;
      for (; p + 4 <= view.byteLength; p += 4) {
        // Four digits at once: each byte becomes 0 … 9, or more if it is none.
        const x = view.getInt32(p, true) ^ 0x30303030;
        if ((((x + 0x76767676) | 0 | x) & 0x80808080) !== 0) break;
        const pairs = (Math.imul(x, 10) + (x >>> 8)) & 0x00ff00ff;
        mantissa = mantissa * 10_000 + ((pairs & 0xff) * 100 + (pairs >>> 16));
      }
      for (let digit = (bytes[p] as number) - ZERO; digit >= 0 && digit <= 9; ) {
        mantissa = mantissa * 10 + digit;
        digit = (bytes[++p] as number) - ZERO;
      }
      power = first - p;
      if (power === 0) return -1;
    }
    if (((bytes[p] as number) | 0x20) === EXPONENT) {
      const sign = bytes[p + 1];
      p += sign === PLUS || sign === MINUS ? 2 : 1;
      const first = p;
      let exponent = 0;
      for (let digit = (bytes[p] as number) - ZERO; digit >= 0 && digit <= 9; ) {
        exponent = exponent * 10 + digit;
        digit = (bytes[++p] as number) - ZERO;
      }
      if (p === first || p - first > 3) return -1;
      power += sign === MINUS ? -exponent : exponent;
    }
    if (power < -MOST_POWER || power > MOST_POWER) return -1;
    if (into !== null) {
      into[place] =
        power < 0 ? mantissa / (POWERS[-power] as number) : mantissa * (POWERS[power] as number);
    }
    return p;
  }
}
