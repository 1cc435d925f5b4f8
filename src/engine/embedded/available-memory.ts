/** What this process may still take: memory, by the machine's and its control groups' word. */
import { readFileSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';

/** The file system that holds the temporary file of packed weights. */
export interface ScratchSpace {
  readonly folder: string;
  readonly freeBytes: number;
  /** True on tmpfs, whose files are memory. */
  readonly inMemory: boolean;
}

/** f_type of tmpfs, from linux/magic.h. */
const TMPFS = 0x01021994;

export function scratchSpace(folder: string = tmpdir()): ScratchSpace {
  const { bavail, bsize, type } = statfsSync(folder);
  return { folder, freeBytes: bavail * bsize, inMemory: type === TMPFS };
}

/** The text of a file of /proc or /sys, or null where it does not exist. */
export type ReadText = (path: string) => string | null;

export interface AvailableMemory {
  readonly bytes: number;
  /** What sets the limit, for messages. */
  readonly from: string;
}

const ROOT = '/sys/fs/cgroup';

export function readSystemText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/**
 * The smallest of MemAvailable and, for the control group of this process and every group above
 * it, limit − usage, where file cache that can be dropped (`inactive_file`) is not usage.
 * Reads cgroup v2 (`memory.max`) and v1 (`memory.limit_in_bytes`).
 */
export function availableMemory(read: ReadText = readSystemText): AvailableMemory {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  const machine: AvailableMemory =
    kib === undefined
      ? { bytes: freemem(), from: 'free memory of this machine' }
      : { bytes: Number(kib) * 1024, from: 'MemAvailable of this machine' };
  const limits = [machine, ...groupLimits(read)];
  return limits.reduce((least, limit) => (limit.bytes < least.bytes ? limit : least));
}

function groupLimits(read: ReadText): AvailableMemory[] {
  const limits: AvailableMemory[] = [];
  for (const line of (read('/proc/self/cgroup') ?? '0::/').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const v1 = controllers.split(',').includes('memory');
    if (!v1 && controllers !== '') continue;
    for (const group of upwards(path)) {
      const limit = v1
        ? groupLimit(read, `${ROOT}/memory${group}`, V1)
        : groupLimit(read, `${ROOT}${group}`, V2);
      if (limit !== null) limits.push(limit);
    }
  }
  return limits;
}

/** `/a/b` → `/a/b`, `/a`, ''; in a container the inner ones may not exist. */
function upwards(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, up) =>
    parts
      .slice(0, parts.length - up)
      .map((part) => `/${part}`)
      .join(''),
  );
}

const V2 = { limit: 'memory.max', usage: 'memory.current', cache: /^inactive_file (\d+)/m };
const V1 = {
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  cache: /^total_inactive_file (\d+)/m,
};

function groupLimit(read: ReadText, folder: string, names: typeof V2): AvailableMemory | null {
  const limit = Number(read(`${folder}/${names.limit}`)?.trim() || Number.NaN);
  // v2 writes "max", v1 a number near 2^63, where there is no limit.
  if (!Number.isFinite(limit) || limit > 2 ** 60) return null;
  const usage = Number(read(`${folder}/${names.usage}`)?.trim() || 0);
  const cache = Number(names.cache.exec(read(`${folder}/memory.stat`) ?? '')?.[1] ?? 0);
  const bytes = Math.max(0, limit - Math.max(0, usage - cache));
  return { bytes, from: `memory limit of control group ${folder}` };
}
