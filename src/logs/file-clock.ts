/** When a log begins and ends, by the stamps of its lines; years that they lack are found. */
import type { Evidence } from './log-index.ts';
import type { LogLine } from './log-line.ts';
import { type Dated, findStamp, type Stamp } from './stamps.ts';

/** A stamp and its line, kept for the cache. */
export interface SeenStamp {
  readonly stamp: Stamp;
  readonly evidence: Evidence;
}

export interface ClockReading {
  readonly first: SeenStamp | null;
  readonly last: SeenStamp | null;
  /** How often the months went from December to January on the way from first to last. */
  readonly yearTurns: number;
  /** A stamp that has its year, if first or last has not. */
  readonly anchor: SeenStamp | null;
  /** Years turned between first and that one. */
  readonly anchorTurns: number;
}

export class FileClock {
  #first: SeenStamp | null = null;
  #last: { stamp: Stamp; line: LogLine } | null = null;
  #turns = 0;
  #anchor: SeenStamp | null = null;
  #anchorTurns = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines must come in order; not every line needs to. */
  see(line: LogLine): void {
    const text = line.text;
    // The states of progress bars carry no stamps, and there are thousands.
    if (text.includes('%|')) return;
    // When a job was queued is not when it began.
    if (/^\s*(?:Submitted|Eligible|Created)\b/.test(text)) return;
    const stamp = findStamp(text);
    if (stamp === null) return;
    const before = this.#last?.stamp;
    if (before && before.month === 12 && stamp.month === 1) this.#turns += 1;
    this.#first ??= { stamp, evidence: line.evidence(this.#path) };
    this.#last = { stamp, line: line.copy() };
    if (this.#anchor === null && stamp.year !== null) {
      this.#anchor = { stamp, evidence: line.evidence(this.#path) };
      this.#anchorTurns = this.#turns;
    }
  }

  reading(): ClockReading {
    const last = this.#last;
    return {
      first: this.#first,
      last: last && { stamp: last.stamp, evidence: last.line.evidence(this.#path) },
      yearTurns: this.#turns,
      anchor: this.#anchor,
      anchorTurns: this.#anchorTurns,
    };
  }
}

export interface FileTimes {
  readonly first: Dated;
  readonly last: Dated;
  /** How the year was found; null when it is written. */
  readonly yearFrom: string | null;
}

/** `modifiedMs`: the file's modification time, the last resort. null without any stamp. */
export function datedTimes(reading: ClockReading, modifiedMs: number): FileTimes | null {
  const { first, last, anchor } = reading;
  if (first === null || last === null) return null;
  if (first.stamp.year !== null && last.stamp.year !== null) {
    return {
      first: { stamp: first.stamp, year: first.stamp.year },
      last: { stamp: last.stamp, year: last.stamp.year },
      yearFrom: null,
    };
  }
  const found =
    anchor?.stamp.year != null
      ? { year: anchor.stamp.year - reading.anchorTurns, from: `line ${anchor.evidence.line}` }
      : { ...yearByFile(last.stamp, modifiedMs, reading.yearTurns), from: 'modification time' };
  return {
    first: { stamp: first.stamp, year: first.stamp.year ?? found.year },
    last: { stamp: last.stamp, year: last.stamp.year ?? found.year + reading.yearTurns },
    yearFrom: found.from,
  };
}

/** The latest year in which the last line was not written after the file: a day for zones. */
function yearByFile(last: Stamp, modifiedMs: number, turns: number): { year: number } {
  const limit = modifiedMs + 86_400_000;
  const year = new Date(limit).getUTCFullYear();
  const inThatYear = Date.UTC(year, last.month - 1, last.day) + last.dayMs;
  return { year: (inThatYear <= limit ? year : year - 1) - turns };
}
