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

type DifferenceRow = Samples['differences'][number];

function ofDifference(
  unit: string,
  describe: string,
  derive: (rows: readonly DifferenceRow[]) => number | null,
): Formula {
  return {
    unit,
    reads: 'difference',
    describe,
    compute({ differences }): Derived {
      if (differences.length === 0) return missing(unit, 'no tensor was compared');
      const value = derive(differences);
      if (value === null) return missing(unit, 'nothing differs');
      return exact(unit, value, differences.length, 'tensors');
    },
  };
}

function signalToNoise(rows: readonly DifferenceRow[]): number | null {
  const noise = sum(rows.map((row) => row.noise));
  return noise === 0 ? null : 10 * Math.log10(sum(rows.map((row) => row.signal)) / noise);
}

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
  'weights.compared/1': ofDifference(
    'tensors',
    'tensors that both checkpoints have in one shape',
    (rows) => rows.length,
  ),
  'weights.changed/1': ofDifference(
    'tensors',
    'compared tensors of which any value differs',
    (rows) => rows.filter((row) => row.verdict !== 'identical').length,
  ),
  'weights.sqnr/1': ofDifference(
    'dB',
    '10·log10(Σ a² / Σ (a − b)²) over all values of all compared tensors',
    signalToNoise,
  ),
  'weights.mse/1': ofDifference(
    'squared weight',
    'Σ (a − b)² / values, over all compared tensors',
    (rows) => sum(rows.map((row) => row.noise)) / Math.max(sum(rows.map((r) => r.elements)), 1),
  ),
  'weights.max-error/1': ofDifference(
    'weight',
    'largest |a − b| over all compared tensors',
    (rows) => Math.max(...rows.map((row) => row.maxError)),
  ),
  'weights.beyond-rounding/1': ofDifference(
    'values',
    'Σ over tensors of the values that are further off than rounding to their format explains',
    (rows) => sum(rows.map((row) => row.beyond + row.nonFinite)),
  ),
};
