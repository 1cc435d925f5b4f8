/** What a formula is: rows in, a number with its interval out. */
import type { SampleRow } from '../record/rows.ts';
import type { Metric } from '../record/schema.ts';
import { sum } from './describe.ts';
import { bootstrapRatio, MIN_UNITS, type Resampling, tooFew } from './intervals.ts';
import type { Samples, Unit } from './samples.ts';
import { expandedTail } from './student.ts';

export type FormulaParams = Metric['params'];

/** The derived part of a metric; the registry adds formula, params and sample file. */
export type Derived = Pick<Metric, 'value' | 'unit' | 'n' | 'units' | 'unitOf' | 'ci95' | 'reason'>;

export interface Formula {
  readonly unit: string;
  /** The kind of sample rows that it reads. */
  readonly reads: SampleRow['kind'];
  /** One sentence for `assay explain`, with the mathematics. */
  readonly describe: string;
  compute(samples: Samples, params: FormulaParams): Derived;
}

export function numberParam(params: FormulaParams, name: string): number {
  const value = params[name];
  if (typeof value !== 'number') throw new TypeError(`formula parameter ${name} must be a number`);
  return value;
}

export function missing(unit: string, reason: string): Derived {
  return { value: null, unit, n: 0, units: 0, unitOf: 'none', ci95: null, reason };
}

/** A number read off one process or summed over a file: no sampling, so no interval. */
export function exact(unit: string, value: number, n: number, unitOf: string): Derived {
  return { value, unit, n, units: n, unitOf, ci95: null, reason: 'exact, not a sample' };
}

export interface RatioOfUnits {
  unit: string;
  unitOf: string;
  units: readonly Unit[];
  params: FormulaParams;
  /** What `n` counts; Σ tokens unless given. */
  n?: number;
  /** Widen the interval for few units, as rounds are; documents are many. */
  expanded?: boolean;
  /** Of units that are correlated with their neighbours. */
  correlated?: Pick<Resampling, 'block' | 'tail'>;
}

/** Σ totals / Σ tokens with a bootstrap interval over the units. */
export function ratioOfUnits(options: RatioOfUnits): Derived {
  const { unit, unitOf, units, params } = options;
  const numerators = units.map((u) => u.total);
  const denominators = units.map((u) => u.tokens);
  const total = sum(numerators);
  const tokens = sum(denominators);
  if (tokens === 0) return missing(unit, 'nothing was scored');
  const base = { value: total / tokens, unit, n: options.n ?? tokens, units: units.length, unitOf };
  if (units.length < MIN_UNITS) {
    return { ...base, ci95: null, reason: tooFew(units.length, unitOf) };
  }
  const ci95 = bootstrapRatio({
    numerators,
    denominators,
    resamples: numberParam(params, 'resamples'),
    seed: numberParam(params, 'seed'),
    ...(options.expanded ? { tail: expandedTail(units.length) } : {}),
    ...options.correlated,
  });
  return { ...base, ci95 };
}
