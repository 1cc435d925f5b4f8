/** Comparisons that were refused, each with its reason: no verdict, and so no finding. */
import type { ExperimentReport } from './collect.ts';
import { quantityOf } from './findings.ts';
import { modelWords } from './marks.ts';

/** One sentence a reason, however many batch sizes it holds for. */
export function refusedSentences(report: ExperimentReport): string[] {
  const many = new Set(report.cells.map(({ model }) => model)).size > 1;
  const name = (of: { model: string; scheme: string }): string =>
    many ? `**${of.scheme}** of ${modelWords(of.model, report.cells)}` : `**${of.scheme}**`;
  const quality = report.comparisons
    .filter(({ result }) => result.verdict === 'refused')
    .map((each) => `Not compared in ${quantityOf(each)}: ${name(each)}: ${each.result.reason}.`);
  const speed = report.speed
    .filter(({ latency }) => latency.verdict === 'refused')
    .map(({ cell, latency }) => `Not ranked by speed: ${name(cell)}: ${latency.reason}.`);
  return [...new Set([...quality, ...speed])];
}
