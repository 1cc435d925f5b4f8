/** What a dialect is: which lines it wants to see, and what it makes of them. */
import type { Bar, FactOrigin, FactValue, Outcome, Sign } from './log-index.ts';
import type { LogLine } from './log-line.ts';

export interface Dialect {
  readonly name: string;
  /** ASCII; a line that holds one of them is handed over. */
  readonly needles: readonly string[];
  /** A reader of one file. */
  open(log: DialectLog): DialectReader;
}

export interface DialectReader {
  /**
   * `isAlone`: no other dialect wants lines like this one, whatever their numbers, so that `skim`
   * may take them.
   */
  line(line: LogLine, isAlone: boolean): void;
  /**
   * Takes a line that is like one seen before, straight from the bytes: `line` begins at its
   * `from`, where it ends is not known yet. Returns where its `\n` or `\r` stands, or −1.
   */
  skim?(line: LogLine): number;
  /** The bytes of all lines so far go away now: what was referred to is to be kept. */
  release?(): void;
  /** After the last line. */
  end?(): void;
}

export interface FactOptions {
  readonly unit?: string;
  readonly from?: FactOrigin;
  readonly lines?: number;
}

/** Where a reader puts what it found, all of it within bounds. */
export interface DialectLog {
  /** Of the log, relative to the root: in case it matters. */
  readonly path: string;
  /** This dialect is spoken here, though it has no fact to give. */
  spoken(): void;
  /** The first value of a name stays. */
  fact(name: string, value: FactValue, line: LogLine, options?: FactOptions): void;
  /** The last value of a name stays. */
  lastFact(name: string, value: FactValue, line: LogLine, options?: FactOptions): void;
  count(name: string, line: LogLine, unit?: string): void;
  sum(name: string, value: number, line: LogLine, unit?: string): void;
  max(name: string, value: number, line: LogLine, unit?: string): void;
  /** A value over time; `atS` in seconds on a scale of the file's own. */
  series(name: string, unit: string): { add(atS: number, value: number): void };
  sign(kind: Sign['kind'], outcome: Outcome, line: LogLine): void;
  jobId(id: string, line: LogLine): void;
  host(name: string): void;
  command(text: string, line: LogLine): void;
  finding(code: string, message: string, line: LogLine): void;
  /** When the work began or ended by the word of whoever watched it, ISO 8601. */
  epilog(which: 'started' | 'ended', iso: string, line: LogLine): void;
  /** The progress bars, at the end. */
  bars(bars: readonly Bar[]): void;
  /** Hand me the next `lines` lines, whatever is in them. */
  follow(lines: number): void;
}
