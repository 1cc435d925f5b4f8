import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveNumber } from '../../src/analyze/reference.ts';
import { findNumerals } from '../../src/record/find-numerals.ts';
import { renderNumber } from '../../src/record/numerals.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import type { DocumentEvidence } from '../../src/report/document.ts';
import { experimentLog } from '../../src/report/experiment-log.ts';
import { conclusion } from '../../src/report/findings.ts';
import { overviewTable } from '../../src/report/overview.ts';
import { plainText } from '../../src/report/plain.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { EXPERIMENT, measure, measureAll, runsOf } from '../support/measured-lab.ts';

const NOTE = '### Why\n\nWe ran this on a Friday; 3 of us watched.\n';

let lab: ReturnType<typeof temporaryLab>;
beforeEach(() => {
  lab = temporaryLab();
});
afterEach(() => lab.remove());

const collected = () => collectExperiment(EXPERIMENT.name, runsOf(lab));

function written(): { text: string; evidence: DocumentEvidence } {
  const notes = [{ file: 'notes/friday.md', content: NOTE }];
  return experimentLog(collected(), { version: '0.0.0', notes });
}

/** Every citation renders again from the runs to what stands at its place. */
function standing({ text, evidence }: ReturnType<typeof written>): void {
  const lines = text.split('\n');
  const runs = new Map(runsOf(lab).map((run) => [run.manifest.runId, run]));
  for (const { line, column, text: numeral, reference, format } of evidence.numbers) {
    expect(lines[line - 1]!.startsWith(numeral, column - 1)).toBe(true);
    const value = resolveNumber(reference, (id) => runs.get(id), evidence.family);
    expect(value, JSON.stringify(reference)).not.toBeNull();
    expect(renderNumber(value!, format)).toBe(numeral);
  }
}

describe('the log of the made-up experiment', () => {
  beforeEach(() => measureAll(lab));

  test('is the stored one, but for the digests (after a wanted change: vitest -u)', async () => {
    const text = written().text.replaceAll(/[0-9a-f]{64}/g, 'digest');
    await expect(text).toMatchFileSnapshot('../golden/experiment-log.md');
  });

  test('says the same thing when it is written again', () => {
    expect(written()).toEqual(written());
  });

  test('every citation renders again from the runs', () => {
    const log = written();
    standing(log);
    expect(log.evidence.numbers.length).toBeGreaterThan(100);
  });

  test('every numeral is cited, a constant, or prose', () => {
    const { text, evidence } = written();
    const vouched = [...evidence.numbers, ...evidence.constants];
    const places = new Set(vouched.map(({ line, column }) => `${line}:${column}`));
    const [prose] = evidence.prose;
    for (const { line, column } of findNumerals(text)) {
      if (line >= prose!.from && line <= prose!.to) continue;
      expect(places).toContain(`${line}:${column}`);
    }
    expect(prose!.file).toBe('notes/friday.md');
    expect(
      text
        .split('\n')
        .slice(prose!.from - 1, prose!.to)
        .join('\n'),
    ).toBe(NOTE.trimEnd());
  });
});

const eachScheme = async (schemes: readonly string[], measures = ['eval', 'intents'] as const) => {
  let order = 0;
  for (const scheme of schemes) {
    for (const name of measures) {
      await measure(lab, { scheme, measure: name, loses: name === 'eval' ? 0 : 10 }, order++);
    }
  }
};

describe('the conclusion', () => {
  const sentence = () => plainText(conclusion(collected(), 'builtin:made-up') ?? 'none');

  test('names the smallest scheme that holds on every measure', async () => {
    await eachScheme(['f32', 'bf16', 'int8-g128']);
    expect(sentence()).toContain('int8-g128: 1.01 MiB stored, 73.7 % less');
  });

  test('a scheme that failed on one measure holds nothing, however well it did on the other', async () => {
    await eachScheme(['f32']);
    await measure(lab, { scheme: 'bf16', measure: 'eval', loses: 0, fails: 'out of memory' }, 8);
    await measure(lab, { scheme: 'bf16', measure: 'intents', loses: 10 }, 9);
    expect(sentence()).toBe('No scheme is shown to hold the quality of f32.');
  });

  test('nothing was compared: nothing is concluded', async () => {
    await eachScheme(['f32']);
    expect(sentence()).toBe('none');
  });
});

test('a margin that changed later is cited from the run that has it', async () => {
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0 }, 0);
  await measure(lab, { scheme: 'int8-g128', measure: 'eval', loses: 0.002 }, 1);
  const margins = { perplexity: 0.05, accuracy: 0.01 };
  const experiment = { ...EXPERIMENT, margins };
  await measure(lab, { scheme: 'int4-g128', measure: 'eval', loses: 0.03, experiment }, 2);
  const log = written();
  expect(log.text).toContain(
    '**int4-g128** is **equivalent** to f32 in perplexity (inside ±5.0 %)',
  );
  standing(log);
});

test('speeds in one column come from one measure', async () => {
  await eachScheme(['f32']);
  await measure(lab, { scheme: 'int8-g128', measure: 'eval', loses: 0, fails: 'killed' }, 8);
  await measure(lab, { scheme: 'int8-g128', measure: 'intents', loses: 10 }, 9);
  const { header, rows } = overviewTable(collected());
  const speed = rows.map((row) => plainText(row[header.indexOf('Tokens/s')]!));
  expect(speed[0]).toMatch(/^\d+$/);
  // bf16 and int4-g128 did not run at all.
  expect(speed.slice(1)).toEqual(['—', '—', '—']);
});

test('an objective of several lines and a reason with bars stay in their line and cell', async () => {
  const experiment = { ...EXPERIMENT, objective: 'First line.\nSecond: 42 lines.\n' };
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0, experiment }, 0);
  const fails = 'EngineError: a|b\n  at somewhere';
  await measure(lab, { scheme: 'bf16', measure: 'eval', loses: 0, fails, experiment }, 1);
  const { text, evidence } = written();
  expect(text).toContain('- **Objective:** First line. Second: 42 lines.\n');
  expect(evidence.constants.map((constant) => constant.text)).toContain('42');
  expect(text).toContain('No result (failed: EngineError: a|b).');
});

test('of several attempts the newest that succeeded is shown', async () => {
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0.5 }, 0);
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0 }, 1);
  await measure(lab, { scheme: 'f32', measure: 'eval', loses: 0, fails: 'killed' }, 2);
  const cell = collected().cells.find(({ scheme }) => scheme === 'f32')!;
  expect(cell).toMatchObject({ status: 'succeeded', attempts: 3 });
  expect(cell.run!.manifest.startedAt).toBe('2026-11-20T05:35:00.000Z');
});
