import { join } from 'node:path';
import { expect, it } from 'vitest';
import { totalOf } from '../../scripts/test-total.ts';
import { temporaryTree } from './temporary-tree.ts';

function report(fields: Record<string, unknown>): string {
  const numbers = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  return JSON.stringify({ ...numbers, success: true, testResults: [], ...fields });
}

function total(reports: Record<string, string>, also: string[] = []) {
  const root = temporaryTree(reports);
  return totalOf([...Object.keys(reports), ...also].map((name) => join(root, name)));
}

it('sums reports', () => {
  const a = report({ numPassedTests: 3, numPendingTests: 1 });
  const b = report({ numPassedTests: 4, numFailedTests: 2, success: false, numTodoTests: 1 });
  expect(total({ a, b })).toEqual({ passed: 7, failed: 2, skipped: 2 });
});

it('counts a file that broke before its first test', () => {
  const testResults = [{ status: 'failed', assertionResults: [] }];
  expect(total({ a: report({ numPassedTests: 1, success: false, testResults }) })).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

it('does not count a failing test twice', () => {
  const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }] }];
  const a = report({ numFailedTests: 1, success: false, testResults });
  expect(total({ a }).failed).toBe(1);
});

it('counts an error outside of any test', () => {
  expect(total({ a: report({ numPassedTests: 1, success: false }) }).failed).toBe(1);
});

it('counts a report that is missing or torn', () => {
  expect(total({ a: '{"numPassed' }, ['missing']).failed).toBe(2);
});
