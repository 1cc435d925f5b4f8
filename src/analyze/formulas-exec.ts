/** Formulas of a recorded command: what its process took. */
import { type Derived, exact, type Formula, missing } from './formula.ts';
import type { Samples } from './samples.ts';

type ProcessRow = Samples['processes'][number];

function ofProcess(
  unit: string,
  describe: string,
  read: (row: ProcessRow) => number | null,
  reason = 'exact, not a sample',
): Formula {
  return {
    unit,
    reads: 'process',
    describe,
    compute(samples): Derived {
      const row = samples.processes[0];
      const value = row ? read(row) : null;
      if (value === null) return missing(unit, 'the system did not tell');
      return { ...exact(unit, value, 1, 'processes'), reason };
    },
  };
}

export const execFormulas: Record<string, Formula> = {
  'exec.duration/1': ofProcess(
    's',
    'time from the start of the command to its end, monotonic',
    (row) => row.wallMs / 1000,
  ),
  'exec.cpu-time/1': ofProcess(
    's',
    'CPU time, user and system, of the command and all processes that it waited for',
    (row) => (row.cpuMs === null ? null : row.cpuMs / 1000),
  ),
  'exec.peak-memory/1': ofProcess(
    'bytes',
    'largest resident memory that readings of /proc saw (often at first, then twice a second): ' +
      'of one process its high-water mark (VmHWM), of several the sum of what they held at one ' +
      'reading; a lower bound, since nobody looked in between',
    (row) => row.peakRssBytes,
    'a lower bound: read now and then, not without gaps',
  ),
};
