/**
 * Statements such as "small models lose by quantization, large ones gain": two effects, and what
 * differs between the settings in which they were measured. An effect of a factor is stated only
 * where that factor alone varies; everything else that varies is named as what confounds it.
 */
import { canonicalJson } from '../record/canonical.ts';
import type { Manifest } from '../record/schema.ts';
import type { Comparison } from './comparison.ts';
import { type Interval, Z95 } from './intervals.ts';
import { settingsOf } from './run-facts.ts';
import { twoSidedNormal } from './student.ts';

export type Factors = Readonly<Record<string, string | number | null>>;

/** What may decide the result of a run, by name. Two runs with the same factors are repeats. */
export function factorsOf(manifest: Manifest): Factors {
  const { model, engine, environment, config } = manifest;
  const { hostname, cpu, gpus } = environment;
  return {
    scheme: manifest.variant.scheme,
    parameters: model?.parameters ?? null,
    architecture: model?.architecture ?? null,
    'stored dtype': model?.storedDtype ?? null,
    engine: engine && `${engine.name} ${engine.version}`,
    device: engine?.device ?? null,
    threads: engine?.threads ?? null,
    activations: engine?.activations ?? null,
    machine: [hostname, cpu.model, ...gpus.map((gpu) => gpu.name)].join(', '),
    data: typeof config.dataSha256 === 'string' ? config.dataSha256 : null,
    settings: canonicalJson(settingsOf(manifest)),
  };
}

/** One effect, and the setting in which it was measured. */
export interface Arm {
  /** Of the variant's run, or of both where they share them. */
  readonly factors: Factors;
  readonly effect: Comparison;
}

export type Contrast =
  | {
      readonly status: 'tested';
      readonly factor: string;
      /** Effect of the second arm / of the first (ratios), or second − first (differences). */
      readonly value: number;
      readonly ci95: Interval;
      readonly p: number;
      readonly verdict: 'differs' | 'inconclusive';
    }
  | { readonly status: 'confounded'; readonly factor: string; readonly by: readonly string[] }
  | { readonly status: 'untested'; readonly factor: string; readonly reason: string };

/** Names of the factors that differ. */
export function varying(a: Factors, b: Factors): string[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.filter((name) => (a[name] ?? null) !== (b[name] ?? null));
}

/**
 * Whether an effect is another one where `factor` is another. The interval joins those of the two
 * effects (MOVER, Zou and Donner 2008), on the logarithm for ratios; it takes them as independent.
 * p is the normal one that belongs to this interval.
 */
export function contrast(first: Arm, second: Arm, factor: string): Contrast {
  const names = varying(first.factors, second.factors);
  if (!names.includes(factor)) {
    return { status: 'untested', factor, reason: `${factor} is the same in both` };
  }
  const by = names.filter((name) => name !== factor);
  if (by.length > 0) return { status: 'confounded', factor, by };
  const [a, b] = [first.effect, second.effect];
  if (a.unit !== b.unit) {
    return { status: 'untested', factor, reason: 'one effect is a ratio, one a difference' };
  }
  const log = a.unit === 'ratio';
  const [from, to] = [estimate(a, log), estimate(b, log)];
  if (!from || !to) return { status: 'untested', factor, reason: 'an effect has no interval' };
  const value = to.value - from.value;
  const low = value - Math.hypot(to.value - to.low, from.high - from.value);
  const high = value + Math.hypot(to.high - to.value, from.value - from.low);
  // Of the two half widths, the one towards no difference decides.
  const half = value > 0 ? value - low : high - value;
  const p = value === 0 ? 1 : half === 0 ? 0 : twoSidedNormal((Z95 * Math.abs(value)) / half);
  const back = (x: number): number => (log ? Math.exp(x) : x);
  const verdict = low > 0 || high < 0 ? 'differs' : 'inconclusive';
  const ci95: Interval = [back(low), back(high)];
  return { status: 'tested', factor, value: back(value), ci95, p, verdict };
}

function estimate(
  { value, ci95 }: Comparison,
  log: boolean,
): { value: number; low: number; high: number } | null {
  if (value === null || ci95 === null) return null;
  const on = (x: number): number => (log ? Math.log(x) : x);
  const found = { value: on(value), low: on(ci95[0]), high: on(ci95[1]) };
  return Object.values(found).every(Number.isFinite) ? found : null;
}

/** `confounded by engine, machine`, or why nothing was tested; null where the effect was. */
export function cannotState(found: Contrast): string | null {
  if (found.status === 'confounded') return `confounded by ${found.by.join(', ')}`;
  return found.status === 'untested' ? found.reason : null;
}

/** A scheme chooses these: they vary with it and confound nothing. */
const OF_A_SCHEME = new Set(['scheme', 'activations']);

/**
 * "It saves memory but not time": both sides of one variant against one baseline. null where only
 * the scheme varies between the two runs; else what confounds the statement.
 */
export function schemeConfounders(runs: { variant: Manifest; baseline: Manifest }): string | null {
  const names = varying(factorsOf(runs.variant), factorsOf(runs.baseline));
  const by = names.filter((name) => !OF_A_SCHEME.has(name));
  return by.length > 0 ? `confounded by ${by.join(', ')}` : null;
}
