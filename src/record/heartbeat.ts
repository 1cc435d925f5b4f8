/** Who is at work on something: a small file, rewritten every two seconds, and how to judge it. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { writeFileVolatile } from './atomic.ts';
import { type Heartbeat, heartbeatSchema } from './schema.ts';

export const HEARTBEAT_FILE = 'heartbeat.json';
export const HEARTBEAT_INTERVAL_MS = 2000;
/** Seven missed beats and a second: a host that is this late is taken for dead. */
const STALE_AFTER_MS = 15_000;

export interface Beat {
  /** How often the file could not be written: a full disk must not end a measurement. */
  readonly failures: number;
  stop(): void;
}

/**
 * Writes `content()` to `path` now and every two seconds until stopped; `stop` leaves the file.
 * The first write throws StorageError, later ones are counted. The timer keeps no process alive.
 */
export function startBeating(path: string, content: () => unknown): Beat {
  const write = (): void => writeFileVolatile(path, `${JSON.stringify(content())}\n`);
  write();
  let failures = 0;
  const timer = setInterval(() => {
    try {
      write();
    } catch {
      failures += 1;
    }
  }, HEARTBEAT_INTERVAL_MS);
  timer.unref();
  return {
    get failures() {
      return failures;
    },
    stop: () => clearInterval(timer),
  };
}

/** null when there is none, or it is not one. */
export function readHeartbeat(path: string): Heartbeat | null {
  try {
    return heartbeatSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

/**
 * Whether the writer of this heartbeat still lives. On this host: the pid exists, is no zombie, and
 * started when the heartbeat says. On another: the file is younger than 15 s, compared with a file
 * that is written beside it for this purpose, so that both times come from the file server's clock.
 */
export function isAlive(path: string, options: { hostname?: string } = {}): boolean {
  const beat = readHeartbeat(path);
  if (beat === null) return isFresh(path);
  if (beat.host !== (options.hostname ?? hostname())) return isFresh(path);
  if (beat.processStart === null) return processExists(beat.pid) && isFresh(path);
  return processStart(beat.pid) === beat.processStart;
}

/**
 * Start time of a process in clock ticks since boot: field 22 of /proc/<pid>/stat. null where there
 * is no /proc, no such process, or only a zombie of it.
 */
export function processStart(pid: number): string | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // Field 2 is the command in brackets and may itself hold brackets and spaces: split behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (state === 'Z' || state === 'X') return null;
  return fields[19] ?? null;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isFresh(path: string): boolean {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined) return false;
  return fileSystemNow(dirname(path)) - written < STALE_AFTER_MS;
}

/** What time the file system of `directory` thinks it is; our own time where we may not write. */
function fileSystemNow(directory: string): number {
  const probe = join(directory, `.probe-${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  try {
    writeFileSync(probe, '');
    return statSync(probe).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    try {
      rmSync(probe, { force: true });
    } catch {}
  }
}
