/** Whether the recorded scores of a labelled set are probabilities, as findings. */

import { sum } from '../analyze/describe.ts';
import { candidatesOf, massOf, probabilitiesOf } from '../analyze/label-probabilities.ts';
import type { Samples } from '../analyze/samples.ts';
import { fill } from '../measure/task/template.ts';
import type { Finding } from '../record/schema.ts';
import type { TaskMeasure } from './cell.ts';

/** How far from 1 a sum of probabilities may be. */
const SLACK = 0.01;

export function taskChecks(samples: Samples, measure: TaskMeasure): Finding[] {
  const scored = samples.items.filter((item) => item.scores !== undefined);
  if (scored.length === 0) return [];
  const findings = [sumsToOne(samples, scored)];
  if (measure.method === 'likelihood') findings.push(...withinOne(samples, measure, scored));
  return findings;
}

function sumsToOne({ items }: Samples, scored: Samples['items']): Finding {
  const off = scored.map((item) => {
    const p = probabilitiesOf(item);
    return p ? Math.abs(sum(p) - 1) : Number.POSITIVE_INFINITY;
  });
  const bad = off.filter((each) => !(each <= SLACK)).length;
  const most = off.reduce((a, b) => Math.max(a, b)).toExponential(1);
  if (bad > 0) {
    const message = `the probabilities of the labels do not sum to 1 ± ${SLACK} in ${bad} items`;
    return { code: 'probabilities-off', severity: 'error', message, evidence: { items: bad } };
  }
  const all = `${scored.length} of ${items.length} items`;
  const message = `the probabilities of the labels sum to 1 in ${all} (off by at most ${most})`;
  return { code: 'probabilities-sum', severity: 'info', message };
}

/**
 * Continuations of which none begins another exclude each other, so their probabilities cannot
 * sum to more than 1: if they do, what the engine gave were none.
 */
function withinOne(samples: Samples, measure: TaskMeasure, scored: Samples['items']): Finding[] {
  const over = scored.filter((item) => {
    const mass = massOf(item);
    if (mass === null || mass <= 1 + SLACK) return false;
    const texts = candidatesOf(item, samples).map((label) =>
      fill(measure.continuation, { text: '', label }),
    );
    return !texts.some((a, i) => texts.some((b, j) => i !== j && b.startsWith(a)));
  });
  if (over.length === 0) return [];
  const message =
    `in ${over.length} items the labels, which exclude each other, have probabilities that sum ` +
    `to more than 1 (the first: ${massOf(over[0]!)?.toPrecision(4)}, item ${over[0]!.item})`;
  return [{ code: 'label-mass', severity: 'error', message }];
}
