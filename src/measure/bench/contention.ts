/**
 * What else the machine did while something was measured: time that the hypervisor gave to others
 * (steal), and CPU time of processes that are not ours. Linux only: elsewhere both are null.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** The kernel reports times to user space in hundredths of a second (USER_HZ) on every platform. */
const TICK_MS = 10;

/** The text of a file of /proc, or null where it is not there (any more). */
export type ReadProc = (path: string) => string | null;

/** Sums since boot, over all cores; null where unknown. */
export interface MachineTimes {
  readonly stealMs: number | null;
  readonly busyMs: number | null;
  /** Of our own processes: the tree below `rootPid`, with the children that it has buried. */
  readonly ownMs: number;
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/** `rootPid`: the first process that is ours. */
export function machineTimes(
  rootPid: number,
  options: { read?: ReadProc; pids?: readonly number[] } = {},
): MachineTimes {
  const read = options.read ?? readProc;
  const line = /^cpu +(.*)$/m.exec(read('/proc/stat') ?? '')?.[1];
  if (line === undefined) return { stealMs: null, busyMs: null, ownMs: 0 };
  // user nice system idle iowait irq softirq steal; guest times are in user and nice already.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .map(Number);
  const busyMs = (user + nice + system + irq + softirq) * TICK_MS;
  const ownMs = treeTicks(rootPid, options.pids ?? listPids(), read) * TICK_MS;
  return { stealMs: steal * TICK_MS, busyMs, ownMs };
}

function listPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

interface ProcessTimes {
  readonly parent: number;
  readonly ticks: number;
  /** Of children that ended and were waited for. */
  readonly buriedTicks: number;
}

function treeTicks(rootPid: number, pids: readonly number[], read: ReadProc): number {
  const processes = new Map<number, ProcessTimes>();
  for (const pid of pids) {
    const times = processTimes(read(`/proc/${pid}/stat`));
    if (times) processes.set(pid, times);
  }
  const isOurs = (pid: number): boolean => {
    // Bounded: a process that took over a dead parent's id must not make a circle.
    let at = pid;
    for (let depth = 0; depth < 64; depth++) {
      if (at === rootPid) return true;
      const parent = processes.get(at)?.parent;
      if (parent === undefined || parent === 0) return false;
      at = parent;
    }
    return false;
  };
  let ticks = 0;
  for (const [pid, times] of processes) {
    if (isOurs(pid)) ticks += times.ticks + times.buriedTicks;
  }
  return ticks;
}

function processTimes(stat: string | null): ProcessTimes | null {
  if (stat === null) return null;
  // Field 2 is the command in brackets and may itself hold brackets and spaces: split behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index] ?? 0);
  return { parent: at(1), ticks: at(11) + at(12), buriedTicks: at(13) + at(14) };
}

export interface Contention {
  readonly stealMs: number | null;
  readonly othersMs: number | null;
  readonly loadAverage: number;
}

/**
 * Readings of one cell, slice by slice. The kernel counts in ticks of 10 ms, so that a short slice
 * reads a few ticks too many or too few: what was read too little is set off against the slices
 * that follow, or noise alone would add up to "other processes".
 */
export class ContentionMeter {
  readonly #read: () => MachineTimes;
  #before: MachineTimes | null = null;
  #owedMs = 0;

  constructor(read: () => MachineTimes) {
    this.#read = read;
  }

  start(): void {
    this.#before = this.#read();
  }

  /** Since `start`. */
  stop(): Contention {
    const before = this.#before;
    const after = this.#read();
    const loadAverage = loadavg()[0] ?? 0;
    if (!before || before.busyMs === null || after.busyMs === null) {
      return { stealMs: null, othersMs: null, loadAverage };
    }
    const others = after.busyMs - before.busyMs - (after.ownMs - before.ownMs) + this.#owedMs;
    this.#owedMs = Math.min(0, others);
    const stealMs = Math.max(0, (after.stealMs ?? 0) - (before.stealMs ?? 0));
    return { stealMs, othersMs: Math.max(0, others), loadAverage };
  }
}
