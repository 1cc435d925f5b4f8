/** One line of a log while it is looked at: bytes, and text only if somebody asks for it. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { redactText } from '../record/redact.ts';
import type { Evidence } from './log-index.ts';

export const MAX_EVIDENCE_TEXT = 500;

const ESCAPE = '\u001b';
/** CSI sequences (colours, cursor), OSC titles, and two-character escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
const CONTROL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

export function withoutColours(text: string): string {
  return text.includes(ESCAPE) ? text.replaceAll(CONTROL, '') : text;
}

export class LogLine {
  /** From 1. */
  number = 0;
  /** Offset in the file. */
  start = 0;
  /** False if only the beginning of an overlong line is here. */
  isWhole = true;
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #text: string | null = null;

  /** `text` is given where the bytes are not UTF-8 by design. */
  set(
    bytes: Buffer,
    from: number,
    to: number,
    place: { number: number; start: number; isWhole: boolean; text?: string },
  ): void {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#text = place.text === undefined ? null : withoutColours(place.text);
    this.number = place.number;
    this.start = place.start;
    this.isWhole = place.isWhole;
  }

  /** End of what is held, as an offset in the file. */
  get end(): number {
    return this.start + (this.#to - this.#from);
  }

  /** Without colours; bytes that are not UTF-8 come as U+FFFD. */
  get text(): string {
    this.#text ??= withoutColours(this.#bytes.toString('utf8', this.#from, this.#to));
    return this.#text;
  }

  /** The same line on bytes of its own: outlives the call that handed it over. */
  copy(): LogLine {
    const copy = new LogLine();
    const bytes = Buffer.from(this.#bytes.subarray(this.#from, this.#to));
    copy.set(bytes, 0, bytes.length, {
      number: this.number,
      start: this.start,
      isWhole: this.isWhole,
      text: this.text,
    });
    return copy;
  }

  evidence(path: string): Evidence {
    const bytes = this.#bytes.subarray(this.#from, this.#to);
    return {
      path,
      line: this.number,
      start: this.start,
      end: this.end,
      text: shortened(this.text),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  }
}

/** Without what looks like a secret: an index is published where the log is not. */
export function shortened(text: string): string {
  const one = redactText(text.slice(0, 4 * MAX_EVIDENCE_TEXT)).trimEnd();
  return one.length <= MAX_EVIDENCE_TEXT ? one : `${one.slice(0, MAX_EVIDENCE_TEXT - 1)}…`;
}
