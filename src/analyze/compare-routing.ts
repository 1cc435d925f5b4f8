/** Does a variant send the same prompts to other experts than the baseline? */
import {
  type ComparedRuns,
  type CompareFormula,
  type CompareParams,
  type Comparison,
  refused,
} from './comparison.ts';
import { layerCounts } from './formulas-routing.ts';
import { divergence, type NamedCounts } from './routing/divergence.ts';
import type { Samples } from './samples.ts';

interface Compared {
  readonly found: ReturnType<typeof divergence>;
  /** Choices of both. */
  readonly n: number;
}

function compared(runs: ComparedRuns, { layer, seed }: CompareParams): Compared | string {
  if (layer === undefined) return 'no layer is named';
  const [a, b] = [named(runs.variant, layer), named(runs.baseline, layer)];
  if (a === null || b === null) return `layer ${layer} was not traced in both`;
  if (a.experts !== b.experts) return `${a.experts} and ${b.experts} experts`;
  const found = divergence(a.counts, b.counts, { experts: a.experts, seed });
  return { found, n: a.choices + b.choices };
}

function named(samples: Samples, layer: number) {
  const found = layerCounts(samples, layer);
  if (found === null) return null;
  const names = found.ids.map(String);
  const counts: NamedCounts = { names, data: Float64Array.from(found.requests.flat()) };
  const choices = found.sums.reduce((sum, count) => sum + count, 0);
  return { experts: found.sums.length, counts, choices };
}

/** A divergence is 0 only where the shares are the same: without a test it says nothing. */
export const routingDivergence: CompareFormula = (runs, params): Comparison => {
  const of = compared(runs, params);
  if (typeof of === 'string') return refused('bits', of);
  const { jsdBits, p, reason, paired, units } = of.found;
  return {
    ...{ value: jsdBits, ci95: null, unit: 'bits', n: of.n, units: units[0], unitOf: 'requests' },
    ...{ p, pHolm: null, verdict: 'inconclusive' },
    test: p === null ? null : `permutation of requests${paired ? ', in pairs' : ''}`,
    reason: reason ?? 'a divergence has a test, and no better or worse',
  };
};

/** What chance alone gives: the mean divergence over the permutations of the test. */
export const routingChance: CompareFormula = (runs, params): Comparison => {
  const of = compared(runs, params);
  if (typeof of === 'string') return refused('bits', of);
  const { chanceBits, reason, units, permutations } = of.found;
  const value = permutations > 0 ? chanceBits : null;
  return {
    ...{ value, ci95: null, unit: 'bits', n: permutations, units: units[0], unitOf: 'requests' },
    ...{ p: null, test: null, pHolm: null, verdict: 'inconclusive' },
    reason: reason ?? 'the mean over permutations has no test',
  };
};
