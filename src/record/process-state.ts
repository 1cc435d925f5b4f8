/** What a run takes from the machine at large, as one injectable thing. */
import { hostname } from 'node:os';

export interface Clock {
  /** Wall time: for names and stamps only. */
  now(): Date;
  /** Milliseconds that never step: for every duration. */
  monotonicMs(): number;
}

export interface ProcessState {
  readonly clock: Clock;
  /** Uniform in [0, 1). For names, not for secrets. */
  readonly random: () => number;
  readonly hostname: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The real one. */
export function processState(): ProcessState {
  return {
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    random: Math.random,
    hostname: hostname(),
    pid: process.pid,
    env: process.env,
  };
}

/** `length` base-36 characters. */
export function randomName(random: () => number, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 36).toString(36)).join('');
}

/** `20261120T053400Z`: sorts by time, and is a file name everywhere. */
export function compactTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
