/**
 * Speed, paired by round: in each round both cells ran one after the other, so that what the
 * machine did at that time (heat, another tenant) is in both and cancels in the ratio.
 */
import {
  type ComparedRuns,
  type CompareFormula,
  type CompareParams,
  type Comparison,
  concluded,
  drawsOf,
  type Measured,
  ratioMargin,
  refused,
} from './comparison.ts';
import { mean, sum } from './describe.ts';
import { measuredRounds } from './formulas-bench.ts';
import { type Interval, MIN_UNITS } from './intervals.ts';
import { permuteGroups, signFlip } from './permutation.ts';
import { cannotCompareSpeed, ranApart, speedNotes } from './run-facts.ts';
import type { IterationRow } from './samples.ts';
import { studentInterval, welchInterval } from './student.ts';

/**
 * exp(mean over common rounds of ln(mean e2e of the variant / mean e2e of the baseline)): below 1
 * the variant is faster. Interval: Student's t over rounds on the log scale (n − 1 degrees of
 * freedom), from 10 rounds on; test: the signs of the logarithms exchanged, round by round. Every
 * round counts alike, however many iterations it has. Both speak of these two processes.
 *
 * Where one run had ended before the other began, their rounds have nothing but a number in
 * common. Version 2 then takes the ratio of the geometric means over each run's own rounds, Welch's
 * t, and a permutation of the rounds between the two; version 1 pairs them all the same.
 */
const latencyRatioOf =
  (version: 1 | 2): CompareFormula =>
  (runs, params) => {
    const impossible = cannotCompareSpeed(runs.manifests) ?? nothingMeasuredIn(runs);
    if (impossible !== null) return refused('ratio', impossible);
    const [variant, baseline] = [measuredRounds(runs.variant), measuredRounds(runs.baseline)];
    const paired = version === 1 || !runs.manifests || !ranApart(runs.manifests);
    const shared = [...variant.keys()].filter((round) => baseline.has(round));
    if (paired && shared.length === 0)
      return refused('ratio', 'the two cells have no measured round in common');
    const side = (of: Map<number, IterationRow[]>): Side => {
      const rounds = paired ? shared : [...of.keys()];
      const rows = rounds.map((round) => of.get(round) as IterationRow[]);
      return { rows: rows.flat(), times: rows.map((each) => mean(each.map((row) => row.e2eMs))) };
    };
    const [fast, slow] = [side(variant), side(baseline)];
    if (!samePrompts(fast.rows, slow.rows))
      return refused('ratio', 'the two cells were fed different prompts');
    if (![...fast.times, ...slow.times].every((time) => time > 0))
      return refused('ratio', 'an iteration took no time at all');
    const compared = concluded(
      {
        ...(paired ? pairedFigures(fast, slow, params) : apartFigures(fast, slow, params)),
        ...{ unit: 'ratio', n: fast.rows.length + slow.rows.length, unitOf: 'rounds' },
        notes: [...speedNotes(runs.manifests), ...lengthNotes(fast.rows, slow.rows)],
      },
      ratioMargin(params.margin),
    );
    return withProcessNoise(compared);
  };

export const latencyRatio: Readonly<Record<1 | 2, CompareFormula>> = {
  1: latencyRatioOf(1),
  2: latencyRatioOf(2),
};

interface Side {
  readonly rows: readonly IterationRow[];
  /** Mean of each round, ms. */
  readonly times: readonly number[];
}

type Figures = Pick<Measured, 'value' | 'ci95' | 'units' | 'p' | 'test'>;

function pairedFigures(fast: Side, slow: Side, params: CompareParams): Figures {
  const logs = fast.times.map((time, i) => Math.log(time / (slow.times[i] as number)));
  const { p, exact } = signFlip(logs, drawsOf(params));
  return {
    value: Math.exp(mean(logs)),
    ci95: logs.length < MIN_UNITS ? null : expOf(studentInterval(logs)),
    ...{ units: logs.length, p },
    test: `sign-flip permutation over rounds${exact ? ', exact' : ''}`,
  };
}

function apartFigures(fast: Side, slow: Side, params: CompareParams): Figures {
  const [a, b] = [fast.times.map(Math.log), slow.times.map(Math.log)];
  const units = Math.min(a.length, b.length);
  const { p, exact } = permuteGroups(a, b, drawsOf(params));
  return {
    value: Math.exp(mean(a) - mean(b)),
    ci95: units < MIN_UNITS ? null : expOf(welchInterval(a, b)),
    ...{ units, p },
    test: `permutation of rounds between the runs${exact ? ', exact' : ''}`,
  };
}

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
