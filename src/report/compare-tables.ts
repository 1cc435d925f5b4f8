/** `assay compare` on a terminal: all variants against the named baseline, then the decision. */
import { PRICED } from '../analyze/cost.ts';
import { citeAdjusted, citeComparison, citeMetric, citeReduction, inUnits } from './cite.ts';
import { citeBalance, citeCost } from './cite-decision.ts';
import { citeLatencyReduction, citeSpeedup } from './cite-speed.ts';
import type { CellReport, ExperimentReport } from './collect.ts';
import type { ModelDecision } from './collect-decision.ts';
import { batchSizeOf, isMeasured, latencyId } from './collect-speed.ts';
import { pricesOf } from './decision-cost.ts';
import {
  bestLines,
  checkRow,
  named,
  paretoLines,
  rankedNote,
  reasonLines,
  unrankedLines,
} from './decision-text.ts';
import type { Piece } from './document.ts';
import { marginOf, quantityOf } from './findings.ts';
import { modelWords } from './marks.ts';
import { plainText } from './plain.ts';
import { verdictWord } from './speed-table.ts';
import { textTable } from './table.ts';

/** Words that end a row stand to the left, like those that begin it. */
function table(header: readonly string[], rows: readonly (readonly Piece[])[]): string {
  const columns = header.map((title, i) => {
    const words = i === 0 || ['Outcome', 'Notes', 'Verdict'].includes(title);
    return { title, align: words ? ('left' as const) : ('right' as const) };
  });
  return textTable(
    columns,
    rows.map((row) => row.map(plainText)),
  );
}

/** Cells with a result that stand against nothing, and why. */
export function notCompared(report: ExperimentReport): { cell: CellReport; reason: string }[] {
  const { baseline } = report.config;
  const ids = new Set([
    ...report.comparisons.map(({ run }) => run),
    ...report.speed.flatMap(({ cell, baseline: base }) => [
      cell.run.manifest.runId,
      base.run.manifest.runId,
    ]),
  ]);
  return report.cells.flatMap((cell) => {
    if (cell.scheme === baseline || !cell.run || ids.has(cell.run.manifest.runId)) return [];
    const why = cell.run.manifest.reason?.split('\n')[0];
    if (!isMeasured(cell)) return [{ cell, reason: why ? `${cell.status}: ${why}` : cell.status }];
    return [{ cell, reason: `no complete run of the baseline ${baseline} for ${cell.measure}` }];
  });
}

/** The runs that everything is relative to. */
function baselineLines(report: ExperimentReport): string[] {
  const { baseline } = report.config;
  const own = report.cells.filter((cell) => cell.scheme === baseline && isMeasured(cell));
  const many = new Set(own.map(({ model }) => model)).size > 1;
  if (own.length === 0) return [`Baseline: ${baseline}, of which there is no complete run.`];
  return [
    `Baseline: ${baseline}`,
    ...own.map(({ model, measure, run }) => {
      const of = many ? `${measure} of ${modelWords(model, report.cells)}` : measure;
      return `  ${of}: runs/${run?.manifest.runId}`;
    }),
  ];
}

export function compareText(
  report: ExperimentReport,
  all: readonly ModelDecision[],
): readonly string[] {
  const parts = [baselineLines(report).join('\n')];
  const { comparisons, speed } = report;
  const models = new Set(report.cells.map(({ model }) => model));
  const of = (model: string): Piece[] => (models.size > 1 ? [modelWords(model, report.cells)] : []);
  const first = models.size > 1 ? ['Model'] : [];
  if (comparisons.length > 0) {
    const rows = comparisons.map((c): Piece[] => {
      const { verdict, reason } = c.result;
      const change = verdict === 'refused' ? (reason ?? '') : citeComparison(c);
      const p = citeAdjusted(c, c.result);
      return [...of(c.model), c.scheme, quantityOf(c), change, p, marginOf(c), verdict];
    });
    const header = [
      ...first,
      'Scheme',
      'Quantity',
      'Change [95 %]',
      'p (Holm)',
      'Margin',
      'Verdict',
    ];
    parts.push(`Quality\n${table(header, rows)}`);
  }
  if (speed.length > 0) {
    const header = [
      'Scheme',
      'Batch',
      'Speedup [95 %]',
      'Latency saved',
      'Memory saved',
      'p (Holm)',
      'Verdict',
    ];
    const rows = speed.map((each): Piece[] => {
      const { cell, baseline, latency, batchSize } = each;
      const head = [...of(cell.model), cell.scheme, String(batchSize)];
      if (latency.verdict === 'refused') return [...head, '—', '—', '—', '—', 'refused'];
      const runs = { run: cell.run, baseline: baseline.run };
      const saved = inUnits(citeReduction(runs, 'peakMemoryBytes'));
      const p = citeAdjusted(latencyId(each), latency);
      return [...head, citeSpeedup(each), citeLatencyReduction(each), saved, p, verdictWord(each)];
    });
    parts.push(`Speed and memory\n${table([...first, ...header], rows)}`);
    parts.push(...speedReasons(report));
  }
  const missing = notCompared(report).map(
    ({ cell, reason }) => `Not compared: ${cell.scheme}, ${cell.measure}: ${reason}.`,
  );
  if (missing.length > 0) parts.push(missing.join('\n'));
  return [...parts, ...all.flatMap((decision) => decisionText(report, decision))];
}

/** Why a verdict was refused or is open, once for each reason. */
function speedReasons(report: ExperimentReport): string[] {
  const reasons = new Map<string, string[]>();
  const many = new Set(report.speed.map(({ cell }) => cell.model)).size > 1;
  for (const { cell, latency, batchSize } of report.speed) {
    const name = many ? `${cell.scheme} of ${modelWords(cell.model, report.cells)}` : cell.scheme;
    const why = [latency.reason, latency.note].filter(Boolean).join('; ');
    // A simulated scheme is in no field, which says so too.
    if (why === '' || cell.run.manifest.engine?.simulated) continue;
    const known = reasons.get(`${name}: ${why}`) ?? [];
    reasons.set(`${name}: ${why}`, [...known, String(batchSize)]);
  }
  if (reasons.size === 0) return [];
  return [[...reasons].map(([why, sizes]) => `batch ${sizes.join(', ')} of ${why}`).join('\n')];
}

function decisionText(report: ExperimentReport, decision: ModelDecision): string[] {
  const { field, balance, pareto, chosen, checks } = decision;
  const name = modelWords(decision.model, report.cells);
  const parts: string[] = [];
  if (field.length > 0) {
    const front = new Set(pareto.front);
    const rows = field.map((each, i): Piece[] => [
      each.scheme,
      String(batchSizeOf(each.cell)),
      citeMetric(each.cell.run, 'samplesPerSecond'),
      citeMetric(each.cell.run, 'latencyP95'),
      balance ? citeBalance(each, field, balance.scores[i] as number) : '—',
      front.has(each.id) ? 'yes' : 'no',
      rankedNote(each),
    ]);
    const header = ['Scheme', 'Batch', 'Samples/s', 'P95 ms', 'Balance', 'Pareto front', 'Notes'];
    parts.push(`The field: ${name}\n${table(header, rows)}`);
    parts.push(...costText(report, decision));
    const lines = [bestLines, paretoLines, unrankedLines].flatMap((make) => make(decision));
    parts.push(lines.map(plainText).join('\n'));
  }
  if (checks.length > 0) {
    const header = ['Scheme', 'Batch', 'Limit', 'Value', 'Demanded', 'Outcome'];
    parts.push(
      `Limits\n${table(
        header,
        checks.map((check) => checkRow(report, check)),
      )}`,
    );
  }
  if (!chosen) return [...parts, `Recommendation for ${name}: none: ${decision.reason}.`];
  const why = reasonLines(report, decision, ({ baseline }) => ` (with runs/${baseline})`);
  const deploy = `Recommendation for ${name}: ${plainText(named(chosen.cell))}`;
  return [...parts, [deploy, ...why.map((line) => `  ${plainText(line)}`)].join('\n')];
}

function costText(report: ExperimentReport, { field }: ModelDecision): string[] {
  return pricesOf(report).map((price) => {
    const rows = field.map((each): Piece[] => [
      each.scheme,
      String(each.batchSize),
      ...PRICED.map((priced) => citeCost(each, price, priced)),
    ]);
    const titles = PRICED.map(({ of, count }) => `${count === 1_000 ? '1K' : '1M'} ${of}`);
    const { usdPerHour, utilization } = price;
    const inputs = `${usdPerHour} USD an hour (${price.name}), utilization ${utilization}`;
    return `Cost in USD at ${inputs}\n${table(['Scheme', 'Batch', ...titles], rows)}`;
  });
}
