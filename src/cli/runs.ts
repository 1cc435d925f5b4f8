/** Runs of a lab as reports and explanations need them: rows are read when asked for. */

import type { ResolvableRun } from '../analyze/reference.ts';
import { EXEC_MEASURE } from '../exec/record-command.ts';
import { IMPORT_MEASURE } from '../experiment/import-run.ts';
import { AssayError, UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import type { SampleRow } from '../record/rows.ts';
import { directoryName } from '../record/run-directory.ts';
import { listRuns, loadRun } from '../record/run-reader.ts';
import { readRunRows } from '../record/sample-reader.ts';

export function resolvable(lab: Lab, runId: string): ResolvableRun {
  const { manifest, summary, dir } = loadRun(lab, runId);
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
  const directory = directoryName(experiment);
  return listRuns(lab)
    .filter((entry) => entry.kind !== 'unreadable' && entry.runId.startsWith(`${directory}/`))
    .flatMap((entry) => {
      try {
        return [resolvable(lab, entry.runId)];
      } catch (error) {
        if (error instanceof AssayError) return [];
        throw error;
      }
    });
}

/** The experiment asked for, else the one that ran last. Throws UsageError where there is none. */
export function chosenExperiment(lab: Lab, wanted: string | undefined): string {
  const experiments = new Map<string, string>();
  for (const entry of listRuns(lab)) {
    if (entry.kind === 'unreadable') continue;
    const { experiment, startedAt, measure } = entry.manifest;
    // No experiment: nothing was planned.
    if (measure === EXEC_MEASURE || measure === IMPORT_MEASURE) continue;
    if (measure.startsWith('weights-')) continue;
    if (startedAt > (experiments.get(experiment) ?? '')) experiments.set(experiment, startedAt);
  }
  const newest = [...experiments].toSorted((a, b) => (a[1] < b[1] ? 1 : -1))[0]?.[0];
  const name = wanted ?? newest;
  if (name === undefined) {
    throw new UsageError(`no runs in ${lab.runsDir}`, { hint: '`assay demo` makes some' });
  }
  if (!experiments.has(name)) {
    throw new UsageError(`no experiment ${name} in ${lab.runsDir}`, {
      hint: `there are: ${[...experiments.keys()].join(', ') || 'none'}`,
    });
  }
  return name;
}
