/** What every benchmark says of where it ran, and of what else the machine did meanwhile. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import { machineTimes } from '../src/measure/bench/contention.ts';

export function printMachine(): void {
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  console.log(
    `machine: ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${gib} GiB, ` +
      `Node ${process.version}`,
  );
}

/**
 * Share of all CPU time that other programs and other machines took since the call of this
 * function; NaN where the system does not tell. Our own are this process and all below it.
 */
export function watchOthers(): () => number {
  const start = performance.now();
  const before = machineTimes(process.pid);
  return () => {
    const after = machineTimes(process.pid);
    if (before.busyMs === null || after.busyMs === null) return Number.NaN;
    const busy = after.busyMs - before.busyMs - (after.ownMs - before.ownMs);
    const stolen = (after.stealMs ?? 0) - (before.stealMs ?? 0);
    return Math.max(0, busy + stolen) / ((performance.now() - start) * cpus().length);
  };
}
