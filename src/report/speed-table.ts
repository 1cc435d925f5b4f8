/** Scheme × batch size in one small table a model: how fast, how slow at worst, against what. */
import { citeMetric } from './cite.ts';
import { citeSpeedupValue } from './cite-speed.ts';
import type { CellReport, ExperimentReport } from './collect.ts';
import { batchSizeOf, type SpeedComparison, speedBaseline } from './collect-speed.ts';
import type { Piece } from './document.ts';
import { isDummy, modelWords, SIMULATED_MARK } from './marks.ts';

export interface SpeedTable {
  readonly model: string;
  readonly dummy: boolean;
  readonly header: readonly string[];
  readonly rows: readonly (readonly Piece[])[];
  /** Columns of one batch size, each group with the naming column: for narrow terminals. */
  readonly groups: readonly (readonly number[])[];
  readonly simulated: boolean;
  /** Why nothing is ranked; null: there is a baseline. */
  readonly unranked: string | null;
}

/** Columns of one batch size. */
const EACH = 3;

/** One table a model that was benchmarked. */
export function speedTables(report: ExperimentReport): SpeedTable[] {
  const models = [...new Set(report.cells.map((cell) => cell.model))];
  return models.flatMap((model) => {
    const cells = report.cells.filter((cell) => cell.model === model && batchSizeOf(cell) !== null);
    return cells.length > 0 ? [tableOf(report, model, cells)] : [];
  });
}

function tableOf(
  report: ExperimentReport,
  model: string,
  cells: readonly CellReport[],
): SpeedTable {
  const sizes = [...new Set(cells.map((cell) => batchSizeOf(cell) as number))];
  sizes.sort((a, b) => a - b);
  const schemes = [...new Set(cells.map((cell) => cell.scheme))];
  const base = speedBaseline(report.cells, { model, baseline: report.config.baseline });
  const against = 'scheme' in base ? `vs ${base.scheme}` : 'verdict';
  const rows = schemes.map((scheme) => [
    scheme,
    ...sizes.flatMap((size) => {
      const cell = cells.find((each) => each.scheme === scheme && batchSizeOf(each) === size);
      return figures(report, cell, 'scheme' in base ? base.scheme : null);
    }),
  ]);
  return {
    model: modelWords(model, cells),
    dummy: cells.some(isDummy),
    header: [
      'Scheme',
      ...sizes.flatMap((n) => [`b${n} tok/s`, `b${n} P95 ms`, `b${n} ${against}`]),
    ],
    rows,
    groups: sizes.map((_, i) => [0, ...[1, 2, 3].map((column) => EACH * i + column)]),
    simulated: cells.some((cell) => cell.run?.manifest.engine?.simulated),
    unranked: 'reason' in base ? base.reason : null,
  };
}

function figures(
  report: ExperimentReport,
  cell: CellReport | undefined,
  baseline: string | null,
): Piece[] {
  if (!cell?.run?.summary) return [`(${cell?.status ?? 'pending'})`, '—', '—'];
  const mark = cell.run.manifest.engine?.simulated ? ` ${SIMULATED_MARK}` : '';
  return [
    [citeMetric(cell.run, 'decodeTokensPerSecond'), mark],
    [citeMetric(cell.run, 'latencyP95'), mark],
    verdictOf(report, cell, baseline),
  ];
}

function verdictOf(report: ExperimentReport, cell: CellReport, baseline: string | null): Piece {
  if (cell.scheme === baseline) return 'baseline';
  const found = report.speed.find((each) => each.cell.run === cell.run);
  return found ? shortVerdict(found) : 'not ranked';
}

/** `× 1.42 faster`; a suspect cell says so beside it. */
export function shortVerdict(comparison: SpeedComparison): Piece {
  if (comparison.latency.verdict === 'refused') return 'not ranked';
  return [citeSpeedupValue(comparison), ` ${verdictWord(comparison)}`];
}

/** `faster`, `same, suspect`. */
export function verdictWord({ latency: { verdict, note } }: SpeedComparison): string {
  if (verdict === 'refused') return 'not ranked';
  const words = { better: 'faster', worse: 'slower', equivalent: 'same', inconclusive: 'unclear' };
  return `${words[verdict]}${note?.includes('suspect') ? ', suspect' : ''}`;
}
