/** Which imported numbers `assay compare` is about: they stand apart from what is measured here. */
import type { ResolvableRun } from '../analyze/reference.ts';
import { UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import { loadRun } from '../record/run-reader.ts';
import {
  type ImportedReport,
  importedReport,
  isImported,
  namedComparisons,
} from '../report/imported.ts';
import type { Wanted } from './compared-runs.ts';
import { chosenRuns, experimentRuns, resolvable } from './runs.ts';

export interface ComparedImports {
  readonly experiment: string;
  readonly report: ImportedReport;
  /** Nothing that was measured here is asked for. */
  readonly alone: boolean;
}

/** null: no import is among what is asked for. Throws UsageError. */
export function comparedImports(lab: Lab, wanted: Wanted): ComparedImports | null {
  const get = (id: string): ResolvableRun => resolvable(lab, loadRun(lab, id).runId);
  const named = wanted.runs.map(get);
  const base = wanted.baseline === undefined ? undefined : get(wanted.baseline);
  if (named.length > 0) return namedImports(lab, named, base);
  const { experiment, runs } = chosenRuns(lab, wanted.experiment ?? base?.manifest.experiment);
  if (!runs.some(isImported)) return null;
  const own = base && isImported(base) ? base : undefined;
  const alone = own !== undefined || runs.every(isImported);
  return { experiment, report: importedReport(runs, own), alone };
}

function namedImports(
  lab: Lab,
  named: readonly ResolvableRun[],
  base: ResolvableRun | undefined,
): ComparedImports | null {
  const all = base ? [...named, base] : named;
  if (!all.some(isImported)) return null;
  const experiment = (named[0] as ResolvableRun).manifest.experiment;
  if (base) return { experiment, report: namedComparisons(named, base), alone: true };
  const measured = named.filter((run) => !isImported(run));
  if (measured.length > 0) {
    const ids = measured.map(({ manifest }) => manifest.runId).join(', ');
    throw new UsageError(`${ids} was measured here, the other runs were imported`, {
      hint: 'say which of them the others are relative to: --baseline RUN',
    });
  }
  const ids = new Set(named.map(({ manifest }) => manifest.runId));
  const report = importedReport(experimentRuns(lab, experiment));
  const comparisons = report.comparisons.filter(({ run }) => ids.has(run.manifest.runId));
  return { experiment, report: { ...report, comparisons }, alone: true };
}
