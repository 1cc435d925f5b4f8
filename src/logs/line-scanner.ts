/**
 * Bytes in, lines out, in bounded memory: only the first 16 KiB of a line are ever held. A line
 * ends at `\n` or `\r` (a progress bar's states are lines); it is handed over only if a needle was
 * found in it, or if the listener asked for the next ones.
 */
import { Buffer } from 'node:buffer';
import { LogLine } from './log-line.ts';
import { type Automaton, CR, LF, type Marks, runHalves, spokenRoom } from './needles.ts';

/** Of a longer line this much is kept; the needles are looked for in all of it. */
export const MAX_LINE_BYTES = 1 << 14;

/** A chunk of this size is worth being cut in two, and there is room for what is found in one. */
const WORTH_TWO = 1 << 12;
const MOST_TWO = 1 << 18;
/** Scratch of one call: scanning a chunk never waits for anything. */
const FIRST = spokenRoom(MOST_TWO);
const SECOND = spokenRoom(MOST_TWO);

export interface LineListener {
  /** Lines before this one, counted from 0, are handed over whether marked or not. */
  readonly wantUntil: number;
  /** `line` is valid during the call only; `ordinal` counts lines from 0, `\r` ends one too. */
  onLine(line: LogLine, marks: Marks, ordinal: number): void;
  /** Whether there is anybody to ask. */
  readonly isSkimming: boolean;
  /** The bytes of all lines so far go away now. */
  release?(): void;
  /** As of a dialect's reader: where the line ends if somebody takes it as it is, or −1. */
  skim(line: LogLine): number;
}

export class LineScanner {
  readonly #automaton: Automaton;
  readonly #listener: LineListener;
  readonly #line = new LogLine();
  readonly #held = Buffer.allocUnsafe(MAX_LINE_BYTES);
  #heldBytes = 0;
  #state = 0;
  #marks: Marks = 0;
  /** Offset in the file of the chunk that comes next. */
  #offset = 0;
  #lineStart = 0;
  #lineFeeds = 0;
  #segments = 0;
  #afterReturn = false;

  constructor(automaton: Automaton, listener: LineListener) {
    this.#automaton = automaton;
    this.#listener = listener;
  }

  /** The chunk may be reused after the call. */
  push(chunk: Buffer, length: number): void {
    const middle = this.#middleOf(chunk, length);
    const end = middle === null ? this.#one(chunk, length) : this.#two(chunk, middle, length);
    this.#listener.release?.();
    this.#hold(chunk, end, length);
    this.#offset += length;
  }

  /** Where to cut a chunk for two passes at once; null where one pass is better. */
  #middleOf(chunk: Buffer, length: number): number | null {
    // A pass that skips lines is faster than two that do not.
    if (length < WORTH_TWO || length > MOST_TWO || this.#listener.isSkimming) return null;
    const feed = chunk.indexOf(LF, length >> 1);
    // A progress bar may go on for megabytes without one.
    const middle = (feed < 0 ? chunk.indexOf(CR, length >> 1) : feed) + 1;
    return middle === 0 || middle >= length ? null : middle;
  }

  #two(chunk: Buffer, middle: number, length: number): number {
    const halves = { state: this.#state, middle, length, first: FIRST, second: SECOND };
    this.#state = runHalves(this.#automaton, chunk, halves);
    const { lineFeed, carriageReturn, marksOf } = this.#automaton;
    let from = 0;
    for (const { at, states, count } of [FIRST, SECOND]) {
      for (let i = 0; i < count; i += 1) {
        const state = states[i] as number;
        if (state < lineFeed) {
          this.#marks |= marksOf[state] as number;
          continue;
        }
        this.#endLine(chunk, from, at[i] as number, state === carriageReturn);
        from = (at[i] as number) + 1;
      }
    }
    return from;
  }

  /** Both return where the line begins that the chunk does not end. */
  #one(chunk: Buffer, length: number): number {
    const { classes, next, speaking, lineFeed, carriageReturn, marksOf } = this.#automaton;
    let state = this.#state;
    let from = 0;
    for (let i = 0; i < length; i += 1) {
      state = next[state + (classes[chunk[i] as number] as number)] as number;
      if (state < speaking) continue;
      if (state < lineFeed) {
        this.#marks |= marksOf[state] as number;
        continue;
      }
      this.#endLine(chunk, from, i, state === carriageReturn);
      from = this.#listener.isSkimming ? this.#skim(chunk, i + 1, length) : i + 1;
      i = from - 1;
    }
    this.#state = state;
    return from;
  }

  /** The last line, if the file does not end with a line break. */
  end(): void {
    if (this.#offset > this.#lineStart) this.#deliver(this.#held, 0, this.#heldBytes, this.#offset);
    this.#heldBytes = 0;
  }

  get lines(): number {
    return this.#lineFeeds + (this.#offset > this.#lineStart || this.#afterReturn ? 1 : 0);
  }

  get segments(): number {
    return this.#segments;
  }

  #endLine(chunk: Buffer, from: number, to: number, isReturn: boolean): void {
    const end = this.#offset + to;
    // `\r\n` is one line end; the `\r` has delivered the line already.
    const second = !isReturn && this.#afterReturn && end === this.#lineStart;
    if (!second) {
      if (this.#heldBytes > 0) {
        this.#hold(chunk, from, to);
        this.#deliver(this.#held, 0, this.#heldBytes, end);
      } else {
        this.#deliver(chunk, from, Math.min(to, from + MAX_LINE_BYTES), end);
      }
    }
    this.#heldBytes = 0;
    this.#marks = 0;
    this.#afterReturn = isReturn;
    if (!isReturn) this.#lineFeeds += 1;
    this.#lineStart = end + 1;
  }

  /** Lines that are taken without looking for needles; returns where the next one begins. */
  #skim(chunk: Buffer, from: number, length: number): number {
    const line = this.#line;
    let at = from;
    while (at < length && this.#segments >= this.#listener.wantUntil) {
      line.set(chunk, at, length);
      line.number = this.#lineFeeds + 1;
      line.start = this.#offset + at;
      line.isWhole = true;
      const end = this.#listener.skim(line);
      if (end < 0) break;
      this.#segments += 1;
      this.#afterReturn = chunk[end] === CR;
      if (!this.#afterReturn) this.#lineFeeds += 1;
      at = end + 1;
      this.#lineStart = this.#offset + at;
    }
    return at;
  }

  #deliver(bytes: Buffer, from: number, to: number, end: number): void {
    const ordinal = this.#segments;
    this.#segments += 1;
    if (this.#marks === 0 && ordinal >= this.#listener.wantUntil) return;
    const line = this.#line;
    line.set(bytes, from, to);
    line.number = this.#lineFeeds + 1;
    line.start = this.#lineStart;
    line.isWhole = to - from === end - this.#lineStart;
    this.#listener.onLine(line, this.#marks, ordinal);
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const room = MAX_LINE_BYTES - this.#heldBytes;
    const take = Math.min(room, to - from);
    if (take <= 0) return;
    chunk.copy(this.#held, this.#heldBytes, from, from + take);
    this.#heldBytes += take;
  }
}
