/** Two traces, layer by layer: does one model at another scheme route its tokens differently? */
import {
  type Divergence,
  divergence,
  holm,
  type NamedCounts,
} from '../analyze/routing/divergence.ts';
import { countedUnits } from '../analyze/routing/routing-analysis.ts';
import { UsageError } from '../record/errors.ts';
import { ANALYSIS_SEED, type TraceAnalysis } from './analyze-trace.ts';

export interface LayerDivergence extends Divergence {
  readonly layer: number;
}

export interface TraceComparison {
  readonly a: string;
  readonly b: string;
  readonly unitsOf: 'requests' | 'blocks';
  readonly layers: readonly LayerDivergence[];
  /** Layers that only one of both has. */
  readonly onlyOne: readonly number[];
}

/** Throws UsageError for traces that cannot be of the same model. */
export function compareTraces(a: TraceAnalysis, b: TraceAnalysis): TraceComparison {
  const topK = [a, b].map(({ read }) => read.topK);
  const declared = [a, b].filter(({ expertsFrom }) => expertsFrom !== 'largest id');
  const counts = new Set(declared.map(({ experts }) => experts));
  if (topK[0] !== topK[1] || counts.size > 1) {
    const told = [a, b].map(({ read, experts }) => `top ${read.topK} of ${experts}`);
    throw new UsageError(`traces of different models: ${told.join(', and ')} experts`);
  }
  const experts = Math.max(a.experts, b.experts);
  const byRequest = a.unitsOf === 'requests' && b.unitsOf === 'requests';
  const unitsOf = byRequest ? 'requests' : 'blocks';
  const layers = a.tallied.flatMap(({ tally }) => {
    const other = b.tallied.find((each) => each.tally.layer === tally.layer);
    if (other === undefined) return [];
    const of = { unitsOf, experts } as const;
    const [first, second] = [
      namedCounts(tally.counts, a.read.names, of),
      namedCounts(other.tally.counts, b.read.names, of),
    ];
    const seed = ANALYSIS_SEED;
    return [{ layer: tally.layer, ...divergence(first, second, { experts, seed }) }];
  });
  const adjusted = holm(layers);
  const numbers = [a, b].map(({ layers: all }) => all.map(({ layer }) => layer));
  const shared = new Set(layers.map(({ layer }) => layer));
  return {
    ...{ a: a.read.path, b: b.read.path, unitsOf },
    layers: layers.map(({ layer }, i) => ({ ...(adjusted[i] as Divergence), layer })),
    onlyOne: [...new Set(numbers.flat())]
      .filter((layer) => !shared.has(layer))
      .sort((x, y) => x - y),
  };
}

type Counts = TraceAnalysis['tallied'][number]['tally']['counts'];

function namedCounts(
  counts: Counts,
  names: readonly string[],
  of: { unitsOf: 'requests' | 'blocks'; experts: number },
): NamedCounts {
  const { data, stride, units } = countedUnits(counts, of);
  const dense = new Float64Array(units.length * of.experts);
  const columns = Math.min(stride, of.experts);
  for (const [i, unit] of units.entries()) {
    for (let e = 0; e < columns; e++) dense[i * of.experts + e] = data[unit * stride + e] as number;
  }
  // Blocks of two traces are no pairs, so that they have no names.
  const named = units.map((unit) => (of.unitsOf === 'requests' ? (names[unit] ?? '') : ''));
  return { names: named, data: dense };
}
