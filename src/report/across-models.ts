/**
 * Evaluations of several models on one text, in bits per byte against one named run. It is a
 * difference of models: of what quantization does to any of them it says nothing.
 */
import { compareRuns } from '../analyze/compare.ts';
import type { CompareParams, Comparison } from '../analyze/comparison.ts';
import { judgeFamily } from '../analyze/family.ts';
import { pairOf, type ResolvableRun, samplesOf } from '../analyze/reference.ts';
import type { Piece } from './document.ts';
import { plainText } from './plain.ts';
import { textTable } from './table.ts';

const BITS_PER_BYTE = 'compare.bits-per-byte-ratio/1';

export interface ModelComparison {
  readonly model: string;
  readonly scheme: string;
  readonly run: string;
  readonly baseline: string;
  readonly formula: typeof BITS_PER_BYTE;
  readonly params: CompareParams;
  readonly result: Comparison;
}

/** Evaluations among `runs` of other models than the baseline's, corrected for their number. */
export function acrossModels(
  runs: readonly ResolvableRun[],
  baseline: ResolvableRun,
  options: { seed: number; margin: number },
): ModelComparison[] {
  const params = { resamples: 2_000, ...options };
  const others = runs.filter(
    (run) =>
      run.manifest.status === 'succeeded' &&
      run.manifest.variant.model !== baseline.manifest.variant.model &&
      samplesOf(run).windows.length > 0,
  );
  const results = others.map((run) => compareRuns(BITS_PER_BYTE, pairOf(run, baseline), params));
  const judged = judgeFamily(results);
  return others.map(({ manifest }, i) => ({
    ...manifest.variant,
    ...{ run: manifest.runId, baseline: baseline.manifest.runId, formula: BITS_PER_BYTE, params },
    result: judged[i] as Comparison,
  }));
}

export function acrossText(found: readonly ModelComparison[]): string {
  const rows = found.map(({ model, scheme, result }): string[] => {
    const { value, ci95, verdict, reason } = result;
    const text = (x: number): string => x.toFixed(4);
    const interval = ci95 ? ` [${text(ci95[0])}, ${text(ci95[1])}]` : '';
    const change: Piece = value === null ? (reason ?? '—') : `× ${text(value)}${interval}`;
    return [model, scheme, plainText(change), verdict];
  });
  const columns = ['Model', 'Scheme', 'Bits per byte [95 %]', 'Verdict'];
  const [first] = found;
  return [
    `Across models, against runs/${first?.baseline}`,
    textTable(
      columns.map((title) => ({ title })),
      rows,
    ),
    'A difference of models on this text, and no effect of quantization.',
  ].join('\n');
}
