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
  readonly #literals: readonly Uint8Array[];
  #at = 0;

  private constructor(literals: readonly Uint8Array[]) {
    this.#literals = literals;
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
    const literals = this.#literals;
    this.#at = from;
    for (let i = 0; i < literals.length; i += 1) {
      const literal = literals[i] as Uint8Array;
      const at = this.#at;
      if (at + literal.length > to) return -1;
      for (let j = 0; j < literal.length; j += 1) {
        if (bytes[at + j] !== literal[j]) return -1;
      }
      this.#at = at + literal.length;
      if (i < literals.length - 1 && !this.#number(bytes, to, i)) return -1;
    }
    return this.#at;
  }

  /** Digits, and a point with digits after it: the same extent as `endOfNumber`. */
  #number(bytes: Uint8Array, to: number, index: number): boolean {
    const start = this.#at;
    let at = start;
    let value = 0;
    for (; at < to && isDigit(bytes[at]); at += 1)
      value = value * 10 + (bytes[at] as number) - ZERO;
    let digits = at - start;
    if (digits === 0) return false;
    let decimals = 0;
    if (at + 1 < to && bytes[at] === POINT && isDigit(bytes[at + 1])) {
      for (at += 1; at < to && isDigit(bytes[at]); at += 1) {
        value = value * 10 + (bytes[at] as number) - ZERO;
        decimals += 1;
      }
      digits += decimals;
    }
    if (digits > MAX_DIGITS) return false;
    this.values[index] = value / (POWERS[decimals] as number);
    this.#at = at;
    return true;
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
