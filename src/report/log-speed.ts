/** A variant's speed and texts against its speed baseline, one row a batch size. */
import { citeAdjusted, citeReduction, inUnits } from './cite.ts';
import {
  citeBatchSize,
  citeLatencyMargin,
  citeLatencyRatio,
  citeLatencyReduction,
  citeSpeedup,
  citeTexts,
} from './cite-speed.ts';
import { latencyId, type SpeedComparison } from './collect-speed.ts';
import type { DocumentBuilder, Piece } from './document.ts';

export function benchComparison(doc: DocumentBuilder, speed: readonly SpeedComparison[]): void {
  const [first] = speed;
  if (!first) return;
  const base = first.baseline.scheme;
  doc.table(
    [
      ...['Batch size', `Latency vs ${base} [95 %]`, 'Latency saved', 'Throughput [95 %]'],
      ...['Peak memory saved', 'Resident weights saved', 'p (Holm)', 'Verdict'],
      ...[`Next token as ${base} [95 %]`, 'Whole text the same', 'Notes'],
    ],
    speed.map((each) => {
      const ranked = each.latency.verdict !== 'refused';
      const runs = { run: each.cell.run, baseline: each.baseline.run };
      const saved = (name: string): Piece => (ranked ? inUnits(citeReduction(runs, name)) : '—');
      return [
        citeBatchSize(each.cell),
        ...(ranked
          ? [citeLatencyRatio(each), citeLatencyReduction(each), citeSpeedup(each)]
          : ['—', '—', '—']),
        saved('peakMemoryBytes'),
        saved('residentWeightBytes'),
        citeAdjusted(latencyId(each), each.latency),
        ranked ? speedWord(each) : 'not ranked',
        citeTexts(each, 'agreement'),
        citeTexts(each, 'identical'),
        [each.latency.reason, each.latency.note].filter(Boolean).join('; '),
      ];
    }),
  );
  doc.add(['Margin of the verdict: ', citeLatencyMargin(first), ' of the latency.']);
}

function speedWord({ latency }: SpeedComparison): string {
  const words: Record<string, string> = { better: 'faster', worse: 'slower' };
  return words[latency.verdict] ?? latency.verdict;
}
