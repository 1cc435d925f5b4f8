/** The labels of a set one by one, and which were taken for which, for terminal and log alike. */
import type { ResolvableRun } from '../analyze/reference.ts';
import { citeMetric, citeWithInterval, inUnits } from './cite.ts';
import type { Piece } from './document.ts';

export interface ClassTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Piece[])[];
}

/** Metrics that stand in these tables, not in the list of all. */
export function isOfClass(metric: string): boolean {
  return /^(recall|precision|f1|confusion):/.test(metric);
}

/** One row a label, in their order; null where the run has none. */
export function classTable(run: ResolvableRun): ClassTable | null {
  const labels = namesOf(run, 'recall:').map((name) => name.slice('recall:'.length));
  if (labels.length === 0) return null;
  return {
    header: ['Label', 'Items', 'Recall [95 %]', 'Precision [95 %]', 'F1'],
    rows: labels.map((label) => [
      label,
      citeMetric(run, `recall:${label}`, 'n'),
      citeWithInterval(run, `recall:${label}`),
      citeWithInterval(run, `precision:${label}`),
      inUnits(citeMetric(run, `f1:${label}`)),
    ]),
  };
}

/** The most frequent wrong answers; null where nothing was wrong or answers are not known. */
export function confusionTable(run: ResolvableRun): ClassTable | null {
  const names = namesOf(run, 'confusion:');
  if (names.length === 0) return null;
  return {
    header: ['Label', 'Answered', 'Items', 'of'],
    rows: names.map((name) => {
      const { label, predicted } = run.summary?.metrics[name]?.params ?? {};
      const answer = predicted === undefined ? '(none of the labels)' : String(predicted);
      return [String(label), answer, citeMetric(run, name), citeMetric(run, name, 'n')];
    }),
  };
}

function namesOf(run: ResolvableRun, prefix: string): string[] {
  return Object.keys(run.summary?.metrics ?? {}).filter((name) => name.startsWith(prefix));
}
