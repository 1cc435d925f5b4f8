/** One state of a progress bar: as text the slow way, and as bytes when it is like the last one. */
import type { LogLine } from './log-line.ts';
import { CR, LF } from './needles.ts';

export interface BarState {
  readonly name: string;
  readonly count: number;
  readonly total: number | null;
  readonly elapsedS: number;
}

const NUMBER = String.raw`(\d+(?:\.\d+)?[kMGT]?)`;
const TIME = String.raw`((?:\d+:)?\d+:\d\d)`;
const OF_TOTAL = new RegExp(String.raw`^\|? *${NUMBER}\/${NUMBER} \[${TIME}<`);
const OPEN_END = new RegExp(String.raw`^(.*?)(?:: )?(\d+)it \[${TIME}, `);
const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
/** A longer name is no bar's. */
const MAX_NAME = 300;
/** What is looked at behind the bar itself. */
const MAX_COUNTS = 80;

/** The first state in a line, tqdm's or vLLM's; null if there is none. */
export function parseBarState(text: string): BarState | null {
  let at = text.indexOf('%|');
  let after = at + 2;
  if (at < 0) {
    at = text.indexOf('% Completed |');
    after = at + 12;
  }
  if (at < 0) return openEnded(text);
  const bar = text.indexOf('| ', after);
  const end = bar < 0 ? after : bar;
  const counts = OF_TOTAL.exec(text.slice(end, end + MAX_COUNTS));
  if (!counts) return null;
  const name = text.slice(Math.max(0, at - MAX_NAME), at).replace(/:? *\d+$/, '');
  return {
    name: name.trim(),
    count: numberOf(counts[1] as string),
    total: numberOf(counts[2] as string),
    elapsedS: secondsOf(counts[3] as string),
  };
}

function openEnded(text: string): BarState | null {
  const match = OPEN_END.exec(text.length > 2 * MAX_NAME ? text.slice(0, 2 * MAX_NAME) : text);
  if (!match) return null;
  const name = (match[1] as string).replace(/[: ]+$/, '').trim();
  const count = Number(match[2]);
  return { name, count, total: null, elapsedS: secondsOf(match[3] as string) };
}

function numberOf(text: string): number {
  const scale = SCALE[text.at(-1) as string];
  return scale === undefined ? Number(text) : Number(text.slice(0, -1)) * scale;
}

/** `12:05`, `3:07:41` */
function secondsOf(text: string): number {
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

const [SPACE, PERCENT, SLASH, ZERO, COLON, LESS, OPEN, PIPE] = [32, 37, 47, 48, 58, 60, 91, 124];
const MAX_DIGITS = 9;
/** A longer line is cut by the scanner, and no bar's. */
const MAX_WHOLE = 2048;

const tableOf = (belongs: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0));
/** Blocks, or tqdm's ASCII for them. */
const IN_BAR = tableOf((byte) => byte >= 0x80 || byte === SPACE || byte === 35 || isDigit(byte));
/** `<00:02, 15.13it/s]`: no dialect has a needle in these alone. */
export const RATE_CHARACTERS = '<0123456789:?, .its/]';
const IN_RATE = tableOf((byte) => RATE_CHARACTERS.includes(String.fromCharCode(byte)));

/**
 * Reads further states of the bar that `learn` saw, in whole numbers. What it reads is what
 * `parseBarState` reads; whatever it does not know it leaves to that.
 */
export class BarReader {
  #prefix: Uint8Array | null = null;
  #isAlone = false;
  #name = '';
  #at = 0;
  #value = 0;

  /** `state` is that of the line, by `parseBarState`; `isAlone`: as of a dialect's reader. */
  learn({ bytes, from, to }: LogLine, state: BarState, isAlone: boolean): void {
    this.#prefix = null;
    this.#isAlone = isAlone;
    let end = from;
    while (end < to && !(bytes[end] === PERCENT && bytes[end + 1] === PIPE)) end += 1;
    if (end >= to - 1 || end - from > MAX_NAME / 2) return;
    while (end > from && isDigit(bytes[end - 1] as number)) end -= 1;
    while (end > from && bytes[end - 1] === SPACE) end -= 1;
    if (end > from && bytes[end - 1] === COLON) end -= 1;
    this.#prefix = Uint8Array.prototype.slice.call(bytes, from, end);
    // Colours are no part of a name as text, but of one as bytes.
    if (this.#prefix.includes(27)) this.#prefix = null;
    this.#name = state.name;
  }

  /** null if the line is not plainly a state of that bar. */
  read({ bytes, from, to }: LogLine): BarState | null {
    const prefix = this.#prefix;
    if (prefix === null || to - from <= prefix.length) return null;
    for (let i = 0; i < prefix.length; i += 1) if (bytes[from + i] !== prefix[i]) return null;
    this.#at = from + prefix.length;
    if (bytes[this.#at] === COLON) this.#at += 1;
    this.#skipSpaces(bytes, to);
    if (!this.#number(bytes, to)) return null;
    if (bytes[this.#at] !== PERCENT || bytes[this.#at + 1] !== PIPE) return null;
    let at = this.#at + 2;
    while (at < to && IN_BAR[bytes[at] as number] === 1) at += 1;
    if (at >= to - 1 || bytes[at] !== PIPE || bytes[at + 1] !== SPACE) return null;
    this.#at = at + 1;
    this.#skipSpaces(bytes, to);
    if (!this.#number(bytes, to) || bytes[this.#at] !== SLASH) return null;
    const count = this.#value;
    this.#at += 1;
    if (!this.#number(bytes, to)) return null;
    const total = this.#value;
    if (bytes[this.#at] !== SPACE || bytes[this.#at + 1] !== OPEN) return null;
    this.#at += 2;
    const elapsedS = this.#time(bytes, to);
    return elapsedS === null ? null : { name: this.#name, count, total, elapsedS };
  }

  /**
   * As `read`, of a line whose end is not known yet: `line.to` is then where its `\n` or `\r`
   * stands. null also where something else than time and rate follows the state.
   */
  readWhole(line: LogLine): BarState | null {
    const state = this.#isAlone ? this.read(line) : null;
    if (state === null) return null;
    const { bytes, to } = line;
    let at = this.#at;
    while (at < to && IN_RATE[bytes[at] as number] === 1) at += 1;
    if (at >= to || at - line.from > MAX_WHOLE || (bytes[at] !== CR && bytes[at] !== LF))
      return null;
    line.to = at;
    return state;
  }

  #skipSpaces(bytes: Uint8Array, to: number): void {
    while (this.#at < to && bytes[this.#at] === SPACE) this.#at += 1;
  }

  #number(bytes: Uint8Array, to: number): boolean {
    const start = this.#at;
    let at = start;
    let value = 0;
    for (; at < to && isDigit(bytes[at] as number); at += 1) {
      value = value * 10 + (bytes[at] as number) - ZERO;
    }
    this.#at = at;
    this.#value = value;
    return at > start && at - start <= MAX_DIGITS;
  }

  /** Two or three parts, the last of two digits, and `<` behind it. */
  #time(bytes: Uint8Array, to: number): number | null {
    let seconds = 0;
    for (let part = 1; part <= 3; part += 1) {
      const start = this.#at;
      if (!this.#number(bytes, to)) return null;
      seconds = seconds * 60 + this.#value;
      if (bytes[this.#at] === LESS) return part > 1 && this.#at - start === 2 ? seconds : null;
      if (bytes[this.#at] !== COLON) return null;
      this.#at += 1;
    }
    return null;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
