/** Runs of a lab as reports and explanations need them: rows are read when asked for. */

import type { ResolvableRun } from '../analyze/reference.ts';
import { EXEC_MEASURE } from '../exec/exec-measure.ts';
import { IMPORT_MEASURE } from '../logs/results/imported.ts';
import { AssayError, UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import type { SampleRow } from '../record/rows.ts';
import { directoryName } from '../record/run-directory.ts';
import {
  type LoadedRun,
  listRuns,
  listRunsIn,
  loadEntry,
  loadRun,
  type RunEntry,
} from '../record/run-reader.ts';
import { readRunRows } from '../record/sample-reader.ts';

export function resolvable(lab: Lab, runId: string): ResolvableRun {
  return withRows(loadRun(lab, runId));
}

function withRows({ manifest, summary, dir }: LoadedRun): ResolvableRun {
  let rows: readonly SampleRow[] | null = null;
  return {
    manifest,
    summary,
    rows() {
      rows ??= readRunRows(dir);
      return rows;
    },
  };
}

/** Readable runs of one experiment; a damaged one is left to `verify`. */
export function experimentRuns(lab: Lab, experiment: string): ResolvableRun[] {
  return readable(listRunsIn(lab, directoryName(experiment)));
}

function readable(entries: readonly RunEntry[]): ResolvableRun[] {
  return entries.flatMap((entry) => {
    try {
      return [withRows(loadEntry(entry))];
    } catch (error) {
      if (error instanceof AssayError) return [];
      throw error;
    }
  });
}

export interface ChosenRuns {
  readonly experiment: string;
  readonly runs: readonly ResolvableRun[];
}

/**
 * Runs of the experiment asked for, else of the one that ran last, else of the last imported.
 * Throws UsageError where there is none.
 */
export function chosenRuns(lab: Lab, wanted: string | undefined): ChosenRuns {
  const entries = listRuns(lab);
  const experiment = choose(lab, entries, wanted);
  const directory = `${directoryName(experiment)}/`;
  return { experiment, runs: readable(entries.filter(({ runId }) => runId.startsWith(directory))) };
}

function choose(lab: Lab, entries: readonly RunEntry[], wanted: string | undefined): string {
  const experiments = new Map<string, string>();
  const imports = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind === 'unreadable') continue;
    const { experiment, startedAt, measure } = entry.manifest;
    // No experiment: nothing was planned.
    if (measure === EXEC_MEASURE || measure.startsWith('weights-')) continue;
    const known = measure === IMPORT_MEASURE ? imports : experiments;
    if (startedAt > (known.get(experiment) ?? '')) known.set(experiment, startedAt);
  }
  const name = wanted ?? newestOf(experiments) ?? newestOf(imports);
  if (name === undefined) {
    throw new UsageError(`no runs in ${lab.runsDir}`, { hint: '`assay demo` makes some' });
  }
  const all = new Set([...experiments.keys(), ...imports.keys()]);
  if (!all.has(name)) {
    throw new UsageError(`no experiment ${name} in ${lab.runsDir}`, {
      hint: `there are: ${[...all].join(', ') || 'none'}`,
    });
  }
  return name;
}

function newestOf(starts: ReadonlyMap<string, string>): string | undefined {
  return [...starts].toSorted((a, b) => (a[1] < b[1] ? 1 : -1))[0]?.[0];
}
