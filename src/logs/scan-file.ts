/** One file, one pass: hash, lines, encodings, dialects, times. Memory does not grow with it. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Finding } from '../record/schema.ts';
import type { DialectReader } from './dialect.ts';
import { type Collected, Collector } from './dialect-log.ts';
import { DIALECTS } from './dialects.ts';
import { EncodingWatch, findMisreading, utf16Of } from './encoding.ts';
import { type ClockReading, FileClock } from './file-clock.ts';
import { LineScanner } from './line-scanner.ts';
import type { Encoding } from './log-index.ts';
import type { LogLine } from './log-line.ts';
import { buildAutomaton, type Marks } from './needles.ts';
import { Utf16Scanner } from './utf16-scanner.ts';

export interface FileScan {
  readonly bytes: number;
  readonly lines: number;
  readonly segments: number;
  readonly sha256: string;
  readonly encoding: Encoding;
  readonly collected: Collected;
  readonly clock: ClockReading;
  /** Of the bytes themselves: encodings, NUL bytes. */
  readonly findings: readonly Finding[];
}

const AUTOMATON = buildAutomaton(DIALECTS.map((dialect) => dialect.needles));
/** Lines at the start that are looked at for their time. */
const CLOCK_LINES = 8192;
/** Bytes at the end whose lines are looked at for their time. */
export const TAIL_BYTES = 1 << 14;
/** Non-ASCII text at the start that is looked at for misread characters. */
const MISREADING_BYTES = 1 << 16;

/** Needles with a number in them, by their text before it: a like line could hold them. */
const NUMBERED = DIALECTS.flatMap(({ needles }, dialect) =>
  needles
    .filter((needle) => /\d/.test(needle))
    .map((needle) => ({ dialect, text: needle.replace(/\d.*$/, '') })),
);

/** No other dialect has a needle in a line that differs from this one only in its numbers. */
function isFree(text: string, dialect: number): boolean {
  return NUMBERED.every((needle) => needle.dialect === dialect || !text.includes(needle.text));
}

/** Takes the chunks of a file in order. `path` is the one that evidence will name. */
export class FileScanner {
  readonly #hash = createHash('sha256');
  readonly #encoding = new EncodingWatch();
  readonly #collector: Collector;
  readonly #clock: FileClock;
  readonly #readers: DialectReader[];
  readonly #skimmers: DialectReader[];
  readonly #keepers: DialectReader[];
  /** Until which line each dialect wants every line. */
  readonly #until: number[];
  /** A reader has learnt a line by heart, and such lines are a good part of the file. */
  isSkimming = false;
  /** Lines of this chunk that were skimmed, or could have been. */
  #alike = 0;
  #segmentsBefore = 0;
  /** The scanner hands over all lines before this one, marked or not. */
  wantUntil = CLOCK_LINES;
  /** Of the line after the one that was handed over last. */
  #ordinal = 0;
  #sampleNext = false;
  #lines: LineScanner | Utf16Scanner | null = null;
  #utf16: 'utf-16le' | 'utf-16be' | null = null;
  #head: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #inTail = false;

  constructor(path: string) {
    this.#collector = new Collector(path);
    this.#clock = new FileClock(path);
    this.#until = DIALECTS.map(() => 0);
    this.#readers = DIALECTS.map((dialect, i) =>
      dialect.open(this.#collector.logOf(dialect.name, (lines) => this.#follow(i, lines))),
    );
    this.#skimmers = this.#readers.filter(({ skim }) => skim !== undefined);
    this.#keepers = this.#readers.filter(({ release }) => release !== undefined);
  }

  /** `chunk` may be reused. `isTail`: the last bytes of the file, to see when it ends. */
  push(chunk: Buffer, isTail: boolean): void {
    this.#hash.update(chunk);
    if (this.#lines === null) {
      this.#head = Buffer.from(chunk.subarray(0, MISREADING_BYTES));
      this.#utf16 = utf16Of(chunk);
      this.#lines = this.#utf16
        ? new Utf16Scanner(this.#utf16, AUTOMATON, this)
        : new LineScanner(AUTOMATON, this);
    }
    if (this.#utf16 === null) this.#encoding.see(chunk);
    // Two passes at once are faster than skimming where there is little to skim.
    this.isSkimming = this.#alike * 4 > this.#lines.segments - this.#segmentsBefore;
    this.#alike = 0;
    this.#segmentsBefore = this.#lines.segments;
    // One line of every chunk is looked at for its time: years turn in the middle of a file.
    this.#sampleNext = true;
    this.#inTail = isTail;
    this.wantUntil = isTail
      ? Number.POSITIVE_INFINITY
      : Math.max(this.wantUntil, this.#lines.segments + 1);
    this.#lines.push(chunk, chunk.length);
    this.#bytes += chunk.length;
  }

  end(): FileScan {
    this.#lines?.end();
    for (const reader of this.#readers) reader.end?.();
    return {
      bytes: this.#bytes,
      lines: this.#lines?.lines ?? 0,
      segments: this.#lines?.segments ?? 0,
      sha256: this.#hash.digest('hex'),
      encoding: this.#utf16 ?? this.#encoding.encoding,
      collected: this.#collector.collected(),
      clock: this.#clock.reading(),
      findings: this.#byteFindings(),
    };
  }

  onLine(line: LogLine, marks: Marks, ordinal: number): void {
    this.#ordinal = ordinal + 1;
    if (ordinal < CLOCK_LINES || this.#inTail || this.#sampleNext) {
      this.#clock.see(line);
      this.#sampleNext = false;
    }
    for (let i = 0; i < this.#readers.length; i += 1) {
      if ((marks & (1 << i)) === 0 && ordinal >= (this.#until[i] as number)) continue;
      const reader = this.#readers[i] as DialectReader;
      const isAlone = reader.skim !== undefined && marks === 1 << i && isFree(line.text, i);
      reader.line(line, isAlone);
      if (!isAlone) continue;
      this.isSkimming = true;
      this.#alike += 1;
    }
  }

  skim(line: LogLine): number {
    for (const reader of this.#skimmers) {
      const end = (reader.skim as (line: LogLine) => number)(line);
      if (end < 0) continue;
      this.#alike += 1;
      return end;
    }
    return -1;
  }

  release(): void {
    for (const reader of this.#keepers) reader.release?.();
  }

  #follow(dialect: number, lines: number): void {
    const until = this.#ordinal + lines;
    this.#until[dialect] = Math.max(this.#until[dialect] as number, until);
    this.wantUntil = Math.max(this.wantUntil, until);
  }

  #byteFindings(): Finding[] {
    const findings: Finding[] = [];
    const { firstInvalid, firstNul } = this.#encoding;
    if (firstInvalid >= 0) {
      const message = `is not valid UTF-8, first at byte ${firstInvalid}`;
      findings.push({ code: 'invalid-utf8', severity: 'warning', message });
    }
    if (firstNul >= 0 && this.#utf16 === null) {
      const message = `holds NUL bytes, the first at byte ${firstNul}: a hole, or binary data`;
      findings.push({ code: 'nul-bytes', severity: 'warning', message });
    }
    const misread = this.#utf16 === null ? findMisreading(this.#head.toString('utf8')) : null;
    if (misread) {
      const { readAs, example, repaired } = misread;
      const message =
        `UTF-8 that was read as ${readAs} and saved again (${example} was ${repaired}): ` +
        `encode it as ${readAs} and decode that as UTF-8 to repair it`;
      findings.push({ code: 'mojibake', severity: 'warning', message, evidence: { ...misread } });
    }
    return findings;
  }
}

/** A whole log that is in memory. */
export function scanBytes(bytes: Buffer, path: string): FileScan {
  const scanner = new FileScanner(path);
  scanner.push(bytes, true);
  return scanner.end();
}
