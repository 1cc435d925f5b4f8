/** Runs of a lab as reports and explanations need them: rows are read when asked for. */
import type { ResolvableRun } from '../analyze/reference.ts';
import { AssayError } from '../record/errors.ts';
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
