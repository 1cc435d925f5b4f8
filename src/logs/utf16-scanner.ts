/** UTF-16 logs (PowerShell writes them): rare and small, so every line becomes text. */
import { Buffer } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { type LineListener, MAX_LINE_BYTES } from './line-scanner.ts';
import { LogLine } from './log-line.ts';
import { type Automaton, CR, LF, marksIn } from './needles.ts';

const MARK_BYTES = 2;

export class Utf16Scanner {
  readonly #bigEndian: boolean;
  readonly #decoder: TextDecoder;
  readonly #automaton: Automaton;
  readonly #listener: LineListener;
  readonly #line = new LogLine();
  readonly #held = Buffer.allocUnsafe(MAX_LINE_BYTES);
  #heldBytes = 0;
  #lineBytes = 0;
  #odd = -1;
  #offset = MARK_BYTES;
  #lineStart = MARK_BYTES;
  #skip = MARK_BYTES;
  #lineFeeds = 0;
  #segments = 0;
  #wasReturn = false;

  constructor(encoding: 'utf-16le' | 'utf-16be', automaton: Automaton, listener: LineListener) {
    this.#automaton = automaton;
    this.#bigEndian = encoding === 'utf-16be';
    this.#decoder = new TextDecoder(encoding);
    this.#listener = listener;
  }

  push(chunk: Buffer, length: number): void {
    for (let i = this.#skip; i < length; i += 1) {
      const byte = chunk[i] as number;
      if (this.#odd < 0) this.#odd = byte;
      else {
        this.#unit(this.#odd, byte);
        this.#odd = -1;
      }
    }
    this.#skip = 0;
  }

  end(): void {
    if (this.#lineBytes > 0) this.#deliver();
  }

  get lines(): number {
    return this.#lineFeeds + (this.#lineBytes > 0 || this.#wasReturn ? 1 : 0);
  }

  get segments(): number {
    return this.#segments;
  }

  #unit(first: number, second: number): void {
    const code = this.#bigEndian ? first * 256 + second : second * 256 + first;
    this.#offset += 2;
    if (code !== LF && code !== CR) {
      if (this.#heldBytes + 2 <= MAX_LINE_BYTES) {
        this.#held[this.#heldBytes] = first;
        this.#held[this.#heldBytes + 1] = second;
        this.#heldBytes += 2;
      }
      this.#lineBytes += 2;
      return;
    }
    const isSecond = code === LF && this.#wasReturn && this.#lineBytes === 0;
    if (!isSecond) this.#deliver();
    if (code === LF) this.#lineFeeds += 1;
    this.#wasReturn = code === CR;
    this.#heldBytes = 0;
    this.#lineBytes = 0;
    this.#lineStart = this.#offset;
  }

  #deliver(): void {
    const ordinal = this.#segments;
    this.#segments += 1;
    const text = this.#decoder.decode(this.#held.subarray(0, this.#heldBytes));
    const isWhole = this.#heldBytes === this.#lineBytes;
    this.#line.set(this.#held, 0, this.#heldBytes, text);
    this.#line.number = this.#lineFeeds + 1;
    this.#line.start = this.#lineStart;
    this.#line.isWhole = isWhole;
    const marks = marksIn(Buffer.from(text), this.#automaton);
    if (marks === 0 && ordinal >= this.#listener.wantUntil) return;
    this.#listener.onLine(this.#line, marks, ordinal);
    this.#listener.release?.();
  }
}
