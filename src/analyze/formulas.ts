/** The registry: a formula id in a record is looked up here and computed again by `verify`. */
import { GPU_SAMPLES_FILE, SAMPLES_FILE } from '../record/samples.ts';
import type { Metric } from '../record/schema.ts';
import type { Formula, FormulaParams } from './formula.ts';
import { benchFormulas } from './formulas-bench.ts';
import { classFormulas } from './formulas-classes.ts';
import { evalFormulas } from './formulas-eval.ts';
import { execFormulas } from './formulas-exec.ts';
import { importFormulas } from './formulas-import.ts';
import { labelProbabilityFormulas } from './formulas-label-probabilities.ts';
import { machineFormulas } from './formulas-machine.ts';
import { routingFormulas } from './formulas-routing.ts';
import { runFormulas } from './formulas-run.ts';
import { taskFormulas } from './formulas-task.ts';
import { trustFormulas } from './formulas-trust.ts';
import { weightFormulas } from './formulas-weights.ts';
import type { Samples } from './samples.ts';

/** Without a prototype: `toString` is the id of no formula. */
export const FORMULAS: Readonly<Record<string, Formula>> = Object.assign(Object.create(null), {
  ...evalFormulas,
  ...taskFormulas,
  ...classFormulas,
  ...labelProbabilityFormulas,
  ...runFormulas,
  ...benchFormulas,
  ...machineFormulas,
  ...trustFormulas,
  ...importFormulas,
  ...execFormulas,
  ...weightFormulas,
  ...routingFormulas,
});

/** A metric to derive: its name in the summary, its formula, its parameters. */
export interface MetricRequest {
  readonly name: string;
  readonly formula: string;
  readonly params: FormulaParams;
}

/** Throws RangeError for an unknown formula id. */
export function computeMetric(request: Omit<MetricRequest, 'name'>, samples: Samples): Metric {
  const formula = FORMULAS[request.formula];
  if (!formula) throw new RangeError(`unknown formula ${request.formula}`);
  const derived = formula.compute(samples, request.params);
  return {
    ...derived,
    formula: request.formula,
    params: request.params,
    samples: formula.reads === 'gpu' ? GPU_SAMPLES_FILE : SAMPLES_FILE,
  };
}
