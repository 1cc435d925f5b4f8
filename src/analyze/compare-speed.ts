/**
 * Speed, paired by round: in each round both cells ran one after the other, so that what the
 * machine did at that time (heat, another tenant) is in both and cancels in the ratio.
 */
import { type CompareFormula, refused, verdictOf } from './comparison.ts';
import { mean, sum } from './describe.ts';
import { measuredRounds } from './formulas-bench.ts';
import { type Interval, MIN_UNITS } from './intervals.ts';
import { cannotCompareSpeed, speedNotes } from './run-facts.ts';
import type { IterationRow } from './samples.ts';
import { studentInterval } from './student.ts';

/**
 * exp(mean over common rounds of ln(mean e2e of the variant / mean e2e of the baseline)): below 1
 * the variant is faster. Interval: Student's t over rounds on the log scale (n − 1 degrees of
 * freedom), from 10 rounds on. Every round counts alike, however many iterations it has.
 */
export const latencyRatio: CompareFormula = (runs, params) => {
  const impossible = cannotCompareSpeed(runs.manifests);
  if (impossible !== null) return refused('ratio', impossible);
  const [variant, baseline] = [measuredRounds(runs.variant), measuredRounds(runs.baseline)];
  const common = [...variant.keys()].filter((round) => baseline.has(round));
  if (common.length === 0)
    return refused('ratio', 'the two cells have no measured round in common');
  const rowsOf = (of: Map<number, IterationRow[]>): IterationRow[] =>
    common.flatMap((round) => of.get(round) ?? []);
  const [fast, slow] = [rowsOf(variant), rowsOf(baseline)];
  if (!samePrompts(fast, slow)) return refused('ratio', 'the two cells were fed different prompts');
  const logs = common.map((round) => Math.log(timeOf(variant, round) / timeOf(baseline, round)));
  if (!logs.every(Number.isFinite)) return refused('ratio', 'an iteration took no time at all');
  const value = Math.exp(mean(logs));
  const ci95 = intervalOf(logs);
  const { margin } = params;
  const verdict = verdictOf({
    value,
    ci95,
    low: 1 / (1 + margin),
    high: 1 + margin,
    none: 1,
    higherIsBetter: false,
  });
  const notes = [...speedNotes(runs.manifests), ...lengthNotes(fast, slow)];
  return {
    ...{ value, ci95, unit: 'ratio', n: fast.length + slow.length, units: common.length },
    ...{ unitOf: 'rounds', verdict },
    ...(ci95 ? {} : { reason: `${common.length} rounds: an interval needs ${MIN_UNITS}` }),
    ...(notes.length > 0 ? { note: notes.join('; ') } : {}),
  };
};

function intervalOf(logs: readonly number[]): Interval | null {
  if (logs.length < MIN_UNITS) return null;
  const [low, high] = studentInterval(logs);
  return [Math.exp(low), Math.exp(high)];
}

function timeOf(rounds: Map<number, IterationRow[]>, round: number): number {
  return mean((rounds.get(round) ?? []).map((row) => row.e2eMs));
}

/** Iterations of one number are fed the same batch; a failed one is missing on its side only. */
function samePrompts(a: readonly IterationRow[], b: readonly IterationRow[]): boolean {
  const fed = new Map(b.map((row) => [row.iteration, row.promptTokens]));
  return a.every((row) => (fed.get(row.iteration) ?? row.promptTokens) === row.promptTokens);
}

/** Under this share of the baseline's tokens another length is not worth a word. */
const SAME_LENGTH = 0.01;

/** A text that ends earlier takes less time, which is no speed. */
function lengthNotes(a: readonly IterationRow[], b: readonly IterationRow[]): string[] {
  const tokens = (rows: readonly IterationRow[]): number =>
    sum(rows.map((row) => row.newTokens)) / rows.length;
  const more = tokens(a) / tokens(b) - 1;
  if (!Number.isFinite(more) || Math.abs(more) <= SAME_LENGTH) return [];
  const percent = Math.abs(100 * more).toFixed(1);
  return [`its texts are ${percent} % ${more > 0 ? 'longer' : 'shorter'} than the baseline’s`];
}
