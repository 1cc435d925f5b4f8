/**
 * The one error family. An error says what failed, where, and what to do about it; the command
 * line turns it into one message and one exit code, never into a stack trace.
 *
 * Exit codes: 0 ok, 1 our bug, 2 usage, 3 bad input, 4 engine, 5 invalid measurement,
 * 6 a gate or a claim failed, 130 interrupted.
 */
export interface ErrorOptions {
  /** What the reader can do about it, one sentence. */
  hint?: string;
  /** Structured facts: path, offset, expected, got, … */
  details?: Record<string, unknown>;
  cause?: unknown;
}

export class AssayError extends Error {
  readonly code: string;
  readonly exitCode: number;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown>;

  constructor(code: string, exitCode: number, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.exitCode = exitCode;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The command or the experiment file is wrong. `problems` holds every one of them at once. */
export class UsageError extends AssayError {
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[], options: ErrorOptions = {}) {
    const all = typeof problems === 'string' ? [problems] : problems;
    super('UsageError', 2, all.join('\n'), options);
    this.problems = all;
  }
}

/** A file is not what it must be. `details` carries path, offset, expected, got. */
export class FormatError extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('FormatError', 3, message, options);
  }
}

/** A declared bound would be exceeded (memory, header size, context length). */
export class LimitError extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('LimitError', 3, message, options);
  }
}

/** The runtime or the server failed. */
export class EngineError extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('EngineError', 4, message, options);
  }
}

/** It finished, but its numbers cannot be trusted. */
export class InvalidMeasurement extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('InvalidMeasurement', 5, message, options);
  }
}

/** A gate, a claim or a verification failed. */
export class GateFailed extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('GateFailed', 6, message, options);
  }
}

/** The user stopped it; what was done is kept and can be resumed. */
export class Cancelled extends AssayError {
  constructor(message = 'interrupted', options: ErrorOptions = {}) {
    super('Cancelled', 130, message, options);
  }
}

/** Who or what cancelled it, as `main` says it of each signal. */
export function whyCancelled({ reason }: AbortSignal): string {
  return reason instanceof Cancelled ? reason.message : INTERRUPTED;
}

export const INTERRUPTED = 'interrupted by the user';

/** A time limit that the user set was reached. */
export class TimedOut extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('TimedOut', 4, message, options);
  }
}

/** The file system refused: full, read-only, forbidden. `details.path` says where. */
export class StorageError extends AssayError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('StorageError', 3, message, options);
  }
}
