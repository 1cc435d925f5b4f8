/**
 * The same cell measured at other times: what is bit for bit the same, what moved no more than
 * noise, what drifted, and what is different about where it ran. Quality is paired over documents
 * or items. Times are not: nothing was common to the two but the machine, so its rounds are two
 * samples, and the interval knows the noise within each run, not that between days.
 */
import { canonicalJson } from '../record/canonical.ts';
import type { Manifest } from '../record/schema.ts';
import { accuracyDifference, perplexityRatio } from './compare-quality.ts';
import type { Comparison } from './comparison.ts';
import { mean, sum } from './describe.ts';
import { measuredRounds } from './formulas-bench.ts';
import { type Interval, MIN_UNITS } from './intervals.ts';
import { type ResolvableRun, samplesOf } from './reference.ts';
import { differentSettings, otherField } from './run-facts.ts';
import type { Samples } from './samples.ts';
import { studentInterval, studentPoint } from './student.ts';

export type DriftState = 'bit-identical' | 'within noise' | 'drifted' | 'not judged';

export interface DriftFact {
  readonly quantity: string;
  readonly state: DriftState;
  /** Later / earlier, or later − earlier for `difference`; null where nothing was estimated. */
  readonly value: number | null;
  readonly ci95: Interval | null;
  readonly kind: 'ratio' | 'difference';
  /** Why it is not judged. */
  readonly reason?: string;
}

export interface EnvironmentChange {
  readonly name: string;
  readonly earlier: string;
  readonly later: string;
}

export interface Drift {
  readonly earlier: string;
  readonly later: string;
  readonly facts: readonly DriftFact[];
  readonly environment: readonly EnvironmentChange[];
}

/** Why the two are not attempts at one cell; null: they are. */
export function notOneCell(a: Manifest, b: Manifest): string | null {
  if (a.cellKey === b.cellKey) return null;
  const different = [
    a.measure === b.measure ? '' : `measure (${a.measure}, ${b.measure})`,
    a.variant.scheme === b.variant.scheme
      ? ''
      : `scheme (${a.variant.scheme}, ${b.variant.scheme})`,
    canonicalJson(filesOf(a)) === canonicalJson(filesOf(b)) ? '' : 'bytes of the model',
    ...differentSettings({ variant: a, baseline: b }),
  ].filter((each) => each !== '');
  const what = different.length > 0 ? different.join(', ') : 'data, or settings of the engine';
  return `not the same cell, they differ in: ${what}`;
}

function filesOf({ model }: Manifest): unknown {
  return model && [model.configSha256, ...model.files.map(({ sha256 }) => sha256)];
}

export interface DriftOptions {
  readonly seed: number;
  readonly resamples: number;
  /** Changes inside these are no drift. */
  readonly margins: { perplexity: number; accuracy: number; latency: number };
}

/** Both runs are attempts at one cell with a result. */
export function driftOf(
  earlier: ResolvableRun,
  later: ResolvableRun,
  options: DriftOptions,
): Drift {
  const [a, b] = [samplesOf(earlier), samplesOf(later)];
  const apart = otherField({ variant: later.manifest, baseline: earlier.manifest });
  return {
    earlier: earlier.manifest.runId,
    later: later.manifest.runId,
    facts: [
      ...qualityFacts(a, b, options),
      ...textFacts(a, b),
      ...speedFacts(a, b, options, apart),
    ],
    environment: environmentChanges(earlier.manifest, later.manifest),
  };
}

function qualityFacts(a: Samples, b: Samples, options: DriftOptions): DriftFact[] {
  const { seed, resamples, margins } = options;
  const facts: DriftFact[] = [];
  const runs = { variant: b, baseline: a };
  if (a.windows.length > 0) {
    const params = { seed, resamples, margin: margins.perplexity };
    const same = equalRows(a.windows.map(scoresOf), b.windows.map(scoresOf));
    const fact = (): DriftFact => compared('perplexity', 'ratio', perplexityRatio(runs, params));
    facts.push(same ? identical('perplexity') : fact());
  }
  if (a.items.length > 0) {
    const params = { seed, resamples, margin: margins.accuracy };
    const rows = (of: Samples): unknown[] => of.items.map(({ batch: _, ...row }) => row);
    const same = equalRows(rows(a), rows(b));
    const fact = (): DriftFact =>
      compared('accuracy', 'difference', accuracyDifference(runs, params));
    facts.push(same ? identical('accuracy') : fact());
  }
  return facts;
}

function identical(quantity: string): DriftFact {
  return { quantity, state: 'bit-identical', value: null, ci95: null, kind: 'ratio' };
}

/** What was scored, without the batch that it was scored in. */
function scoresOf({ batch: _, ...row }: Samples['windows'][number]): unknown {
  return row;
}

function equalRows(a: readonly unknown[], b: readonly unknown[]): boolean {
  const sorted = (rows: readonly unknown[]): string =>
    rows
      .map((row) => canonicalJson(row))
      .sort()
      .join('\n');
  return sorted(a) === sorted(b);
}

function compared(quantity: string, kind: DriftFact['kind'], found: Comparison): DriftFact {
  const { value, ci95, verdict, reason } = found;
  const base = { quantity, value, ci95, kind };
  if (!ci95) return { ...base, state: 'not judged', ...(reason === undefined ? {} : { reason }) };
  // Equivalent: whatever it is, it is inside the margin.
  if (verdict === 'equivalent') return { ...base, state: 'within noise' };
  return { ...base, state: excludes(ci95, kind === 'ratio' ? 1 : 0) ? 'drifted' : 'within noise' };
}

function excludes([low, high]: Interval, none: number): boolean {
  return low > none || high < none;
}

/** Texts are the same or not: greedy decoding has no noise. */
function textFacts(a: Samples, b: Samples): DriftFact[] {
  if (a.generated.length === 0 || b.generated.length === 0) return [];
  const ids = (of: Samples): unknown[] => of.generated.map((row) => [row.prompt, row.ids]);
  const fact = identical('generated texts');
  return [equalRows(ids(a), ids(b)) ? fact : { ...fact, state: 'drifted' }];
}

function speedFacts(
  a: Samples,
  b: Samples,
  { margins }: DriftOptions,
  apart: string | null,
): DriftFact[] {
  const bench = a.iterations.length > 0;
  if (!bench && a.batches.length === 0) return [];
  const quantity = bench ? 'latency' : 'time of a batch';
  const base = { quantity, value: null, ci95: null, kind: 'ratio' } as const;
  if (apart !== null) return [{ ...base, state: 'not judged', reason: apart }];
  const found = bench ? latencyChange(a, b) : batchChange(a, b);
  if (found === null) return [{ ...base, state: 'not judged', reason: TOO_FEW }];
  const value = Math.exp(found.centre);
  const ci95: Interval = [Math.exp(found.ci95[0]), Math.exp(found.ci95[1])];
  const inside = ci95[0] > 1 / (1 + margins.latency) && ci95[1] < 1 + margins.latency;
  const state = excludes(ci95, 1) && !inside ? 'drifted' : 'within noise';
  return [{ ...base, value, ci95, state }];
}

const TOO_FEW = `an interval needs ${MIN_UNITS} rounds or batches of each`;

interface Change {
  /** Of the logarithm of the ratio. */
  readonly centre: number;
  readonly ci95: Interval;
}

/** Welch's interval (1947) over the rounds of both, degrees of freedom rounded down. */
function latencyChange(a: Samples, b: Samples): Change | null {
  const logs = (of: Samples): number[] =>
    [...measuredRounds(of).values()].map((rows) => Math.log(mean(rows.map((row) => row.e2eMs))));
  const [x, y] = [logs(a), logs(b)];
  if (x.length < MIN_UNITS || y.length < MIN_UNITS) return null;
  const error = (values: readonly number[]): number => {
    const centre = mean(values);
    const squares = sum(values.map((value) => (value - centre) ** 2));
    return squares / (values.length - 1) / values.length;
  };
  const [ex, ey] = [error(x), error(y)];
  const centre = mean(y) - mean(x);
  // No spread in either: the difference is what it is.
  if (ex + ey === 0) return { centre, ci95: [centre, centre] };
  const df = (ex + ey) ** 2 / (ex ** 2 / (x.length - 1) + ey ** 2 / (y.length - 1));
  const half = studentPoint(0.95, Math.max(1, Math.floor(df))) * Math.sqrt(ex + ey);
  return { centre, ci95: [centre - half, centre + half] };
}

/** Batches are the same in both, so they pair up; warm-up is left out. */
function batchChange(a: Samples, b: Samples): Change | null {
  const earlier = new Map(a.batches.filter((row) => !row.warmup).map((row) => [row.batch, row.ms]));
  const logs = b.batches.flatMap(({ batch, ms, warmup }) => {
    const before = earlier.get(batch);
    return warmup || before === undefined ? [] : [Math.log(ms / before)];
  });
  if (logs.length < MIN_UNITS || !logs.every(Number.isFinite)) return null;
  return { centre: mean(logs), ci95: studentInterval(logs) };
}

/** Every fact about machine, program and engine that is not the same, by its path. */
export function environmentChanges(a: Manifest, b: Manifest): EnvironmentChange[] {
  const facts = ({ environment, engine, git }: Manifest): Map<string, string> => {
    const leaves = new Map<string, string>();
    collect(environment, [], leaves);
    collect(engine ?? {}, ['engine'], leaves);
    collect(git ?? {}, ['git'], leaves);
    return leaves;
  };
  const [earlier, later] = [facts(a), facts(b)];
  const names = [...new Set([...earlier.keys(), ...later.keys()])];
  return names.flatMap((name) => {
    const [x, y] = [earlier.get(name) ?? 'none', later.get(name) ?? 'none'];
    return x === y ? [] : [{ name, earlier: x, later: y }];
  });
}

function collect(value: unknown, path: readonly string[], into: Map<string, string>): void {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, member] of Object.entries(value)) collect(member, [...path, key], into);
    return;
  }
  into.set(path.join('.'), typeof value === 'string' ? value : JSON.stringify(value));
}
