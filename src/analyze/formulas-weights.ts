/** Formulas of what was found in the weights of a checkpoint themselves. */
import { sum } from './describe.ts';
import { type Derived, exact, type Formula, missing } from './formula.ts';
import type { Samples } from './samples.ts';

type AnatomyRow = Samples['anatomy'][number];

function ofAnatomy(
  unit: string,
  describe: string,
  total: (rows: readonly AnatomyRow[]) => number,
): Formula {
  return {
    unit,
    reads: 'anatomy',
    describe,
    compute({ anatomy }): Derived {
      if (anatomy.length === 0) return missing(unit, 'no tensor was examined');
      return exact(unit, total(anatomy), anatomy.length, 'tensors');
    },
  };
}

const elements = (rows: readonly AnatomyRow[]): number => sum(rows.map((row) => row.elements));

export const weightFormulas: Record<string, Formula> = {
  'weights.tensors/1': ofAnatomy('tensors', 'tensors that were examined', (rows) => rows.length),
  'weights.values/1': ofAnatomy('values', 'Σ over tensors of their values', elements),
  'weights.non-finite/1': ofAnatomy(
    'values',
    'Σ over tensors of their NaN and infinities',
    (rows) => sum(rows.map((row) => row.nan + row.positiveInfinity + row.negativeInfinity)),
  ),
  'weights.zero-share/1': ofAnatomy(
    'ratio',
    'Σ over tensors of their zeros / Σ of their values',
    (rows) => sum(rows.map((row) => row.zeros)) / Math.max(elements(rows), 1),
  ),
  'weights.dead-rows/1': ofAnatomy(
    'rows',
    'Σ over matrices of the rows that hold nothing but zeros',
    (rows) => sum(rows.map((row) => row.deadRows)),
  ),
};
