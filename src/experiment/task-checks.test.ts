import { expect, test } from 'vitest';
import { groupSamples } from '../analyze/samples.ts';
import type { SampleRow } from '../record/rows.ts';
import type { TaskMeasure } from './cell.ts';
import { taskChecks } from './task-checks.ts';

const MEASURE: TaskMeasure = {
  ...{ kind: 'task', name: 'task', filePath: 'i.jsonl', method: 'likelihood' },
  ...{ prompt: '{text}', continuation: ' {label}\n', batch_tokens: 64, check_repeat: false },
};

function findings(labels: string[], p: (number | null)[], changes: Partial<TaskMeasure> = {}) {
  const rows: SampleRow[] = [
    { kind: 'label-set', part: 0, method: 'likelihood', labels },
    {
      ...{ kind: 'item', batch: 0, item: 3, label: 'a', predicted: 'a', correct: true, tokens: 1 },
      ...{ logp: -1, scores: p.map((each) => (each === null ? null : Math.log(each))) },
    },
  ];
  return taskChecks(groupSamples(rows), { ...MEASURE, ...changes });
}

test('probabilities that sum to 1 are said to, with how far they are off', () => {
  const [found, ...rest] = findings(['a', 'b'], [0.5, 0.25]);
  expect(found).toMatchObject({ code: 'probabilities-sum', severity: 'info' });
  expect(found!.message).toMatch(/sum to 1 in 1 of 1 items \(off by at most [\d.e+-]+\)/);
  expect(rest).toEqual([]);
});

test('scores that are no numbers have no probabilities', () => {
  expect(findings(['a', 'b'], [0.5, null])).toMatchObject([
    { code: 'probabilities-off', severity: 'error', evidence: { items: 1 } },
  ]);
});

test('labels that exclude each other cannot have more than all of the probability', () => {
  expect(findings(['a', 'b'], [0.8, 0.7])[1]).toMatchObject({ code: 'label-mass' });
  expect(findings(['a', 'b'], [0.8, 0.2])).toHaveLength(1);
  // Without an end mark one label may begin another: then both may be likely.
  expect(findings(['a', 'ab'], [0.8, 0.7], { continuation: ' {label}' })).toHaveLength(1);
  expect(findings(['a', 'ab'], [0.8, 0.7])).toHaveLength(2);
});

test('logits of a head are no log probabilities: their sum says nothing', () => {
  expect(findings(['a', 'b'], [5, 7], { method: 'head' })).toHaveLength(1);
});
