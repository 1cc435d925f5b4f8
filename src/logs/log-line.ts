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

const NOTHING = Buffer.alloc(0);

export class LogLine {
  /** From 1. */
  number = 0;
  /** Offset in the file. */
  start = 0;
  /** False if only the beginning of an overlong line is here. */
  isWhole = true;
  /** What is held of the line: `bytes` from `from` to `to`, valid during the call only. */
  bytes: Buffer = NOTHING;
  from = 0;
  to = 0;
  #text: string | null = null;

  /** Then `number`, `start` and `isWhole`. `text` is given where the bytes are not UTF-8. */
  set(bytes: Buffer, from: number, to: number, text: string | null = null): void {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.#text = text === null ? null : withoutColours(text);
  }

  /** End of what is held, as an offset in the file. */
  get end(): number {
    return this.start + (this.to - this.from);
  }

  /** Without colours; bytes that are not UTF-8 come as U+FFFD. */
  get text(): string {
    this.#text ??= withoutColours(this.bytes.toString('utf8', this.from, this.to));
    return this.#text;
  }

  /** The same line on bytes of its own: outlives the call that handed it over. */
  copy(): LogLine {
    const copy = new LogLine();
    copy.become(this);
    return copy;
  }

  /** This line, kept for later in place of the one that was kept before. */
  become(line: LogLine): void {
    const length = line.to - line.from;
    if (this.bytes.length < length || this.from !== 0) this.bytes = Buffer.allocUnsafe(length + 64);
    line.bytes.copy(this.bytes, 0, line.from, line.to);
    this.from = 0;
    this.to = length;
    this.#text = line.#text;
    this.number = line.number;
    this.start = line.start;
    this.isWhole = line.isWhole;
  }

  /** This line, on its bytes: for as long as they are there, then `keep` it. */
  refer(line: LogLine): void {
    this.bytes = line.bytes;
    this.from = line.from;
    this.to = line.to;
    this.#text = line.#text;
    this.number = line.number;
    this.start = line.start;
    this.isWhole = line.isWhole;
  }

  /** Puts what was referred to on bytes of its own. */
  keep(): void {
    this.bytes = Buffer.from(this.bytes.subarray(this.from, this.to));
    this.to -= this.from;
    this.from = 0;
  }

  evidence(path: string): Evidence {
    const bytes = this.bytes.subarray(this.from, this.to);
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
