/**
 * Speed, paired by round: in each round both cells ran one after the other, so that what the
 * machine did at that time (heat, another tenant) is in both and cancels in the ratio.
 */
import {
  type ComparedRuns,
  type CompareFormula,
  type Comparison,
  concluded,
  drawsOf,
  ratioMargin,
  refused,
} from './comparison.ts';
import { mean, sum } from './describe.ts';
import { measuredRounds } from './formulas-bench.ts';
import { type Interval, MIN_UNITS } from './intervals.ts';
import { signFlip } from './permutation.ts';
import { cannotCompareSpeed, speedNotes } from './run-facts.ts';
import type { IterationRow } from './samples.ts';
import { studentInterval } from './student.ts';

/**
 * exp(mean over common rounds of ln(mean e2e of the variant / mean e2e of the baseline)): below 1
 * the variant is faster. Interval: Student's t over rounds on the log scale (n − 1 degrees of
 * freedom), from 10 rounds on; test: the signs of the logarithms exchanged, round by round. Every
 * round counts alike, however many iterations it has. Both speak of these two processes.
 */
export const latencyRatio: CompareFormula = (runs, params) => {
  const impossible = cannotCompareSpeed(runs.manifests) ?? nothingMeasuredIn(runs);
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
  const ci95 = logs.length < MIN_UNITS ? null : expOf(studentInterval(logs));
  const { p, exact } = signFlip(logs, drawsOf(params));
  const compared = concluded(
    {
      ...{ value: Math.exp(mean(logs)), ci95, unit: 'ratio', n: fast.length + slow.length },
      ...{ units: common.length, unitOf: 'rounds', p },
      test: `sign-flip permutation over rounds${exact ? ', exact' : ''}`,
      notes: [...speedNotes(runs.manifests), ...lengthNotes(fast, slow)],
    },
    ratioMargin(params.margin),
  );
  return withProcessNoise(compared);
};

/** Two processes of one program may differ for as long as they live by about so much. */
const PROCESS_NOISE = 0.02;

/** Rounds cannot see what stays with a process, such as where its memory lies. */
function withProcessNoise(compared: Comparison): Comparison {
  const { ci95, verdict, note } = compared;
  if (!ci95 || (verdict !== 'better' && verdict !== 'worse')) return compared;
  const nearest = verdict === 'better' ? 1 / ci95[1] : ci95[0];
  if (nearest > 1 + PROCESS_NOISE) return compared;
  const caution = 'as little as two processes of one program may differ by: run it again';
  return { ...compared, note: note === undefined ? caution : `${note}; ${caution}` };
}

function nothingMeasuredIn({ variant, baseline }: ComparedRuns): string | null {
  for (const [name, { iterations, failures }] of [
    ['the cell', variant],
    ['the baseline', baseline],
  ] as const) {
    if (iterations.some((row) => !row.warmup)) continue;
    const failed = failures.length;
    return failed > 0 ? `all ${failed} iterations of ${name} failed` : `${name} measured nothing`;
  }
  return null;
}

function expOf([low, high]: Interval): Interval {
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
