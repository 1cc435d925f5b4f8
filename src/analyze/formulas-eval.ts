/**
 * Formulas over scored windows (seed document 001's measures, with intervals). Version 2 cuts off
 * smaller tails where units are few, and resamples windows, where documents are under 10, in
 * blocks: neighbours in a text hang together.
 */
import type { WindowRow } from '../record/rows.ts';
import {
  type Derived,
  exact,
  type Formula,
  type FormulaParams,
  missing,
  numberParam,
  ratioOfUnits,
} from './formula.ts';
import { MIN_UNITS } from './intervals.ts';
import {
  BYTES_UNKNOWN,
  bytesOfUnits,
  resamplingOf,
  type Samples,
  unitsOfWindows,
} from './samples.ts';

type PerToken = (row: WindowRow, index: number) => number | null;
type Version = 1 | 2;

const negativeLogp: PerToken = (row, i) => {
  const logp = row.logp[i] as number | null;
  return logp === null ? null : -logp;
};

/** A hit of a token whose probabilities are not finite proves nothing: it spoils the mean too. */
const hit: PerToken = (row, i) => (row.logp[i] === null ? null : row.hit[i] === '1' ? 1 : 0);

/** Brier 1950, multi-class: Σ_v (p_v − [v = target])² = Σ p² − 2 p_target + 1. */
const brier: PerToken = (row, i) => {
  const squares = row.sumSquares[i] as number | null;
  const logp = row.logp[i] as number | null;
  return squares === null || logp === null ? null : squares - 2 * Math.exp(logp) + 1;
};

interface MeanPerToken {
  readonly unit: string;
  readonly perToken: PerToken;
  readonly version: Version;
}

function meanPerToken(samples: Samples, params: FormulaParams, of: MeanPerToken): Derived {
  const { unit } = of;
  const sums = unitsOfWindows(samples.windows, of.perToken, MIN_UNITS);
  if ('nonFinite' in sums) return missing(unit, `${sums.nonFinite} scored tokens are NaN or Inf`);
  const { units, unitOf } = sums;
  const correlated = of.version === 1 ? {} : resamplingOf(unitOf, units.length);
  return ratioOfUnits({ unit, unitOf, units, params, correlated });
}

const RESAMPLED: Readonly<Record<Version, string>> = {
  1: 'percentile bootstrap over documents',
  2:
    'percentile bootstrap over documents (circular blocks of windows where documents are under ' +
    '10), tails expanded for few units',
};

const loss = (version: Version): Formula => ({
  unit: 'nats',
  reads: 'window',
  describe: `mean over scored tokens of −ln p(target); interval: ${RESAMPLED[version]}`,
  compute: (samples, params) =>
    meanPerToken(samples, params, { unit: 'nats', perToken: negativeLogp, version }),
});

const perplexity = (version: Version): Formula => ({
  unit: 'ratio',
  reads: 'window',
  describe: 'exp(loss); interval: exp of the loss interval',
  compute(samples, params) {
    const base = loss(version).compute(samples, params);
    if (base.value === null) return { ...base, unit: 'ratio' };
    const value = Math.exp(base.value);
    const ci95: Derived['ci95'] = base.ci95 && [Math.exp(base.ci95[0]), Math.exp(base.ci95[1])];
    if (Number.isFinite(Math.max(value, ci95?.[1] ?? 0)))
      return { ...base, unit: 'ratio', value, ci95 };
    // A broken model can lose more than 709 nats a token; Infinity is no number to record.
    const reason = `a loss of ${base.value.toPrecision(4)} nats: its exponential overflows`;
    return { ...base, unit: 'ratio', value: null, ci95: null, reason };
  },
});

/** Not per token: models that cut a text into other tokens compare. */
const bitsPerByte: Formula = {
  unit: 'bits/byte',
  reads: 'window',
  describe: `Σ −log2 p(target) / Σ UTF-8 bytes that the scored tokens stand for; ${RESAMPLED[2]}`,
  compute(samples, params) {
    const unit = 'bits/byte';
    const sums = unitsOfWindows(samples.windows, negativeLogp, MIN_UNITS);
    if ('nonFinite' in sums) return missing(unit, `${sums.nonFinite} scored tokens are NaN or Inf`);
    const bytes = bytesOfUnits(samples.windows, sums.unitOf);
    if (bytes === null) return missing(unit, BYTES_UNKNOWN);
    const units = sums.units.map(({ id, total }) => {
      return { id, total: total / Math.LN2, tokens: bytes.get(id) as number };
    });
    const correlated = resamplingOf(sums.unitOf, units.length);
    return ratioOfUnits({ unit, unitOf: sums.unitOf, units, params, correlated });
  },
};

const tokenAccuracy = (version: Version): Formula => ({
  unit: 'fraction',
  reads: 'window',
  describe: `share of scored tokens whose target was the argmax; ${RESAMPLED[version]}`,
  compute: (samples, params) =>
    meanPerToken(samples, params, { unit: 'fraction', perToken: hit, version }),
});

const brierScore = (version: Version): Formula => ({
  unit: 'score',
  reads: 'window',
  describe: `mean over tokens of Σp² − 2·p(target) + 1 (0 best, 2 worst); ${RESAMPLED[version]}`,
  compute: (samples, params) =>
    meanPerToken(samples, params, { unit: 'score', perToken: brier, version }),
});

export interface CalibrationBin {
  readonly tokens: number;
  /** Mean probability of the most likely token; null in an empty bin. */
  readonly confidence: number | null;
  /** Share of tokens whose target was the most likely one; null in an empty bin. */
  readonly accuracy: number | null;
}

/** Sums over the tokens of equal-width bins; null where a token is NaN or Inf. */
function binSums(samples: Samples, bins: number) {
  const count = new Float64Array(bins);
  const hits = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  for (const row of samples.windows) {
    for (let i = 0; i < row.logp.length; i++) {
      const top = row.topLogp[i] as number | null;
      if (top === null) return null;
      const p = Math.min(1, Math.exp(top));
      const bin = Math.min(bins - 1, Math.floor(p * bins));
      count[bin]++;
      confidence[bin] += p;
      if (row.hit[i] === '1') hits[bin]++;
    }
  }
  return { count, hits, confidence };
}

/** What a reliability diagram shows; null where nothing was scored, or a token is NaN or Inf. */
export function calibrationBins(samples: Samples, bins: number): CalibrationBin[] | null {
  const sums = binSums(samples, bins);
  if (sums === null || samples.windows.length === 0) return null;
  return Array.from(sums.count, (tokens, bin) => {
    const mean = (of: Float64Array): number | null =>
      tokens === 0 ? null : (of[bin] as number) / tokens;
    return { tokens, confidence: mean(sums.confidence), accuracy: mean(sums.hits) };
  });
}

/** Guo et al. 2017, equal-width bins on the probability of the most likely token. */
const calibrationError: Formula = {
  unit: 'fraction',
  reads: 'window',
  describe: 'Σ over bins of (tokens in bin / tokens) · |accuracy − mean confidence|',
  compute(samples, params) {
    const bins = numberParam(params, 'bins');
    const sums = binSums(samples, bins);
    if (sums === null) return missing('fraction', 'a scored token is NaN or Inf');
    const { count, hits, confidence } = sums;
    const n = count.reduce((a, b) => a + b, 0);
    if (n === 0) return missing('fraction', 'nothing was scored');
    const value = hits.reduce((a, h, bin) => a + Math.abs(h - (confidence[bin] as number)) / n, 0);
    const reason = 'ECE is biased upwards and not smooth: a bootstrap interval would mislead';
    return { value, unit: 'fraction', n, units: bins, unitOf: 'bins', ci95: null, reason };
  },
};

/** Loss of the tokens that saw `from ≤ context < to` tokens: does a long context help? */
const lossAtContext = (version: Version): Formula => ({
  unit: 'nats',
  reads: 'window',
  describe: 'mean −ln p(target) over tokens with `from` ≤ context tokens < `to`',
  compute(samples, params) {
    const from = numberParam(params, 'from');
    const to = numberParam(params, 'to');
    const kept = samples.windows.flatMap((row): WindowRow[] => {
      const start = Math.max(0, from - row.scoreFrom);
      const end = Math.min(row.logp.length, to - row.scoreFrom);
      if (start >= end) return [];
      return [{ ...row, logp: row.logp.slice(start, end) }];
    });
    if (kept.length === 0) return missing('nats', 'no token had this much context');
    const of = { unit: 'nats', perToken: negativeLogp, version };
    return meanPerToken({ ...samples, windows: kept }, params, of);
  },
});

const scoredTokens: Formula = {
  unit: 'tokens',
  reads: 'window',
  describe: 'number of scored tokens',
  compute(samples) {
    const n = samples.windows.reduce((total, row) => total + row.logp.length, 0);
    return exact('tokens', n, n, 'tokens');
  },
};

export const evalFormulas: Record<string, Formula> = {
  'eval.loss/1': loss(1),
  'eval.loss/2': loss(2),
  'eval.perplexity/1': perplexity(1),
  'eval.perplexity/2': perplexity(2),
  'eval.bits-per-byte/1': bitsPerByte,
  'eval.token-accuracy/1': tokenAccuracy(1),
  'eval.token-accuracy/2': tokenAccuracy(2),
  'eval.brier/1': brierScore(1),
  'eval.brier/2': brierScore(2),
  'eval.ece/1': calibrationError,
  'eval.loss-at-context/1': lossAtContext(1),
  'eval.loss-at-context/2': lossAtContext(2),
  'eval.scored-tokens/1': scoredTokens,
};
