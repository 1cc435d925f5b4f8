/** MOE_REPORT.md: what a trace shows of its model's routing, each number with its place in it. */
import type { LayerAnalysis } from '../../analyze/routing/routing-analysis.ts';
import type { Planned } from '../charts/chart.ts';
import { CHARTS_FOLDER, isDrawn } from '../charts/chart.ts';
import { DocumentBuilder } from '../document.ts';
import { code, escaped } from '../log-index-document.ts';
import type { AnalyzedFiles } from './analysis-json.ts';
import { comparisonVerdict, unitsWords } from './analysis-text.ts';
import {
  type CitedFacts,
  fixed,
  INTEGER,
  percent,
  type RouteBuilder,
  type RoutePiece,
} from './cite-route.ts';
import { balanceOf, spans, verdictsOf } from './verdicts.ts';

export const MOE_REPORT_NAME = 'MOE_REPORT.md';

export interface ReportedTrace {
  readonly facts: CitedFacts;
  /** Path of the trace, from the report. */
  readonly shown: string;
  readonly charts: readonly Planned[];
}

export interface MoeReport extends AnalyzedFiles {
  readonly version: string;
  /** One for each of `traces`. */
  readonly reported: readonly ReportedTrace[];
  /** One for each of `comparisons`, and of `timings`. */
  readonly compared: readonly CitedFacts[];
  readonly timed: readonly CitedFacts[];
}

export function moeReport(report: MoeReport): RouteBuilder {
  const doc: RouteBuilder = new DocumentBuilder();
  doc.add('# Routing of experts');
  doc.blank();
  doc.add(
    `> Written by assay ${report.version} from the traces themselves. \`assay verify\` reads ` +
      'them again and computes every number of this page.',
  );
  for (const place of report.traces.keys()) traceSection(doc, report, place);
  for (const place of report.comparisons.keys()) comparisonSection(doc, report, place);
  for (const place of report.timings.keys()) timingSection(doc, report, place);
  return doc;
}

function traceSection(doc: RouteBuilder, report: MoeReport, place: number): void {
  const trace = report.traces[place]!;
  const { facts, shown, charts } = report.reported[place]!;
  const model = trace.read.header?.modelId;
  doc.heading(2, model ? escaped(model) : 'A model that the header does not name');
  doc.add([
    ...[facts.cite('/routes', INTEGER), ` routes in ${code(shown)}; top `],
    ...[facts.cite('/layers/0/topK', INTEGER), ' of ', facts.cite('/experts', INTEGER)],
    ` experts (number of experts from: ${trace.expertsFrom}).`,
  ]);
  doc.heading(3, 'Verdicts');
  if (trace.dummyRoutes > 0) {
    doc.add([
      ...['- suspicious: ', facts.cite('/dummyRoutes', INTEGER), ' rows ('],
      ...[facts.cite('/dummyShare', percent(2)), ' %) are of profiling or warm-up. With them, '],
      ...[
        `layer ${trace.layers[0]?.layer} has `,
        facts.cite('/layers/0/raw/entropyBits', fixed(4)),
      ],
      ...[' bits, without them ', facts.cite('/layers/0/entropyBits', fixed(4)), '.'],
    ]);
  }
  // Those two have numbers, which are cited here.
  const others = verdictsOf(trace).filter((each) => !['dummies', 'weights'].includes(each.code));
  for (const { verdict, message } of others) doc.add(`- ${verdict}: ${escaped(message)}.`);
  const sums = trace.normalized ? 'every row sum to 1' : 'a row are not renormalised';
  doc.add([
    `- shown: the weights of ${sums}: `,
    ...[
      facts.cite('/weights/lowSum', fixed(4)),
      ' … ',
      facts.cite('/weights/highSum', fixed(4)),
      '.',
    ],
  ]);
  layerTable(doc, facts, trace.layers);
  phaseTable(doc, facts, trace.layers);
  dummyTable(doc, facts, trace.layers);
  pairTable(doc, facts, trace.layers);
  chartSection(doc, charts);
}

function layerTable(doc: RouteBuilder, facts: CitedFacts, layers: readonly LayerAnalysis[]): void {
  doc.heading(3, 'Use of experts by layer');
  doc.table(
    [
      'Layer',
      'Routes',
      'Entropy (bits)',
      '95 %',
      'Nats',
      '% of uniform',
      'Use',
      'Unused',
      'Max / mean',
      'CV',
      'χ² against uniform',
      'Switched (%)',
      'Most used',
    ],
    layers.map((layer, i): RoutePiece[] => {
      const at = `/layers/${i}`;
      return [
        ...[`${layer.layer}`, facts.cite(`${at}/routes`, INTEGER)],
        facts.cite(`${at}/entropyBits`, fixed(4)),
        facts.interval(`${at}/entropyBitsCi95`, fixed(4)),
        facts.cite(`${at}/entropyNats`, fixed(4)),
        facts.cite(`${at}/entropyNormalized`, percent(1)),
        balanceOf(layer),
        facts.cite(`${at}/unused`, INTEGER),
        facts.cite(`${at}/maxOverMean`, fixed(3)),
        facts.cite(`${at}/cv`, fixed(3)),
        facts.cite(`${at}/uniform/chiSquare`, fixed(1)),
        facts.cite(`${at}/switchRate`, percent(1)),
        layer.top
          .slice(0, 3)
          .flatMap((_, j): RoutePiece[] => [
            ...[j > 0 ? ', ' : '', facts.cite(`${at}/top/${j}/expert`, INTEGER), ' ('],
            ...[facts.cite(`${at}/top/${j}/count`, INTEGER), ')'],
          ]),
      ];
    }),
  );
  const [first] = layers;
  if (first) doc.add(`Intervals: ${unitsWords(first.units)}.`);
}

function phaseTable(doc: RouteBuilder, facts: CitedFacts, layers: readonly LayerAnalysis[]): void {
  const rows = layers.flatMap(({ layer, phases }, i) =>
    phases.map(({ phase }, j): RoutePiece[] => {
      const at = `/layers/${i}/phases/${j}`;
      return [
        ...[`${layer}`, phase, facts.cite(`${at}/routes`, INTEGER)],
        facts.cite(`${at}/entropyBits`, fixed(4)),
        facts.cite(`${at}/entropyNormalized`, percent(1)),
        facts.cite(`${at}/unused`, INTEGER),
      ];
    }),
  );
  if (layers.every(({ phases }) => phases.every(({ phase }) => phase === 'none'))) return;
  doc.heading(3, 'Prefill and decode');
  doc.table(['Layer', 'Phase', 'Routes', 'Entropy (bits)', '% of uniform', 'Unused'], rows);
}

function dummyTable(doc: RouteBuilder, facts: CitedFacts, layers: readonly LayerAnalysis[]): void {
  const rows = layers.flatMap(({ layer, dummies }, i) =>
    dummies.map(({ segments }, j): RoutePiece[] => {
      const at = `/layers/${i}/dummies/${j}`;
      return [
        ...[`${layer}`, facts.cite(`${at}/lines/0`, INTEGER)],
        ...[facts.cite(`${at}/lines/1`, INTEGER), facts.cite(`${at}/rows`, INTEGER)],
        segments.flatMap((_, s): RoutePiece[] => [
          ...[s > 0 ? ' + ' : '', facts.cite(`${at}/segments/${s}`, INTEGER)],
        ]),
        facts.cite(`${at}/chanceRows`, INTEGER),
      ];
    }),
  );
  if (rows.length === 0) return;
  doc.heading(3, 'Rows of the server’s own');
  doc.add(
    'Runs of identical rows, longer than repeated tokens would make them; they are left out.',
  );
  doc.table(['Layer', 'From line', 'To line', 'Rows', 'Segments', 'Longest by chance'], rows);
}

function pairTable(doc: RouteBuilder, facts: CitedFacts, layers: readonly LayerAnalysis[]): void {
  const rows = layers.flatMap(({ layer, coActivation }, i) =>
    (coActivation?.strongest ?? []).slice(0, 3).map((_, j): RoutePiece[] => {
      const at = `/layers/${i}/coActivation/strongest/${j}`;
      return [
        ...[`${layer}`, facts.cite(`${at}/a`, INTEGER), facts.cite(`${at}/b`, INTEGER)],
        ...[facts.cite(`${at}/count`, INTEGER), facts.cite(`${at}/lift`, fixed(2))],
      ];
    }),
  );
  if (rows.length === 0) return;
  doc.heading(3, 'Experts chosen together');
  doc.add('Lift: times chosen together, over what their own use alone would give.');
  doc.table(['Layer', 'Expert', 'Expert', 'Routes', 'Lift'], rows);
}

function chartSection(doc: RouteBuilder, charts: readonly Planned[]): void {
  doc.heading(3, 'Charts');
  for (const planned of charts) {
    if (isDrawn(planned)) {
      doc.add(`![${escaped(planned.alt)}](${CHARTS_FOLDER}/${planned.name}.svg)`);
    } else {
      doc.add(`Not drawn: ${escaped(planned.title)}: ${planned.reason}.`);
    }
    doc.blank();
  }
}

function comparisonSection(doc: RouteBuilder, report: MoeReport, place: number): void {
  const { layers, onlyOne, unitsOf } = report.comparisons[place]!;
  const facts = report.compared[place]!;
  const other = report.reported[place + 1]!.shown;
  doc.heading(2, `${code(other)} against ${code(report.reported[0]!.shown)}`);
  doc.add(`Routing: ${comparisonVerdict(layers)}.`);
  doc.table(
    ['Layer', 'JSD (bits)', 'By chance', 'p', 'p (Holm)'],
    layers.map(({ layer }, i): RoutePiece[] => [
      ...[`${layer}`, facts.cite(`/layers/${i}/jsdBits`, fixed(5))],
      facts.cite(`/layers/${i}/chanceBits`, fixed(5)),
      ...[facts.cite(`/layers/${i}/p`, fixed(3)), facts.cite(`/layers/${i}/pHolm`, fixed(3))],
    ]),
  );
  const paired = layers[0]?.paired ? ', the same in both, exchanged pair by pair' : '';
  doc.add(`Jensen-Shannon divergence of the shares of experts; permuted: ${unitsOf}${paired}.`);
  if (onlyOne.length > 0) doc.add(`Layers of one of both only: ${spans(onlyOne)}.`);
}

function timingSection(doc: RouteBuilder, report: MoeReport, place: number): void {
  const { overheads, findings, path } = report.timings[place]!;
  const facts = report.timed[place]!;
  doc.heading(2, `Cost of logging: ${code(path)}`);
  const words = { tokensPerSecond: 'tokens/s', wallTime: 'wall time' } as const;
  for (const [i, { by }] of overheads.entries()) {
    const at = `/overheads/${i}`;
    doc.add([
      ...[`- `, facts.cite(`${at}/share`, percent(2)), ` % by ${words[by]}; its rounding allows `],
      ...[facts.interval(`${at}/rounding`, percent(2)), ' %.'],
    ]);
  }
  for (const { verdict, message } of findings) doc.add(`- ${verdict}: ${escaped(message)}.`);
}
