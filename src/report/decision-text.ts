/** A decision in sentences, for the document and the terminal alike. */
import type { Flip } from '../analyze/balance.ts';
import { LIMITS } from '../analyze/constraints.ts';
import { suspicionsOf } from '../analyze/run-facts.ts';
import { citeMetric, citeReduction, inUnits } from './cite.ts';
import {
  citeBalance,
  citeExcess,
  citeFigure,
  citeLimit,
  citeP95,
  citeThroughput,
} from './cite-decision.ts';
import { citeBatchSize } from './cite-speed.ts';
import type { ExperimentReport } from './collect.ts';
import type { Chosen, ModelDecision } from './collect-decision.ts';
import { simulatedHolding } from './collect-decision.ts';
import type { CellCheck } from './decision-limits.ts';
import { OBJECTIVE_WORDS } from './decision-objectives.ts';
import type { Piece } from './document.ts';
import type { Ranked } from './field.ts';
import { verdictSentence } from './findings.ts';
import { clause } from './speed-findings.ts';

export function named(ranked: Ranked): Piece {
  return [`**${ranked.scheme}** at batch size `, citeBatchSize(ranked.cell)];
}

function byId(decision: ModelDecision, id: string): Ranked {
  return decision.field.find((each) => each.id === id) as Ranked;
}

/** Best latency, throughput and balance, with what the balance hangs on. */
export function bestLines(decision: ModelDecision): Piece[] {
  const { fastest, widest, balance, field } = decision;
  if (!fastest || !widest) return [];
  const lines: Piece[] = [
    ['Best latency: ', named(fastest), ', ', citeP95(fastest), '.'],
    ['Best throughput: ', named(widest), ', ', citeThroughput(widest), '.'],
  ];
  if (!balance) {
    lines.push('Best balance: none, since it takes at least two candidates to balance between.');
    return lines;
  }
  const winner = field[balance.winner] as Ranked;
  const score = citeBalance(winner, field, balance.scores[balance.winner] as number);
  const size = String(field.length);
  lines.push(['Best balance: ', named(winner), ', ', score, ` in this field of ${size}.`]);
  const flip = (each: Flip): Piece => [
    'without ',
    named(byId(decision, each.without)),
    ' it is ',
    named(byId(decision, each.winner)),
  ];
  if (balance.flips.length > 0) {
    const cases = balance.flips.map((each, i): Piece => [i > 0 ? '; ' : '', flip(each)]);
    lines.push(['Warning: the best balance depends on the field: ', ...cases, '.']);
  }
  return lines;
}

export function paretoLines(decision: ModelDecision): Piece[] {
  const { front, objectives, unplaced } = decision.pareto;
  if (front.length === 0) return [];
  const words = objectives.map(({ name }) => OBJECTIVE_WORDS[name] ?? name).join(', ');
  const lines: Piece[] = [`On the Pareto front: what none beats in all of ${words}.`];
  for (const { id, missing } of unplaced) {
    const what = missing.map((name) => OBJECTIVE_WORDS[name] ?? name).join(', ');
    lines.push(['Not placed: ', named(byId(decision, id)), `: no ${what}.`]);
  }
  return lines;
}

/** What must stand beside the figures of a ranked cell. */
export function rankedNote({ cell }: Ranked): Piece {
  const suspect = suspicionsOf(cell.run.manifest);
  const failed = citeMetric(cell.run, 'failures');
  const parts: Piece[] = [
    ...(suspect.length > 0 ? [`suspect (${suspect.join(', ')})`] : []),
    ...(failed.value ? [[failed, ' failed'] as Piece] : []),
  ];
  return parts.flatMap((part, i) => (i > 0 ? ['; ', part] : [part]));
}

/** Which cells are in no field, grouped by why. */
export function unrankedLines({ unranked }: ModelDecision): Piece[] {
  const reasons = new Map<string, string[]>();
  for (const { cell, reason } of unranked) {
    const own = reasons.get(reason) ?? [];
    if (!own.includes(cell.scheme)) reasons.set(reason, [...own, cell.scheme]);
  }
  return [...reasons].map(([reason, schemes]) => `Not ranked: ${schemes.join(', ')}: ${reason}.`);
}

/** What a limit says of a cell: met, broken by so much, or not shown. */
export function checkState(check: CellCheck): Piece {
  const why = check.reason === undefined ? '' : `: ${check.reason}`;
  const beyond = LIMITS[check.limit].holds === 'most' ? 'over by ' : 'short by ';
  if (check.state === 'violated') return [beyond, citeExcess(check)];
  if (check.state === 'unproven') return `inside, but not shown to be${why}`;
  return check.state === 'met' ? 'met' : `unknown${why}`;
}

export function checkRow(report: ExperimentReport, check: CellCheck): Piece[] {
  const { scheme, cell, limit, bound } = check;
  const size = cell === null ? 'any' : citeBatchSize(cell);
  return [
    scheme,
    size,
    limit,
    citeFigure(check),
    citeLimit(report, limit, bound),
    checkState(check),
  ];
}

/** One reason a line; `link` says where the comparison behind it stands. */
export function reasonLines(
  report: ExperimentReport,
  decision: ModelDecision,
  link: (of: { scheme: string; baseline: string }) => Piece,
): Piece[] {
  const { chosen } = decision;
  if (!chosen) return [];
  const { judgement, speed } = chosen;
  const { baseline } = report.config;
  const quality = judgement.comparisons.map((comparison): Piece => {
    const linked = link({ scheme: comparison.scheme, baseline: comparison.baseline });
    return ['Quality: ', verdictSentence(comparison, baseline), linked];
  });
  const lines: Piece[] =
    judgement.quality === 'baseline'
      ? [`Quality: ${baseline} is the baseline: nothing is lost.`]
      : quality;
  if (speed) {
    const linked = link({ scheme: speed.cell.scheme, baseline: speed.baseline.run.manifest.runId });
    lines.push([`Speed: **${speed.cell.scheme}** `, clause(speed), '.', linked]);
    const runs = { run: speed.cell.run, baseline: speed.baseline.run };
    const saved = citeReduction(runs, 'peakMemoryBytes');
    lines.push(['Memory: ', inUnits(saved), ` less at the peak than ${speed.baseline.scheme}.`]);
  }
  lines.push(whyLine(report, chosen));
  const doubts = suspicionsOf(chosen.cell.cell.run.manifest);
  if (doubts.length > 0) {
    const why = doubts.join(', ');
    lines.push(`Warning: its speed is suspect (${why}): measure again on a quiet machine.`);
  }
  const open = decision.checks.filter((c) => c.run === chosen.cell.id && c.state === 'unproven');
  for (const check of open) {
    lines.push(`Limit ${check.limit}: inside, but not shown to be: ${check.reason ?? ''}.`);
  }
  for (const cell of simulatedHolding(report, decision)) {
    if (!cell.run) continue;
    const stored = inUnits(citeMetric(cell.run, 'storedWeightBytes'));
    lines.push([
      `Also: **${cell.scheme}** holds its quality too, at `,
      stored,
      ' stored; its speed is simulated here, so measure it where its arithmetic is real.',
    ]);
  }
  return lines;
}

function whyLine(report: ExperimentReport, { why, tied, cell, by, speed }: Chosen): Piece {
  const base = speed?.baseline.scheme ?? report.config.baseline;
  const others = tied.map(({ scheme }) => scheme).join(', ');
  const size: Piece = ['batch size ', citeBatchSize(cell.cell)];
  const point: Record<Chosen['by'], Piece> = {
    throughput: ['most throughput inside the limits is at ', size],
    balance: ['the best balance of what holds is at ', size],
    only: ['one candidate alone holds its quality and the limits, at ', size],
  };
  const ends: Record<Chosen['why'], Piece> = {
    faster: `${cell.scheme} is faster than ${base}`,
    equivalent:
      `nothing is significantly better than ${base}, ` +
      `and of what is as fast ${cell.scheme} takes the least memory, so it is the cheapest`,
    baseline: `nothing is significantly better than ${base}, and nothing as fast takes less memory`,
    remaining:
      `of what is left ${cell.scheme} takes the least memory; ` +
      `whether it is faster or slower than ${base} was not shown`,
  };
  const more = why === 'faster' && others ? `; ${others} not shown slower, but larger` : '';
  return ['Choice: ', point[by], '; ', by === 'only' ? '' : 'there ', ends[why], more, '.'];
}
