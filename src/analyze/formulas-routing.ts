/** Formulas over the routing of a mixture of experts, and over what tracing it costs. */
import {
  type Derived,
  exact,
  type Formula,
  type FormulaParams,
  missing,
  numberParam,
  ratioOfUnits,
} from './formula.ts';
import { tooFew } from './intervals.ts';
import { usageOf } from './routing/usage.ts';
import { usageIntervals } from './routing/usage-intervals.ts';
import type { Samples } from './samples.ts';

interface LayerCounts {
  /** Numbers of the requests, ascending. */
  readonly ids: readonly number[];
  /** Of each of them. */
  readonly requests: readonly (readonly number[])[];
  readonly sums: readonly number[];
  readonly routes: number;
}

/** null where the layer was not traced. */
export function layerCounts({ routing }: Samples, layer: number): LayerCounts | null {
  const rows = routing
    .filter((row) => row.layer === layer)
    .toSorted((a, b) => a.request - b.request);
  const [first] = rows;
  if (first === undefined) return null;
  const sums = first.counts.map((_, e) => rows.reduce((sum, { counts }) => sum + counts[e]!, 0));
  const choices = sums.reduce((sum, count) => sum + count, 0);
  const requests = rows.map(({ counts }) => counts);
  return { ids: rows.map(({ request }) => request), requests, sums, routes: choices / first.topK };
}

const UNTRACED = 'this layer was not traced';

function ofLayer(
  unit: string,
  name: 'entropyBits' | 'maxOverMean',
): (samples: Samples, params: FormulaParams) => Derived {
  return (samples, params) => {
    const found = layerCounts(samples, numberParam(params, 'layer'));
    if (found === null) return missing(unit, UNTRACED);
    const { requests, sums, routes } = found;
    const experts = sums.length;
    const data = Float64Array.from(requests.flat());
    const units = requests.flatMap((counts, at) => (counts.some((n) => n > 0) ? [at] : []));
    const drawn = { data, stride: experts, units, experts };
    const ci95 = usageIntervals(drawn, numberParam(params, 'seed'))[name];
    const base = { unit, n: routes, units: units.length, unitOf: 'requests', ci95 };
    const value = usageOf(sums, routes)[name];
    return ci95 === null
      ? { ...base, value, reason: tooFew(units.length, 'requests') }
      : { ...base, value };
  };
}

const entropy: Formula = {
  unit: 'bits',
  reads: 'routing',
  describe:
    '−Σ p·log2 p over the experts of a layer, p the share of its choices that fell on each; ' +
    'basic bootstrap over requests, 1,000 draws',
  compute: ofLayer('bits', 'entropyBits'),
};

const maxOverMean: Formula = {
  unit: 'ratio',
  reads: 'routing',
  describe:
    'choices of the most chosen expert of a layer / mean over its experts; basic bootstrap over ' +
    'requests, 1,000 draws',
  compute: ofLayer('ratio', 'maxOverMean'),
};

const unused: Formula = {
  unit: 'experts',
  reads: 'routing',
  describe: 'experts of a layer that no traced token chose',
  compute(samples, params) {
    const found = layerCounts(samples, numberParam(params, 'layer'));
    if (found === null) return missing('experts', UNTRACED);
    const value = found.sums.filter((count) => count === 0).length;
    return exact('experts', value, found.routes, 'routes');
  },
};

const routes: Formula = {
  unit: 'routes',
  reads: 'trace',
  describe: 'route records in the trace file: traced tokens × traced layers',
  compute({ traces }) {
    const [trace] = traces;
    if (trace === undefined) return missing('routes', 'no trace was written');
    return exact('routes', trace.routes, trace.routes, 'routes');
  },
};

const stalls: Formula = {
  unit: 'waits',
  reads: 'trace',
  describe: 'how often the engine waited because the queue to the writer of the trace was full',
  compute({ traces }) {
    const [trace] = traces;
    if (trace === undefined) return missing('waits', 'no trace was written');
    return exact('waits', trace.stalls, trace.routes, 'routes');
  },
};

const NO_PAIRS = 'run with --compare to measure this';

/** Σ of a time of the traced sides / Σ of the untraced ones, less 1. */
function overhead(time: 'decodeMs' | 'e2eMs' | 'cpuMs', what: string): Formula {
  return {
    unit: 'fraction',
    reads: 'trace-pair',
    describe:
      `${what}: Σ ms traced / Σ ms untraced − 1, over interleaved pairs of one batch; ` +
      'bootstrap over pairs',
    compute({ tracePairs }, params) {
      if (tracePairs.length === 0) return missing('fraction', NO_PAIRS);
      const units = tracePairs.map(({ pair, traced, plain }) => {
        return { id: pair, total: traced[time] - plain[time], tokens: plain[time] };
      });
      const n = tracePairs.length;
      const of = { unit: 'fraction', unitOf: 'pairs', units, params, n, expanded: true };
      return ratioOfUnits(of);
    },
  };
}

function decodeRate(side: 'traced' | 'plain'): Formula {
  return {
    unit: 'tokens/s',
    reads: 'trace-pair',
    describe:
      `tokens decoded / seconds of decoding, ${side === 'plain' ? 'untraced' : 'traced'} ` +
      'sides of the pairs; bootstrap over pairs',
    compute({ tracePairs }, params) {
      if (tracePairs.length === 0) return missing('tokens/s', NO_PAIRS);
      const units = tracePairs.map((row) => {
        const { decodedTokens, decodeMs } = row[side];
        return { id: row.pair, total: decodedTokens, tokens: decodeMs / 1000 };
      });
      const n = tracePairs.reduce((sum, row) => sum + row[side].decodedTokens, 0);
      const of = { unit: 'tokens/s', unitOf: 'pairs', units, params, n, expanded: true };
      return ratioOfUnits(of);
    },
  };
}

const samePairs: Formula = {
  unit: 'pairs',
  reads: 'trace-pair',
  describe: 'pairs whose traced and untraced sides generated the same tokens, of all pairs',
  compute({ tracePairs }) {
    const n = tracePairs.length;
    if (n === 0) return missing('pairs', NO_PAIRS);
    return exact('pairs', tracePairs.filter(({ sameTokens }) => sameTokens).length, n, 'pairs');
  },
};

export const routingFormulas: Record<string, Formula> = {
  'routing.entropy/1': entropy,
  'routing.max-over-mean/1': maxOverMean,
  'routing.unused/1': unused,
  'routing.routes/1': routes,
  'routing.stalls/1': stalls,
  'routing.decode-overhead/1': overhead('decodeMs', 'what tracing adds to decoding'),
  'routing.wall-overhead/1': overhead(
    'e2eMs',
    'what tracing adds to a batch, until its routes are written',
  ),
  'routing.cpu-overhead/1': overhead(
    'cpuMs',
    'CPU time that tracing adds to a batch, that of the writer included',
  ),
  'routing.decode-rate-traced/1': decodeRate('traced'),
  'routing.decode-rate-untraced/1': decodeRate('plain'),
  'routing.same-tokens/1': samePairs,
};
