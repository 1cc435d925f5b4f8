/** The analysis on a terminal. */
import type { LayerAnalysis, Units } from '../../analyze/routing/routing-analysis.ts';
import type { JudgedTiming } from '../../analyze/routing/timing.ts';
import type { TraceAnalysis } from '../../routing/analyze-trace.ts';
import type { LayerDivergence, TraceComparison } from '../../routing/compare-traces.ts';
import { textTable } from '../table.ts';
import type { AnalyzedFiles } from './analysis-json.ts';
import { verdictsOf } from './verdicts.ts';

/** Lines to print. */
export function analysisText({ traces, comparisons, timings }: AnalyzedFiles): string[] {
  return [
    ...traces.flatMap((trace, i) => [...(i > 0 ? [''] : []), ...traceText(trace)]),
    ...comparisons.flatMap((comparison) => ['', ...comparisonText(comparison)]),
    ...timings.flatMap((timing, i) => [
      ...(i + traces.length > 0 ? [''] : []),
      ...timingText(timing),
    ]),
  ];
}

const right = (title: string) => ({ title, align: 'right' as const });

function traceText(trace: TraceAnalysis): string[] {
  const { read, routes, dummyRoutes, refusedRoutes, experts, layers } = trace;
  const refused = refusedRoutes > 0 ? `, ${refusedRoutes} refused` : '';
  return [
    `${read.path}: ${read.header?.modelId ?? 'no model named'}`,
    `${routes} routes, ${dummyRoutes} of them dummies${refused}; ` +
      `top ${read.topK} of ${experts} experts`,
    '',
    layerTable(layers),
    '',
    ...unitsText(layers),
    ...verdictsOf(trace).map(({ verdict, message }) => `${verdict}: ${message}`),
  ];
}

function layerTable(layers: readonly LayerAnalysis[]): string {
  const columns = [
    ...['Layer', 'Routes', 'Entropy bits', '[95 %]', 'Nats', '% of uniform'],
    ...['Unused', 'Max/mean', 'CV', 'Switch %'],
  ].map(right);
  const rows = layers.map((layer) => [
    ...[`${layer.layer}`, `${layer.routes}`],
    fixed(layer.entropyBits, 4),
    layer.entropyBitsCi95 === null
      ? '—'
      : `[${layer.entropyBitsCi95.map((end) => end.toFixed(4)).join(', ')}]`,
    fixed(layer.entropyNats, 4),
    layer.entropyNormalized === null ? '—' : (100 * layer.entropyNormalized).toFixed(1),
    `${layer.unused}`,
    fixed(layer.maxOverMean, 3),
    fixed(layer.cv, 3),
    layer.switchRate === null ? '—' : (100 * layer.switchRate).toFixed(1),
    layer.top
      .slice(0, 3)
      .map(({ expert, count }) => `${expert} (${count})`)
      .join(', '),
  ]);
  return textTable([...columns, { title: 'Most used experts (count)' }], rows);
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '—' : value.toFixed(digits);
}

function unitsText(layers: readonly LayerAnalysis[]): string[] {
  const [first] = layers;
  if (first === undefined) return [];
  return [`intervals: ${unitsWords(first.units)}`];
}

export function unitsWords({ of, n, reason }: Units): string {
  if (reason !== null) return `none (${reason})`;
  return of === 'requests'
    ? `95 %, over ${n} requests drawn whole`
    : `95 %, over ${n} blocks of consecutive rows, since requests are not known`;
}

function comparisonText({ a, b, layers, onlyOne, unitsOf }: TraceComparison): string[] {
  const columns = ['Layer', 'JSD bits', 'By chance', 'p', 'p (Holm)'].map(right);
  const rows = layers.map((layer) => [
    `${layer.layer}`,
    ...[layer.jsdBits, layer.chanceBits].map((bits) => bits.toFixed(5)),
    ...[layer.p, layer.pHolm].map((p) => fixed(p, 3)),
  ]);
  return [
    `${b} against ${a}: Jensen-Shannon divergence of the shares of experts`,
    textTable(columns, rows),
    `unit: ${unitsOf}${layers[0]?.paired ? ', the same in both, exchanged pair by pair' : ''}`,
    ...(onlyOne.length > 0 ? [`layers of one of both only: ${onlyOne.join(', ')}`] : []),
    `routing: ${comparisonVerdict(layers)}`,
  ];
}

const SIGNIFICANT = 0.05;

export function comparisonVerdict(layers: readonly LayerDivergence[]): string {
  const tested = layers.filter(({ pHolm }) => pHolm !== null);
  if (tested.length === 0) return `not tested: ${layers[0]?.reason ?? 'no layer in common'}`;
  const differ = tested.filter(({ pHolm }) => (pHolm as number) < SIGNIFICANT);
  if (differ.length === 0) return 'no difference is shown in any layer';
  const all = differ.length === tested.length ? 'all' : `${differ.length} of ${tested.length}`;
  return `different in ${all} layers (p < ${SIGNIFICANT}, corrected for ${tested.length} tests)`;
}

function timingText({ path, overheads, findings }: JudgedTiming & { path: string }): string[] {
  const words = { tokensPerSecond: 'tokens/s', wallTime: 'wall time' } as const;
  return [
    `${path}: cost of logging`,
    ...overheads.map(({ by, share, rounding: [low, high] }) => {
      const open = `[${[low, high].map((end) => (100 * end).toFixed(2)).join(', ')}]`;
      return `  ${(100 * share).toFixed(2)} % by ${words[by]}; its rounding allows ${open} %`;
    }),
    ...findings.map(({ verdict, message }) => `${verdict}: ${message}`),
  ];
}
