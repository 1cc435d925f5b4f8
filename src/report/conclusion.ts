/** What a stranger takes away: each variant in one sentence, and what to deploy. */
import {
  type MetricPart,
  type NumberReference,
  partOf,
  type Transform,
  transformed,
} from '../analyze/reference.ts';
import { suspicionsOf } from '../analyze/run-facts.ts';
import type { NumberFormat } from '../record/numerals.ts';
import { citeReduction, inUnits } from './cite.ts';
import { citeBatchSize, citeSpeedup } from './cite-speed.ts';
import type { CellReport, ComparisonReport, ExperimentReport } from './collect.ts';
import { type Chosen, decisions, type ModelDecision } from './collect-decision.ts';
import { batchSizeOf, type SpeedComparison } from './collect-speed.ts';
import type { Piece } from './document.ts';
import { marginOf, qualityMeasures, quantityOf } from './findings.ts';
import { modelWords } from './marks.ts';

/** One line a variant, the baseline left out; dummy weights are said by the name of the model. */
export function conclusionLines(report: ExperimentReport): Piece[] {
  return decisions(report).flatMap((decision) => {
    const name = modelWords(decision.model, report.cells);
    return schemesOf(decision, report).flatMap((scheme): Piece[] => {
      const said = [
        ...qualityClauses(report, decision, scheme),
        ...speedClauses(report, decision, scheme),
      ];
      if (said.length === 0) return [];
      return [[`**${scheme}** of ${name}: `, ...joined(said), '.']];
    });
  });
}

function schemesOf({ judgements }: ModelDecision, { config }: ExperimentReport): string[] {
  return judgements.map(({ scheme }) => scheme).filter((scheme) => scheme !== config.baseline);
}

function joined(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap((piece, i) => (i > 0 ? ['; ', piece] : [piece]));
}

function qualityClauses(
  report: ExperimentReport,
  { judgements, dummy, model }: ModelDecision,
  scheme: string,
): Piece[] {
  const judgement = judgements.find((each) => each.scheme === scheme);
  if (dummy || !judgement) return [];
  const clauses = judgement.comparisons.map((each) => qualityClause(each, report.config.baseline));
  const open = judgement.quality === 'unknown' && qualityMeasures(report, model) > 0;
  return open ? [...clauses, 'not every measure of its quality has a result'] : clauses;
}

/** `perplexity rises by 2.38 % [2.07, 2.71]: worse than f32`. */
function qualityClause(comparison: ComparisonReport, baseline: string): Piece {
  const { result } = comparison;
  const what = quantityOf(comparison);
  if (result.value === null) return `${what} is not compared: ${result.reason ?? result.verdict}`;
  const ratio = result.unit === 'ratio';
  const moved = result.verdict === 'worse' || result.verdict === 'better';
  const falls = moved && result.value < (ratio ? 1 : 0);
  const verb = falls ? 'falls' : moved ? 'rises' : 'changes';
  const rise = ratio ? 'increase' : undefined;
  const amount = change(comparison, falls ? (ratio ? 'reduction' : 'loss') : rise);
  const ends: Record<string, Piece> = {
    equivalent: ['equivalent to ', baseline, ', inside ', marginOf(comparison)],
    better: `better than ${baseline}`,
    worse: `worse than ${baseline}`,
    inconclusive: `inconclusive against ${baseline}`,
  };
  return [`${what} ${verb} by `, amount, ': ', ends[result.verdict] ?? result.verdict];
}

const PERCENT: NumberFormat = { style: 'percent', digits: 2 };

/** `2.38 % [2.07, 2.71]`; of a share that is lost the ends change places. */
function change(
  { formula, run, baseline, params, result }: ComparisonReport,
  as?: Transform,
): Piece {
  const at = (part: MetricPart): Piece => {
    const base = { from: 'comparison', formula, run, baseline, params, part } as const;
    const reference: NumberReference = as === undefined ? base : { ...base, as };
    return { value: transformed(partOf(result, part), as), format: PERCENT, reference };
  };
  const falls = as === 'reduction' || as === 'loss';
  const [low, high] = falls ? (['ci95.1', 'ci95.0'] as const) : (['ci95.0', 'ci95.1'] as const);
  const unit = result.unit === 'ratio' ? ' %' : ' points';
  if (!result.ci95) return [at('value'), unit];
  return [at('value'), ' [', at(low), ', ', at(high), ']', unit];
}

/** At the batch size that is recommended, else at the smallest. */
function speedClauses(report: ExperimentReport, decision: ModelDecision, scheme: string): Piece[] {
  const own = report.speed.filter(
    ({ cell }) => cell.model === decision.model && cell.scheme === scheme,
  );
  const size = decision.chosen?.cell.batchSize;
  const at = own.find(({ batchSize }) => batchSize === size) ?? own[0];
  if (!at) return bare(report, decision, scheme);
  return [speedClause(at)];
}

function speedClause(of: SpeedComparison): Piece {
  const { cell, baseline, latency } = of;
  if (cell.run.manifest.engine?.simulated) return 'its speed is simulated here, so not ranked';
  if (latency.verdict === 'refused') return `its speed is not ranked: ${latency.reason}`;
  const words: Record<string, string> = {
    better: 'faster',
    worse: 'slower',
    equivalent: 'as fast, inside the margin',
    inconclusive: 'neither is shown faster',
  };
  const doubts = [...suspicionsOf(cell.run.manifest), ...suspicionsOf(baseline.run.manifest)];
  const doubt = doubts.length > 0 ? `, suspect (${[...new Set(doubts)].join(', ')})` : '';
  return [
    'its speed is ',
    citeSpeedup(of),
    ` that of ${baseline.scheme} at batch size `,
    citeBatchSize(cell),
    `: ${words[latency.verdict] ?? latency.verdict}${doubt}`,
  ];
}

/** A benchmark without a comparison is said; a variant without a benchmark needs no word. */
function bare(report: ExperimentReport, { model }: ModelDecision, scheme: string): Piece[] {
  const cells = report.cells.filter((c) => c.model === model && c.scheme === scheme);
  const bench = cells.some((cell) => batchSizeOf(cell) !== null && cell.run);
  return bench ? ['its speed is not compared'] : [];
}

/** A sentence or two a model, in one line: what to deploy, and what loses what. */
export function foundSentences(report: ExperimentReport): Piece | null {
  const all = decisions(report);
  const sentences = all.flatMap((decision): Piece[] => {
    const said = verdictOfModel(report, decision);
    if (said === null) return [];
    const named = all.length > 1 || decision.dummy;
    return [[named ? `${modelWords(decision.model, report.cells)}: ` : '', said]];
  });
  return sentences.length > 0 ? sentences.flatMap((each, i) => (i > 0 ? [' ', each] : each)) : null;
}

/** null where nothing was compared. */
function verdictOfModel(report: ExperimentReport, decision: ModelDecision): Piece | null {
  const { baseline } = report.config;
  const { chosen, judgements, dummy, model } = decision;
  if (dummy) return fastestOf(report, model);
  const failing = judgements.filter(({ quality }) => quality === 'fails');
  const worse = failing.map(({ scheme, comparisons }): Piece => {
    const bad = comparisons.filter(({ result }) => result.verdict === 'worse');
    if (bad.length === 0) return `**${scheme}** is not shown to hold that quality`;
    return [`**${scheme}**: `, ...joined(bad.map((each) => qualityClause(each, baseline)))];
  });
  const losses: Piece[] = worse.length > 0 ? [' ', ...joined(worse), '.'] : [];
  if (chosen) {
    const size: Piece = [' at batch size ', citeBatchSize(chosen.cell.cell), ': '];
    const said = chosen.speed
      ? [...joined([...qualityOf(chosen, baseline), speedClause(chosen.speed)])]
      : [...nothingBetter(report, decision, chosen)];
    return [`deploy **${chosen.cell.scheme}**`, size, ...said, '.', ...losses];
  }
  const holding = judgements.filter(({ quality }) => quality === 'holds').map((j) => j.scheme);
  if (judgements.every(({ comparisons }) => comparisons.length === 0)) {
    return fastestOf(report, model);
  }
  const held: Piece =
    holding.length > 0
      ? `quality equivalent to ${baseline}: **${holding.join('**, **')}**`
      : `no scheme is shown to hold the quality of ${baseline}`;
  return [held, '.', ...losses];
}

/** What a limit allows to lose is said, not called held. */
function qualityOf({ judgement }: Chosen, baseline: string): Piece[] {
  const lost = judgement.comparisons.filter(({ result }) => result.verdict === 'worse');
  if (lost.length === 0) return [`holds the quality of ${baseline}`];
  return lost.map((each): Piece => [qualityClause(each, baseline), ', within the limit']);
}

/** The baseline itself is recommended: what holds beside it, and what was not shown of that. */
function nothingBetter(report: ExperimentReport, { model, judgements }: ModelDecision, of: Chosen) {
  const { baseline } = report.config;
  const held = judgements.flatMap(({ scheme, quality, comparisons }): Piece[] => {
    const [first] = comparisons;
    const cellOf = (name: string): CellReport | undefined =>
      report.cells.find(
        (c) => c.model === model && c.measure === first?.measure && c.scheme === name,
      );
    const [own, base] = [cellOf(scheme)?.run, cellOf(baseline)?.run];
    if (quality !== 'holds' || !own || !base || own.manifest.engine?.simulated) return [];
    const saved = inUnits(citeReduction({ run: own, baseline: base }, 'storedWeightBytes'));
    return [
      [`**${scheme}** holds its quality and stores `, saved, ' less, but is not shown faster here'],
    ];
  });
  const doubts = suspicionsOf(of.cell.cell.run.manifest);
  const doubt =
    doubts.length > 0 ? [`suspect (${doubts.join(', ')}): measure again on a quiet machine`] : [];
  return joined(['nothing that holds its quality is shown to be faster', ...held, ...doubt]);
}

/** Where only speed was compared. */
function fastestOf(report: ExperimentReport, model: string): Piece | null {
  const own = report.speed.filter(({ cell }) => cell.model === model);
  const faster = own.filter(({ latency }) => latency.verdict === 'better');
  const [best] = faster.toSorted(
    (a, b) => a.batchSize - b.batchSize || Number(a.latency.value) - Number(b.latency.value),
  );
  if (best) return [`**${best.cell.scheme}**: `, speedClause(best), '.'];
  return own.length > 0 ? 'no scheme is shown to be faster.' : null;
}
