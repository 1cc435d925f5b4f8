import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveNumber } from '../../src/analyze/reference.ts';
import { verifyLab } from '../../src/evidence/verify.ts';
import { findNumerals } from '../../src/record/find-numerals.ts';
import { renderNumber } from '../../src/record/numerals.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import type { DocumentEvidence } from '../../src/report/document.ts';
import { experimentLog } from '../../src/report/experiment-log.ts';
import { summaryCsv } from '../../src/report/summary-csv.ts';
import { foundText, overviewText } from '../../src/report/terminal.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { DUMMY, type MadeUpBench, measureBench } from '../support/bench-runs.ts';
import { EXPERIMENT, measure, runsOf } from '../support/measured-lab.ts';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const TINY = 'builtin:made-up';
const experiment = { ...EXPERIMENT, models: [TINY, DUMMY] };
const SUSPECT = {
  code: 'suspect-drift',
  severity: 'warning' as const,
  message: 'times rose by 12 % from the first to the last third of the rounds',
};

const collected = () => collectExperiment(EXPERIMENT.name, runsOf(lab));
const written = (): { text: string; evidence: DocumentEvidence } =>
  experimentLog(collected(), { version: '0.0.0', notes: [] });

async function bench(cells: readonly Partial<MadeUpBench>[]): Promise<void> {
  for (const [order, cell] of cells.entries()) {
    const made = { model: TINY, scheme: 'f32', batchSize: 1, takes: 1, ...cell };
    await measureBench(lab, { ...made, experiment: made.experiment ?? EXPERIMENT }, order);
  }
}

/** Two models: one that was evaluated too, and one of random weights. */
async function whole(): Promise<void> {
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0, experiment }, 0);
  await measure(lab, { scheme: 'int8-g128', measure: 'eval', loses: 0.002, experiment }, 1);
  const takes = { f32: 1, bf16: 1.1, 'int8-g128': 0.6, 'int4-g128': 1.25 };
  const cells = Object.entries(takes).flatMap(([scheme, factor]) =>
    [1, 4].map((batchSize): Partial<MadeUpBench> => {
      const odd = scheme === 'int4-g128' && batchSize === 4;
      const fails = odd ? { fails: 'EngineError: out of memory at batch size 4' } : {};
      const failures = scheme === 'int8-g128' && batchSize === 4 ? 2 : 0;
      return { scheme, takes: factor, batchSize, failures, experiment, ...fails };
    }),
  );
  await bench([
    ...cells,
    { model: DUMMY, experiment, gpu: true },
    { model: DUMMY, scheme: 'int8-g128', takes: 0.98, findings: [SUSPECT], experiment, gpu: true },
  ]);
}

describe('a log with benchmarks', () => {
  beforeEach(whole);

  test('is the stored one, but for the digests (after a wanted change: vitest -u)', async () => {
    const text = written().text.replaceAll(/[0-9a-f]{64}/g, 'digest');
    await expect(text).toMatchFileSnapshot('../golden/bench-log.md');
  });

  test('every citation renders again from the runs, every other numeral is a constant', () => {
    const { text, evidence } = written();
    const runs = new Map(runsOf(lab).map((run) => [run.manifest.runId, run]));
    for (const { text: numeral, reference, format } of evidence.numbers) {
      const value = resolveNumber(reference, (id) => runs.get(id), evidence.family);
      expect(value, JSON.stringify(reference)).not.toBeNull();
      expect(renderNumber(value!, format)).toBe(numeral);
    }
    const vouched = [...evidence.numbers, ...evidence.constants];
    const places = new Set(vouched.map(({ line, column }) => `${line}:${column}`));
    for (const { line, column } of findNumerals(text)) {
      expect(places).toContain(`${line}:${column}`);
    }
  });

  test('and the whole lab verifies, readings of GPUs included', async () => {
    writeReport(collected(), { dir: `${lab.reportsDir}/${EXPERIMENT.name}`, version: '0.0.0' });
    writeSeal(lab);
    const verified = await verifyLab(lab);
    expect(verified.discrepancies).toEqual([]);
    expect(verified.numbers).toBeGreaterThan(200);
  });

  test('fits a terminal of 80 columns, dummy weights named wherever their numbers stand', () => {
    const narrow = overviewText(collected(), 80);
    const name = DUMMY.replace('dummy:', '');
    const dummy = narrow.filter((part) => part.includes(name));
    expect(dummy.length).toBeGreaterThan(0);
    for (const part of dummy) expect(part).toContain(`${name} (dummy weights)`);
    const speeds = narrow.filter((part) => /P95 ms/.test(part));
    const widths = speeds.flatMap((part) => part.split('\n').map((line) => line.length));
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    const wide = overviewText(collected(), undefined);
    expect(wide.length).toBeLessThan(narrow.length);
  });

  test('the sentence at the end names what was shown', () => {
    expect(foundText(collected())).toMatch(
      /deploy int8-g128 at batch size 4: .* × 1\.\d+ \[.*\] that of f32 at batch size 4: faster\./,
    );
  });

  test('summary.csv has the batch size of a benchmark, and none of an evaluation', () => {
    const lines = summaryCsv(collected()).split('\n');
    expect(lines.some((line) => line.includes(',bench-b4,4,succeeded,'))).toBe(true);
    expect(lines.some((line) => line.includes(',eval,,succeeded,'))).toBe(true);
  });
});

describe('speed', () => {
  const speed = () => collected().speed.map(({ cell, latency }) => ({ cell, ...latency }));

  test('is relative to f32 where the baseline is simulated, which is itself not ranked', async () => {
    const other = { ...EXPERIMENT, baseline: 'bf16' };
    await bench([
      { scheme: 'bf16', takes: 0.5, experiment: other },
      { experiment: other },
      { scheme: 'int8-g128', takes: 0.5, experiment: other },
    ]);
    const found = collected().speed;
    expect(found.map(({ baseline }) => baseline.scheme)).toEqual(['f32', 'f32']);
    expect(found.map(({ cell, latency }) => [cell.scheme, latency.verdict])).toEqual([
      ['bf16', 'refused'],
      ['int8-g128', 'better'],
    ]);
  });

  test('has no baseline where the only one is simulated: said, not ranked', async () => {
    const other = { ...EXPERIMENT, baseline: 'bf16' };
    await bench([
      { scheme: 'bf16', experiment: other },
      { scheme: 'int8-g128', takes: 0.5, experiment: other },
    ]);
    expect(collected().speed).toEqual([]);
    const reason = 'the baseline bf16 is simulated here, and f32 was not measured';
    expect(written().text).toContain(`Not ranked: ${reason}.`);
    expect(overviewText(collected(), undefined).join('\n')).toContain(`not ranked: ${reason}`);
  });

  test('of other machines, prompts or settings is refused with the reason', async () => {
    await bench([
      {},
      { scheme: 'int8-g128', takes: 0.5, hostname: 'elsewhere' },
      { scheme: 'int4-g128', takes: 0.5, promptTokens: 9 },
    ]);
    const reasons = speed().map(({ verdict, reason }) => [verdict, reason?.slice(0, 40)]);
    expect(reasons).toEqual([
      ['refused', 'other machines: elsewhere (test, 1 cores'],
      ['refused', 'the two cells were fed different prompts'],
    ]);
  });

  test('of fewer than ten rounds, of suspect cells, of shorter texts: the verdict says so', async () => {
    await bench([
      { rounds: 4 },
      { scheme: 'int8-g128', takes: 0.5, rounds: 4 },
      { scheme: 'int4-g128', takes: 0.5, findings: [SUSPECT], newTokens: 6 },
    ]);
    const [few, odd] = speed();
    expect(few).toMatchObject({
      verdict: 'inconclusive',
      ci95: null,
      reason: '4 rounds: an interval needs 10',
    });
    expect(odd!.note).toContain('int4-g128 is suspect (drift)');
    expect(odd!.note).toContain('its texts are 25.0 % shorter than the baseline’s');
  });

  test('alone is no quality: nothing is called equivalent or holding', async () => {
    await bench([{}, { scheme: 'int8-g128', takes: 0.5 }]);
    const { text } = written();
    expect(text).not.toMatch(/equivalent|holds/);
    expect(text).toContain('- Quality: perplexity and accuracy: not measured.');
    expect(text).not.toContain('- Cold start: not measured.');
    expect(foundText(collected())).not.toMatch(/holds|equivalent/);
  });
});
