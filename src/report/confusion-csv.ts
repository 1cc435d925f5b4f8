/** confusion.csv: how often each label was given each answer, over all runs of an experiment. */
import { confusionOf } from '../analyze/confusion.ts';
import { samplesOf } from '../analyze/reference.ts';
import type { ExperimentReport } from './collect.ts';
import { csvText } from './summary-csv.ts';

const COLUMNS = ['experiment', 'model', 'scheme', 'measure', 'run', 'label', 'predicted', 'items'];

/**
 * Pairs that do not stand here did not occur; an empty `predicted` is an answer that is none of
 * the labels. null where no run says what was answered.
 */
export function confusionCsv(report: ExperimentReport): string | null {
  const rows = report.cells.flatMap(({ run, model, scheme, measure }) => {
    if (!run?.summary) return [];
    const head = [report.name, model, scheme, measure, run.manifest.runId];
    return confusionOf(samplesOf(run).items).map(({ label, predicted, items }) => [
      ...head,
      label,
      predicted,
      items,
    ]);
  });
  return rows.length === 0 ? null : csvText(COLUMNS, rows);
}
