import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyLab } from '../../src/evidence/verify.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { measureBench } from '../support/bench-runs.ts';
import { EXPERIMENT, measure, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
let dir: string;
beforeEach(() => {
  lab = temporaryLab();
  dir = join(lab.reportsDir, EXPERIMENT.name);
});
afterEach(() => lab.remove());

const write = () =>
  writeReport(collectExperiment(EXPERIMENT.name, runsOf(lab)), { dir, version: '0.0.0' });

/** Everything that vouches for the report, sealed. */
async function measureTwo(): Promise<string> {
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0 }, 0);
  await measure(lab, { scheme: 'f32', measure: 'intents', loses: 4 }, 1);
  await measure(lab, { scheme: 'bf16', measure: 'eval', loses: 0, fails: 'no memory left' }, 2);
  writeSeal(lab);
  return write().baselinesPath as string;
}

test('a block a run: configuration, metrics with intervals, checks, and what is missing', async () => {
  const text = readFileSync(await measureTwo(), 'utf8');
  expect(text).toContain('### made-up at f32 (smoke baseline)');
  expect(text).toContain('### made-up at f32 (intents baseline)');
  expect(text).toMatch(/^- Perplexity: \d+\.\d{4} \[\d+\.\d{4}, \d+\.\d{4}\]$/m);
  expect(text).toMatch(/^- Token accuracy: [\d.]+ \[[\d.]+, [\d.]+\] %$/m);
  expect(text).toContain('- Context: 64');
  expect(text).toContain('- No result (failed: no memory left).');
  const actions = text.slice(text.indexOf('## Next Actions'));
  expect(actions).toContain('Measure again eval of builtin:made-up at bf16 (failed)');
  expect(actions).toContain('Measure eval of builtin:made-up at int8-g128 (pending)');
  expect(actions).toContain('`check_repeat: true`');
  expect(actions).toContain('Score the standard budget');
  expect(text).not.toMatch(/NaN|undefined|null/);
});

test('generate, verify, generate: the same bytes; a changed digit is named', async () => {
  const path = await measureTwo();
  const text = readFileSync(path, 'utf8');
  expect((await verifyLab(lab)).discrepancies).toEqual([]);
  write();
  expect(readFileSync(path, 'utf8')).toBe(text);
  const at = text.indexOf('- Perplexity: ') + '- Perplexity: '.length;
  const digit = text[at] === '9' ? '8' : '9';
  writeFileSync(path, text.slice(0, at) + digit + text.slice(at + 1));
  const { discrepancies } = await verifyLab(lab);
  expect(discrepancies).toMatchObject([
    { code: 'number-differs', place: { file: `reports/${EXPERIMENT.name}/BASELINES.md` } },
  ]);
});

test('a benchmark alone has none', async () => {
  const of = { model: 'builtin:made-up', scheme: 'f32', batchSize: 1, takes: 1 };
  await measureBench(lab, { ...of, experiment: EXPERIMENT }, 0);
  expect(write().baselinesPath).toBeUndefined();
  expect(existsSync(join(dir, 'BASELINES.md'))).toBe(false);
});
