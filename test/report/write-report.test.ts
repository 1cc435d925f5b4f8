import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/record/errors.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { EXPERIMENT, measure, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let dir: string;
beforeEach(async () => {
  lab = temporaryLab();
  dir = join(lab.root, 'out');
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0 }, 0);
});
afterEach(() => lab.remove());

const write = () =>
  writeReport(collectExperiment(EXPERIMENT.name, runsOf(lab)), { dir, version: '0.0.0' });

test('notes of a person are included in the order of their names, and left as they are', () => {
  mkdirSync(join(dir, 'notes'), { recursive: true });
  const notes = { 'b.md': 'Second, 2 lines.\n', 'a.md': 'First.', 'c.txt': 'not a note' };
  for (const [name, content] of Object.entries(notes)) {
    writeFileSync(join(dir, 'notes', name), content);
  }
  const { logPath } = write();
  const log = readFileSync(logPath, 'utf8');
  expect(log.indexOf('First.')).toBeGreaterThan(0);
  expect(log.indexOf('Second, 2 lines.')).toBeGreaterThan(log.indexOf('First.'));
  expect(log).not.toContain('not a note');
  expect(readFileSync(join(dir, 'notes', 'b.md'), 'utf8')).toBe(notes['b.md']);
});

test('a log that a person wrote is not overwritten', () => {
  mkdirSync(dir);
  const own = join(dir, 'EXPERIMENT_LOG.md');
  writeFileSync(own, '# Mine\n');
  expect(write).toThrow(UsageError);
  expect(readFileSync(own, 'utf8')).toBe('# Mine\n');
  expect(existsSync(join(dir, 'EXPERIMENT_LOG.evidence.json'))).toBe(false);
});

test('its own log is written again, the same', () => {
  const before = readFileSync(write().logPath, 'utf8');
  expect(readFileSync(write().logPath, 'utf8')).toBe(before);
});

test('an experiment without runs is refused with what to do', () => {
  const work = () => collectExperiment('nothing', []);
  expect(work).toThrow(FormatError);
  expect(work).toThrow('no readable run of experiment nothing');
});
