/** Numbers of other tools: quoted, or computed again where their samples came along. */
import { mean } from './describe.ts';
import type { Formula, FormulaParams } from './formula.ts';
import { missing } from './formula.ts';
import type { Samples } from './samples.ts';

const rowOf = (samples: Samples, params: FormulaParams) =>
  samples.reported.find((row) => row.metric === params.metric);

export const NO_SAMPLES = 'not-evidenced: reported by another tool, without the samples behind it';

const reported: Formula = {
  unit: '',
  reads: 'reported',
  describe: 'as the imported file says; nothing here can compute it again',
  compute(samples, params) {
    const row = rowOf(samples, params);
    if (!row) return missing('', 'the file does not report it');
    const { unit } = row;
    const none = { n: 0, units: 0, unitOf: 'none', ci95: null };
    return { value: Number(row.value), unit, ...none, reason: NO_SAMPLES };
  },
};

const reportedMean: Formula = {
  unit: '',
  reads: 'reported',
  describe: 'mean of the samples that the imported file has',
  compute(samples, params) {
    const row = rowOf(samples, params);
    if (!row?.samples || row.samples.length === 0) return missing('', 'the file has no samples');
    const { unit, samples: values } = row;
    const n = values.length;
    const reason = 'how the samples depend on each other is not known, so no interval';
    return { value: mean(values), unit, n, units: n, unitOf: 'samples', ci95: null, reason };
  },
};

export const importFormulas: Record<string, Formula> = {
  'import.reported/1': reported,
  'import.mean/1': reportedMean,
};
