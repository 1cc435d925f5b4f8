/** What an index of logs says: plain data, the same whether read now or taken from a cache. */
import type { Finding } from '../record/schema.ts';

export const LOG_INDEX_SCHEMA = 'assay.logs/1';

/** The bytes that decide something: hash `start` … `end` of the file again to check it. */
export interface Evidence {
  /** Relative to the root of the index, forward slashes. */
  readonly path: string;
  /** From 1, counted by `\n`. */
  readonly line: number;
  /** Byte range of the file, end exclusive, line break not included. */
  readonly start: number;
  readonly end: number;
  /** The line as text, without terminal colours, at most 500 characters. */
  readonly text: string;
  /** Of the byte range. */
  readonly sha256: string;
}

export type FactValue = number | string | boolean;

/** How a value follows from lines: it stands in one, or is made of many. */
export type FactOrigin = 'line' | 'count' | 'sum' | 'max' | 'min' | 'mean' | 'difference';

export interface Fact {
  readonly value: FactValue;
  readonly unit?: string;
  readonly from: FactOrigin;
  /** How many lines it rests on. */
  readonly lines: number;
  /** The line it stands in; of a count, a sum or a mean the first one. */
  readonly evidence: Evidence;
}

/** A value over time, thinned out to a bounded number of points: each is the mean of `n` lines. */
export interface Series {
  readonly unit: string;
  readonly points: readonly { readonly atS: number; readonly mean: number; readonly n: number }[];
}

/** All states of one progress bar, or of several that differ only in their number. */
export interface Bar {
  /** `(n/65): Calibrating` stands for sixty-five bars. */
  readonly name: string;
  /** How many bars: a bar that starts again at zero is another one. */
  readonly bars: number;
  /** How many states were printed. */
  readonly states: number;
  /** Summed over the bars; total is null where a bar has none. */
  readonly count: number;
  readonly total: number | null;
  readonly elapsedS: number;
  /** count / elapsedS, per second; null when nothing elapsed. */
  readonly rate: number | null;
  /** True if every bar with a total reached it. */
  readonly complete: boolean;
  readonly first: Evidence;
  readonly last: Evidence;
}

export type Outcome =
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'timed-out'
  | 'out-of-memory'
  | 'unfinished'
  | 'unknown';

/** Something in a log that speaks for an outcome. */
export interface Sign {
  /**
   * state: an exit status or a job state. error: a traceback, a crash. final: the line that this
   * program prints when it is done. banner: a completion line that a script prints around it.
   * running: it had begun.
   */
  readonly kind: 'state' | 'error' | 'final' | 'banner' | 'running';
  readonly outcome: Outcome;
  readonly evidence: Evidence;
}

export type DurationSource =
  | 'manifest'
  | 'epilog'
  | 'accounting'
  | 'timestamps'
  | 'progress'
  | 'paired-log';

export type Encoding = 'ascii' | 'utf-8' | 'utf-16le' | 'utf-16be' | 'invalid utf-8';

export interface Command {
  readonly text: string;
  readonly evidence: Evidence;
}

export interface LogFile {
  readonly path: string;
  readonly bytes: number;
  /** Line breaks `\n`, as `wc -l` counts them, and one more for a last line without. */
  readonly lines: number;
  /** Lines after splitting at `\r` too, as a terminal shows them one after another. */
  readonly segments: number;
  /** Of the whole file. */
  readonly sha256: string;
  readonly encoding: Encoding;
  readonly dialects: readonly string[];
  readonly jobId: string | null;
  readonly jobIdFrom: 'content' | 'name' | null;
  readonly host: string | null;
  /** ISO 8601; without a zone where the log names none. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationS: number | null;
  readonly durationFrom: DurationSource | null;
  /** What the duration rests on: the lines of its start and end, or the bars' last. */
  readonly durationEvidence: readonly Evidence[];
  /** How the year of a stamp without one was found; null when every stamp has its year. */
  readonly yearFrom: string | null;
  readonly outcome: Outcome;
  readonly outcomeEvidence: Evidence | null;
  /** Why that line decides, or what is missing, in words. */
  readonly outcomeReason: string;
  readonly signs: readonly Sign[];
  readonly commands: readonly Command[];
  readonly bars: readonly Bar[];
  /** `<dialect>.<name>`, sorted. */
  readonly facts: Readonly<Record<string, Fact>>;
  readonly series: Readonly<Record<string, Series>>;
  readonly findings: readonly Finding[];
}

/** stdout and stderr by their names, and whether their contents agree. */
export interface LogPair {
  readonly stdout: string;
  readonly stderr: string;
  readonly verdict: 'belong-together' | 'refuted' | 'unchecked';
  /** What was compared, with the arithmetic. */
  readonly checks: readonly { readonly ok: boolean; readonly message: string }[];
  /** For a refuted pair: the log of this index whose duration and counts do fit. */
  readonly fits: string | null;
}

/** Servers that shared a load: files of one name but for its number. */
export interface Fleet {
  readonly name: string;
  readonly servers: readonly { readonly path: string; readonly requests: number }[];
  readonly requests: number;
  /** Largest over smallest; null when a server had none. */
  readonly maxOverMin: number | null;
  /** (Σx)² / (n·Σx²): 1 when all had the same. */
  readonly jain: number;
}

export interface Skipped {
  readonly path: string;
  /** null where it could not be found out. */
  readonly bytes: number | null;
  readonly reason: string;
}

export interface LogIndex {
  readonly schema: typeof LOG_INDEX_SCHEMA;
  /** Sorted by path. */
  readonly files: readonly LogFile[];
  /** What looks like data of a log but was left out, and why. */
  readonly skipped: readonly Skipped[];
  readonly pairs: readonly LogPair[];
  readonly fleets: readonly Fleet[];
  readonly identical: readonly { readonly sha256: string; readonly paths: readonly string[] }[];
  readonly jobs: readonly { readonly jobId: string; readonly paths: readonly string[] }[];
  readonly findings: readonly Finding[];
}
