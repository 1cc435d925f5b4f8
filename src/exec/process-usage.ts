/** What a command took from the machine: memory of its processes while it runs, CPU time after. */
import { readdirSync, readFileSync } from 'node:fs';

const FIRST_MS = 10;
const LONGEST_MS = 500;
/** Clock ticks a second of /proc: 100 on every Linux that Node runs on. */
const TICKS = 100;

export interface MemoryWatch {
  /** Largest sum over the command's processes seen; null where /proc does not tell. */
  stop(): { peakRssBytes: number | null; readings: number };
}

/** Looks often at first and twice a second later: short commands are seen too. */
export function watchMemory(pid: number): MemoryWatch {
  let peak: number | null = null;
  let readings = 0;
  let timer: NodeJS.Timeout | undefined;
  const look = (waitMs: number): void => {
    const bytes = treeRssBytes(pid);
    if (bytes !== null) {
      readings += 1;
      peak = Math.max(peak ?? 0, bytes);
    }
    timer = setTimeout(look, waitMs, Math.min(LONGEST_MS, waitMs * 2));
  };
  look(FIRST_MS);
  return {
    stop() {
      clearTimeout(timer);
      return { peakRssBytes: peak, readings };
    },
  };
}

/**
 * Resident memory of a process and all below it; of one alone its high-water mark, so that a peak
 * between two looks is not missed. Pages that processes share are counted once for each.
 */
function treeRssBytes(pid: number): number | null {
  const status = readIfThere(`/proc/${pid}/status`);
  // Ended, but not yet waited for: it has no memory any more.
  if (status === null || !status.includes('VmHWM:')) return null;
  const children = childrenOf(pid);
  const own = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  const high = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  if (children.length === 0) return high;
  const below = children.reduce((sum, child) => sum + (treeRssBytes(child) ?? 0), 0);
  return Math.max(high, own + below);
}

/** Of all its threads: a program may start others from any of them. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const text = readIfThere(`/proc/${pid}/task/${thread}/children`) ?? '';
    return text.split(' ').filter(Boolean).map(Number);
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** CPU time, user and system, of all our children that have ended; null where /proc is not. */
export function endedChildrenCpuMs(): number | null {
  const stat = readIfThere('/proc/self/stat');
  if (stat === null) return null;
  // The name of the program stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[13]), Number(fields[14])];
  return Number.isFinite(user + system) ? ((user + system) * 1000) / TICKS : null;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
