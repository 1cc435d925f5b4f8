/** One row a variant: the table that answers the question, for terminal and document alike. */
import { citeComparison, citeMetric, citeWithInterval } from './cite.ts';
import type { CellReport, ExperimentReport } from './collect.ts';
import type { Piece } from './document.ts';
import { isDummy, modelWords, SIMULATED_MARK } from './marks.ts';

export interface Overview {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Piece[])[];
  /** Columns that belong together, each group with the naming columns: for narrow terminals. */
  readonly groups: readonly (readonly number[])[];
  /** Whether any row carries the mark of a simulated figure. */
  readonly simulated: boolean;
  readonly dummy: boolean;
  /** Whether any quality was measured. */
  readonly scored: boolean;
}

interface Variant {
  readonly model: string;
  readonly scheme: string;
  readonly cells: readonly CellReport[];
}

export function variantsOf(report: ExperimentReport): Variant[] {
  const variants = new Map<string, Variant & { cells: CellReport[] }>();
  for (const cell of report.cells) {
    const key = `${cell.model}\n${cell.scheme}`;
    const known = variants.get(key);
    if (known) known.cells.push(cell);
    else variants.set(key, { model: cell.model, scheme: cell.scheme, cells: [cell] });
  }
  return [...variants.values()];
}

export function overviewTable(report: ExperimentReport): Overview {
  const many = new Set(report.cells.map((cell) => cell.model)).size > 1;
  const evals = report.measures.filter((measure) => has(report, measure, 'perplexity'));
  const tasks = report.measures.filter((measure) => has(report, measure, 'accuracy'));
  const timed = report.measures.some((measure) => has(report, measure, 'tokensPerSecond'));
  const header = [
    ...(many ? ['Model'] : []),
    'Scheme',
    'Computed as',
    'Stored MiB',
    ...evals.flatMap(() => ['Perplexity [95 %]', `vs ${report.config.baseline}`]),
    ...tasks.flatMap((task) => [`${task} accuracy [95 %]`, `vs ${report.config.baseline}`]),
    ...(timed ? ['Tokens/s'] : []),
    'Peak MiB',
  ];
  let simulated = false;
  const rows = variantsOf(report).map((variant) => {
    const first = variant.cells.find((cell) => cell.run?.summary)?.run ?? null;
    const mark = first?.manifest.engine?.simulated ? ` ${SIMULATED_MARK}` : '';
    if (mark) simulated = true;
    // Speed and memory of one column come from one measure: others feed other batches.
    const costly = first?.manifest.measure === costMeasure(report, variant.model) ? first : null;
    const costOf = (metric: string): Piece => {
      const cited = costly ? citeMetric(costly, metric) : null;
      return cited === null || cited.value === null ? '—' : [cited, mark];
    };
    return [
      ...(many ? [modelWords(variant.model, report.cells)] : []),
      variant.scheme,
      first?.manifest.engine?.precision ?? '—',
      first ? citeMetric(first, 'storedWeightBytes') : '—',
      ...evals.flatMap((measure) => quality(report, variant, measure, 'perplexity')),
      ...tasks.flatMap((measure) => quality(report, variant, measure, 'accuracy')),
      ...(timed ? [costOf('tokensPerSecond')] : []),
      costOf('peakMemoryBytes'),
    ];
  });
  const dummy = report.cells.some(isDummy);
  const names = many ? [0, 1] : [0];
  const costs = header.map((_, i) => i).slice(names.length + 2 + 2 * (evals.length + tasks.length));
  const cost = [names.length, names.length + 1, ...costs];
  const measured = [...evals, ...tasks].map((_, i) =>
    [0, 1].map((j) => names.length + 2 + 2 * i + j),
  );
  const groups = [...measured, cost].map((columns) => [...names, ...columns]);
  const scored = evals.length + tasks.length > 0;
  return { header, rows, groups, simulated, dummy, scored };
}

/** The first measure of the model that has a result. */
function costMeasure(report: ExperimentReport, model: string): string | undefined {
  return report.measures.find((measure) =>
    report.cells.some(
      (cell) => cell.model === model && cell.measure === measure && cell.run?.summary,
    ),
  );
}

function has(report: ExperimentReport, measure: string, metric: string): boolean {
  return report.cells.some(
    (cell) => cell.measure === measure && cell.run?.summary?.metrics[metric] !== undefined,
  );
}

function quality(
  report: ExperimentReport,
  variant: Variant,
  measure: string,
  metric: string,
): Piece[] {
  const cell = variant.cells.find((c) => c.measure === measure);
  if (!cell) return ['—', '—'];
  if (!cell.run?.summary) return [`(${cell.status})`, '—'];
  const comparison = report.comparisons.find(
    (c) => c.model === variant.model && c.scheme === variant.scheme && c.measure === measure,
  );
  const verdict: Piece =
    variant.scheme === report.config.baseline
      ? 'baseline'
      : comparison
        ? [citeComparison(comparison), ` ${comparison.result.verdict}`]
        : '—';
  return [citeWithInterval(cell.run, metric), verdict];
}
