/** Which metrics a labelled set has, by what its rows hold. */
import { classesOf, topConfusions } from '../analyze/confusion.ts';
import type { MetricRequest } from '../analyze/formulas.ts';
import type { Samples } from '../analyze/samples.ts';
import type { TaskMeasure } from './cell.ts';

const ECE_BINS = 10;
/** Three metrics a label: beyond this nobody reads them, and `confusion.csv` has the counts. */
const MOST_CLASSES = 100;
export const MOST_CONFUSIONS = 10;

type Drawn = { seed: number; resamples: number };

export function taskRequests(
  { method }: Pick<TaskMeasure, 'method'>,
  { items }: Samples,
  drawn: Drawn,
): MetricRequest[] {
  const own = items.some((item) => item.choices !== undefined);
  const plain = (name: string, formula: string): MetricRequest => ({ name, formula, params: {} });
  return [
    plain('accuracy', 'task.accuracy/2'),
    ...(method === 'likelihood' ? [plain('accuracyNorm', 'task.accuracy-per-character/1')] : []),
    ...(own ? [] : [plain('macroAccuracy', 'task.macro-accuracy/2')]),
    ...(own ? [] : [plain('macroF1', 'task.macro-f1/1')]),
    { name: 'labelLoss', formula: 'task.label-loss/1', params: drawn },
    ...(method === 'generation' ? [plain('answered', 'task.answered/1')] : probabilities(drawn)),
    ...(method === 'likelihood'
      ? [{ name: 'labelMass', formula: 'task.label-mass/1', params: drawn }]
      : []),
    plain('items', 'task.items/1'),
    ...classRequests(items),
  ];
}

function probabilities(drawn: Drawn): MetricRequest[] {
  return [
    { name: 'labelEce', formula: 'task.ece/1', params: { bins: ECE_BINS } },
    { name: 'labelBrier', formula: 'task.brier/1', params: drawn },
  ];
}

/** Named `recall:LABEL` and so on; a run id holds no colon. */
function classRequests(items: Samples['items']): MetricRequest[] {
  const classes = classesOf(items);
  const each = classes.length <= MOST_CLASSES ? classes : [];
  return [
    ...each.flatMap((label) =>
      ['recall', 'precision', 'f1'].map((what) => ({
        name: `${what}:${label}`,
        formula: `task.${what}/1`,
        params: { label },
      })),
    ),
    ...topConfusions(items, MOST_CONFUSIONS).map(({ label, predicted }) => ({
      name: `confusion:${label}>${predicted ?? ''}`,
      formula: 'task.confusion/1',
      params: predicted === null ? { label } : { label, predicted },
    })),
  ];
}
