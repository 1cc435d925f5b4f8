/** Limits and prices that changed after the runs: kept beside the report, for as long as needed. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FormatError } from '../../src/record/errors.ts';
import { DECISION_FILE, keepDecision, readDecision } from '../../src/report/decision-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-decision-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const limit = { choose: { p95_ms: 50 }, cost: undefined };
const priced = { cost: { usd_per_hour: { on_demand: 1.89, spot: undefined }, utilization: 0.5 } };

test('what the file says now is read back', () => {
  const reports = join(dir, 'reports', 'quickstart');
  keepDecision(reports, { ...limit, ...priced }, limit);
  expect(readDecision(reports)).toEqual({
    choose: { p95_ms: 50 },
    cost: { usd_per_hour: { on_demand: 1.89 }, utilization: 0.5 },
  });
});

test('nothing is kept where the newest run recorded the same, and what was kept goes', () => {
  keepDecision(dir, limit, { choose: { p95_ms: 50 } });
  expect(existsSync(join(dir, DECISION_FILE))).toBe(false);
  expect(readDecision(dir)).toBeNull();
  keepDecision(dir, limit, {});
  expect(existsSync(join(dir, DECISION_FILE))).toBe(true);
  keepDecision(dir, {}, {});
  expect(existsSync(join(dir, DECISION_FILE))).toBe(false);
});

test('limits that were taken out of the file are out', () => {
  keepDecision(dir, {}, limit);
  expect(readDecision(dir)).toEqual({ choose: undefined, cost: undefined });
});

test('a damaged file is an error that names it', () => {
  for (const text of ['{', '{"schema":"assay.decision/1","choose":{"p95_ms":"50"}}']) {
    writeFileSync(join(dir, DECISION_FILE), text);
    expect(() => readDecision(dir)).toThrow(FormatError);
    expect(() => readDecision(dir)).toThrow(DECISION_FILE);
  }
});
