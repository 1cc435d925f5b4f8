import { describe, expect, it } from 'vitest';
import type { ResolvableRun } from '../analyze/reference.ts';
import { importedReport, namedComparisons } from './imported.ts';
import { importedText } from './imported-text.ts';

type Settings = Record<string, string | number | boolean>;

function run(
  of: { scheme: string; settings?: Settings; tool?: string; model?: string },
  values: Record<string, number>,
  formula = 'import.reported/1',
): ResolvableRun {
  const { scheme, settings = {}, tool = 'batch-matrix', model = 'acme/A' } = of;
  const cell = JSON.stringify([scheme, settings, tool]);
  const metrics = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, unit: 'ms', formula }]),
  );
  const manifest = {
    ...{ runId: `imported/${cell}/1`, cell, measure: 'import', status: 'succeeded' },
    ...{ variant: { model, scheme }, config: { imported: { tool, settings } } },
  };
  return { manifest, summary: { metrics }, rows: () => [] } as unknown as ResolvableRun;
}

const told = ({ comparisons }: ReturnType<typeof importedReport>) =>
  comparisons.map((c) => [c.run.manifest.variant.scheme, c.metric, c.ratio, c.verdict, c.reason]);

describe('imported numbers against each other', () => {
  const none = (batchSize: number, value: number, extra: Settings = {}) =>
    run({ scheme: 'none', settings: { batchSize, ...extra } }, { p95: value });
  const int8 = (batchSize: number, value: number) =>
    run({ scheme: 'int8', settings: { batchSize } }, { p95: value });

  it('stand against full precision under the same conditions, and are not evidenced', () => {
    const report = importedReport([none(1, 10), none(8, 40), int8(1, 5), int8(8, 80)]);
    expect(told(report)).toEqual([
      ['int8', 'p95', 0.5, 'not-evidenced', 'no samples on either side'],
      ['int8', 'p95', 2, 'not-evidenced', 'no samples on either side'],
    ]);
    expect(importedText(report)[1]).toMatch(/batchSize 8 +p95 \(ms\) +80 +40 +2\.000 +not-evid/);
  });

  it('the plain one of two in full precision is the baseline, unless another is named', () => {
    const flash = none(1, 4, { flashAttention: true });
    expect(told(importedReport([none(1, 8), flash]))).toEqual([
      ['none', 'p95', 0.5, 'not-evidenced', 'no samples on either side'],
    ]);
    expect(told(importedReport([none(1, 8), flash], flash))[0]?.[2]).toBe(2);
  });

  it('of two precisions that are full none is chosen', () => {
    const report = importedReport([
      run({ scheme: 'fp16' }, { p95: 1 }),
      run({ scheme: 'fp32' }, { p95: 2 }),
    ]);
    expect(report.comparisons).toEqual([]);
    expect(report.apart).toEqual([expect.stringContaining('--baseline RUN names one')]);
  });

  it('what has no counterpart is named, and other tools and models stand apart', () => {
    const other = run({ scheme: 'int4', tool: 'lm-eval' }, { p95: 1 });
    const report = importedReport([none(1, 10), int8(8, 5), other]);
    expect(report.comparisons).toEqual([]);
    expect(report.apart).toHaveLength(2);
  });

  it('named runs are compared whatever they are of; the differences are said', () => {
    const [measured, base] = [
      run({ scheme: 'int8', tool: 'vllm-bench' }, { p95: 3 }, 'import.mean/1'),
      none(4, 6),
    ];
    expect(told(namedComparisons([measured, base], base))[0]?.[4]).toBe(
      'the baseline has no samples; tool vllm-bench against batch-matrix; batchSize unstated against 4',
    );
  });
});
