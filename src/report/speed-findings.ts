/** What the speeds say, in sentences: only what was tested, each with its interval. */
import { citeBatchSize, citeLatencyMargin, citeLatencyRatio, citeSpeedup } from './cite-speed.ts';
import type { ExperimentReport } from './collect.ts';
import type { SpeedComparison } from './collect-speed.ts';
import type { Piece } from './document.ts';
import { modelWords } from './marks.ts';

/** One sentence a variant: its clauses go through the batch sizes that have a verdict. */
export function speedSentences(report: ExperimentReport): Piece[] {
  const models = [...new Set(report.cells.map((cell) => cell.model))];
  const variants = new Map<string, SpeedComparison[]>();
  for (const each of report.speed) {
    const key = `${each.cell.model}\n${each.cell.scheme}`;
    variants.set(key, [...(variants.get(key) ?? []), each]);
  }
  return [...variants.values()].flatMap((all): Piece[] => {
    const [{ cell }] = all as [SpeedComparison];
    const model = models.length > 1 ? `${modelWords(cell.model, report.cells)}: ` : '';
    const judged = all.filter(({ latency }) => latency.verdict !== 'refused');
    const clauses = judged.flatMap((each, i) => [i > 0 ? '; ' : ' ', clause(each)]);
    return judged.length > 0 ? [[`${model}**${cell.scheme}**`, ...clauses, '.']] : [];
  });
}

/** `generates × 1.420 [1.379, 1.460] faster than f32 at batch size 1`. */
export function clause(comparison: SpeedComparison): Piece {
  const { latency, baseline, cell } = comparison;
  const at: Piece = [' at batch size ', citeBatchSize(cell)];
  const base = baseline.scheme;
  const note = latency.note ? ` (${latency.note})` : '';
  switch (latency.verdict) {
    case 'better':
      return ['generates ', citeSpeedup(comparison), ` faster than ${base}`, at, note];
    case 'worse':
      return ['takes ', citeLatencyRatio(comparison), ` as long as ${base}`, at, note];
    case 'equivalent': {
      const inside = [citeLatencyRatio(comparison), ', inside ', citeLatencyMargin(comparison)];
      return [`is as fast as ${base}`, at, ' (', ...inside, ')', note];
    }
    case 'inconclusive': {
      const why = latency.reason ? `; ${latency.reason}` : '';
      const shown = [citeLatencyRatio(comparison), why];
      return [`is shown neither faster nor slower than ${base}`, at, ' (', ...shown, ')', note];
    }
    case 'refused':
      return ['is not ranked', at, `: ${latency.reason}`];
  }
}
