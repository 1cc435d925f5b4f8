/**
 * Lines that differ only in their numbers, read without making text of them: a server prints
 * millions. What a template says of a line is what the slow way would say, or it says nothing.
 */
import type { LogLine } from './log-line.ts';

const ZERO = 0x30;
const POINT = 0x2e;
/** An integer of so many digits, and its quotient by a power of ten, are exact. */
const MAX_DIGITS = 15;
const POWERS = Array.from({ length: MAX_DIGITS + 1 }, (_, i) => 10 ** i);

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

export class LineTemplate {
  /** The numbers of the line that matched last, in its order. */
  readonly values: Float64Array;
  /** What stands between the numbers, one after another, and where in `#text` each ends. */
  readonly #text: Uint8Array;
  readonly #ends: Int32Array;

  private constructor(literals: readonly Uint8Array[]) {
    this.#text = Uint8Array.from(Buffer.concat(literals));
    let end = 0;
    this.#ends = Int32Array.from(literals, (literal) => {
      end += literal.length;
      return end;
    });
    this.values = new Float64Array(literals.length - 1);
  }

  /** null when a number of the line is too long to be exact. */
  static of(line: LogLine): LineTemplate | null {
    const { bytes, from, to } = line;
    const literals: Uint8Array[] = [];
    let start = from;
    for (let at = from; at < to; ) {
      if (!isDigit(bytes[at])) {
        at += 1;
        continue;
      }
      literals.push(Uint8Array.prototype.slice.call(bytes, start, at));
      at = endOfNumber(bytes, at, to);
      start = at;
    }
    literals.push(Uint8Array.prototype.slice.call(bytes, start, to));
    const template = new LineTemplate(literals);
    return template.matches(line) ? template : null;
  }

  /** True if the line is this one but for its numbers, which are then in `values`. */
  matches({ bytes, from, to }: LogLine): boolean {
    return this.endOf(bytes, from, to) === to;
  }

  /** Where a line that begins at `from` like this one ends, at most at `to`; −1 for another. */
  endOf(bytes: Uint8Array, from: number, to: number): number {
    const text = this.#text;
    const ends = this.#ends;
    const { values } = this;
    const last = ends.length - 1;
    let at = from;
    let done = 0;
    for (let i = 0; ; i += 1) {
      const end = ends[i] as number;
      if (at + end - done > to) return -1;
      for (; done < end; done += 1, at += 1) if (bytes[at] !== text[done]) return -1;
      if (i === last) return at;
      // Digits, and a point with digits after it: the same extent as `endOfNumber`.
      const start = at;
      let value = 0;
      let decimals = 0;
      for (; at < to; at += 1) {
        const digit = (bytes[at] as number) - ZERO;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      let digits = at - start;
      if (digits === 0) return -1;
      if (at + 1 < to && bytes[at] === POINT && isDigit(bytes[at + 1])) {
        for (at += 1; at < to && isDigit(bytes[at]); at += 1) {
          value = value * 10 + (bytes[at] as number) - ZERO;
          decimals += 1;
        }
        digits += decimals;
      }
      if (digits > MAX_DIGITS) return -1;
      values[i] = value / (POWERS[decimals] as number);
    }
  }
}

function endOfNumber(bytes: Uint8Array, start: number, to: number): number {
  let at = start;
  while (at < to && isDigit(bytes[at])) at += 1;
  if (at + 1 >= to || bytes[at] !== POINT || !isDigit(bytes[at + 1])) return at;
  at += 1;
  while (at < to && isDigit(bytes[at])) at += 1;
  return at;
}

const NUMBERS = /\d+(?:\.\d+)?/g;

/** How many numbers of a template stand before an index of a text. */
export function numbersBefore(text: string, index: number): number {
  let count = 0;
  for (const match of text.matchAll(NUMBERS)) if (match.index < index) count += 1;
  return count;
}
