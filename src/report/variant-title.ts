/** How the section of a variant is headed, and the anchor that links to it. */
import type { ExperimentReport } from './collect.ts';
import { modelWords } from './marks.ts';
import { variantsOf } from './overview.ts';

interface Of {
  readonly model: string;
  readonly scheme: string;
}

export function variantTitle(report: ExperimentReport, of: Of & { index: number }): string {
  const many = report.config.models.length > 1 ? ` of ${modelWords(of.model, report.cells)}` : '';
  const role = of.scheme === report.config.baseline ? ' (baseline)' : '';
  return `Experiment ${of.index + 1}: ${of.scheme}${many}${role}`;
}

/** As GitHub makes one of a heading: lower case, hyphens for spaces, no other punctuation. */
export function variantAnchor(report: ExperimentReport, of: Of): string {
  const index = variantsOf(report).findIndex(
    ({ model, scheme }) => model === of.model && scheme === of.scheme,
  );
  return variantTitle(report, { ...of, index })
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
