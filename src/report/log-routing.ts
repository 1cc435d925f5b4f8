/** Routing: how evenly experts are used at each scheme, and whether a scheme routes differently. */
import { FAMILY_LEVEL } from '../analyze/family.ts';
import type { NumberReference } from '../analyze/reference.ts';
import type { NumberFormat } from '../record/numerals.ts';
import { citeAdjusted, citeMetric, citeWithInterval } from './cite.ts';
import type { ExperimentReport } from './collect.ts';
import {
  divergenceId,
  isTrace,
  ROUTING_CHANCE,
  ROUTING_DIVERGENCE,
  type RoutingComparison,
  tracedLayers,
} from './collect-routing.ts';
import { isMeasured, type MeasuredCell } from './collect-speed.ts';
import type { Cited, DocumentBuilder, Piece } from './document.ts';
import { modelWords } from './marks.ts';

const BITS: NumberFormat = { style: 'fixed', digits: 5 };

export function routingSection(doc: DocumentBuilder, report: ExperimentReport): void {
  const traced = report.cells.filter(isMeasured).filter(isTrace);
  if (traced.length === 0) return;
  const { baseline } = report.config;
  doc.heading(2, 'Routing');
  doc.table(
    [
      ...['Model', 'Scheme', 'Layer', 'Entropy, bits [95 %]', 'Busiest expert / mean [95 %]'],
      ...[
        'Unused experts',
        `Divergence from ${baseline}, bits`,
        'By chance',
        'p (Holm)',
        'Verdict',
      ],
    ],
    traced.flatMap((cell) => tracedLayers(cell).map((layer) => row(report, cell, layer))),
  );
  doc.line`Entropy is of the shares of all choices that fell on each expert. The divergence is`;
  doc.line`Jensen-Shannon’s, of two such histograms over the same prompts; chance alone gives`;
  doc.line`the mean over permutations that exchange the two runs of a prompt. Texts that were`;
  doc.line`generated may differ between schemes, and their tokens are routed, too.`;
}

function row(report: ExperimentReport, cell: MeasuredCell, layer: number): Piece[] {
  const { run } = cell;
  const found = report.routing.find((each) => each.cell === cell && each.layer === layer);
  return [
    modelWords(cell.model, report.cells),
    cell.scheme,
    String(layer),
    citeWithInterval(run, `routingEntropyLayer${layer}`),
    citeWithInterval(run, `routingMaxOverMeanLayer${layer}`),
    citeMetric(run, `routingUnusedLayer${layer}`),
    ...(found === undefined ? ['—', '—', '—', 'baseline'] : against(found)),
  ];
}

function against(found: RoutingComparison): Piece[] {
  const { divergence } = found;
  if (divergence.verdict === 'refused') return ['—', '—', '—', divergence.reason ?? ''];
  const { pHolm } = divergence;
  const differs = pHolm !== null && pHolm <= FAMILY_LEVEL;
  return [
    cite(found, ROUTING_DIVERGENCE, divergence.value),
    cite(found, ROUTING_CHANCE, found.chance.value),
    citeAdjusted(divergenceId(found), divergence),
    pHolm === null ? 'not tested' : differs ? 'routes differently' : 'not shown to differ',
  ];
}

function cite(found: RoutingComparison, formula: string, value: number | null): Cited {
  const { run, baseline, params } = divergenceId(found);
  const part = 'value' as const;
  const reference: NumberReference = { from: 'comparison', formula, run, baseline, params, part };
  return { value, format: BITS, reference };
}
