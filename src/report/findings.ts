/** What the numbers say, in sentences: one verdict a comparison, then what it means. */
import { citeComparison, citeMargin, citeMetric, citeReduction, inUnits } from './cite.ts';
import type { CellReport, ComparisonReport, ExperimentReport } from './collect.ts';
import { isTrace } from './collect-routing.ts';
import { batchSizeOf } from './collect-speed.ts';
import type { Piece } from './document.ts';

export function quantityOf(comparison: ComparisonReport): string {
  return comparison.result.unit === 'ratio' ? 'perplexity' : `${comparison.measure} accuracy`;
}

export function marginOf(comparison: ComparisonReport): Piece {
  const quantity = comparison.result.unit === 'ratio' ? 'perplexity' : 'accuracy';
  return citeMargin(comparison.configured, quantity, comparison.params.margin);
}

/** One sentence for a comparison. */
export function verdictSentence(comparison: ComparisonReport, baseline: string): Piece {
  const { scheme, result } = comparison;
  const what = quantityOf(comparison);
  if (result.verdict === 'refused') {
    return [`**${scheme}** was not compared with ${baseline} in ${what}: ${result.reason}.`];
  }
  const words: Record<string, Piece> = {
    better: `is **better** than ${baseline} in ${what}`,
    worse: `is **worse** than ${baseline} in ${what}`,
    equivalent: [`is **equivalent** to ${baseline} in ${what} (inside `, marginOf(comparison), ')'],
    inconclusive: `against ${baseline} in ${what} is **inconclusive**`,
  };
  const said = words[result.verdict] ?? result.verdict;
  const why = result.verdict === 'inconclusive' && result.reason ? ` (${result.reason})` : '';
  return [`**${scheme}** `, said, ': ', citeComparison(comparison), `${why}.`];
}

/** Schemes that were compared on every measure and called equivalent or better on each. */
export function holdingSchemes(report: ExperimentReport, model: string): string[] {
  const of = (scheme: string): ComparisonReport[] =>
    report.comparisons.filter((c) => c.model === model && c.scheme === scheme);
  return report.config.schemes.filter((scheme) => {
    const all = of(scheme);
    return (
      // A measure that failed or has no baseline shows nothing.
      all.length > 0 &&
      all.length === qualityMeasures(report, model) &&
      all.every(({ result: { verdict } }) => verdict === 'equivalent' || verdict === 'better')
    );
  });
}

export function qualityMeasures(report: ExperimentReport, model: string): number {
  const cells = report.cells.filter(
    (c) => c.model === model && batchSizeOf(c) === null && !isTrace(c),
  );
  return new Set(cells.map((cell) => cell.measure)).size;
}

/** The cell with the fewest stored bytes among the schemes that hold their quality. */
export function smallestHolding(report: ExperimentReport, model: string): CellReport | null {
  const holding = holdingSchemes(report, model);
  const bytes = (cell: CellReport): number =>
    cell.run?.summary?.metrics.storedWeightBytes?.value ?? Number.POSITIVE_INFINITY;
  const cells = report.cells.filter(
    (c) => c.model === model && holding.includes(c.scheme) && c.run && batchSizeOf(c) === null,
  );
  return cells.toSorted((a, b) => bytes(a) - bytes(b))[0] ?? null;
}

/** The sentence that a reader takes away; null when nothing was compared. */
export function conclusion(report: ExperimentReport, model: string): Piece | null {
  const compared = report.comparisons.filter((c) => c.model === model);
  if (compared.length === 0) return null;
  const { baseline } = report.config;
  const cell = smallestHolding(report, model);
  if (!cell?.run) return [`No scheme is shown to hold the quality of ${baseline}.`];
  const base = report.cells.find(
    (c) => c.model === model && c.measure === cell.measure && c.scheme === baseline,
  );
  const saved: Piece = base?.run
    ? [
        ', ',
        inUnits(citeReduction({ run: cell.run, baseline: base.run }, 'storedWeightBytes')),
        ' less',
      ]
    : '';
  const simulated = cell.run.manifest.engine?.simulated ? ' (its speed is simulated here)' : '';
  return [
    `The smallest scheme that holds the quality of ${baseline} on every measure is `,
    `**${cell.scheme}**${simulated}: `,
    inUnits(citeMetric(cell.run, 'storedWeightBytes')),
    ' stored',
    saved,
    '.',
  ];
}
