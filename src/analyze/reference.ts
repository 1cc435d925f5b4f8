/**
 * Where a printed number comes from, as data: enough to compute it again from run directories.
 * Reports write these beside every numeral; `verify` resolves and renders them again.
 */
import { canonicalJson } from '../record/canonical.ts';
import type { SampleRow } from '../record/rows.ts';
import type { Manifest, Metric, Summary } from '../record/schema.ts';
import { compareRuns } from './compare.ts';
import type { ComparedRuns, CompareParams, Comparison } from './comparison.ts';
import { coverageOf } from './coverage.ts';
import { type DecisionReference, describeDecision, resolveDecision } from './decision-reference.ts';
import {
  type DistributionReference,
  describeDistribution,
  resolveDistribution,
} from './distribution-reference.ts';
import { judgeFamily } from './family.ts';
import { computeMetric } from './formulas.ts';
import { groupSamples, type Samples } from './samples.ts';

export type MetricPart = 'value' | 'n' | 'units' | 'ci95.0' | 'ci95.1';

/** `pHolm` is adjusted for all tests of the document that it stands in: its family. */
export type ComparisonPart = MetricPart | 'p' | 'pHolm';

/** Enough to make a comparison again. */
export interface ComparisonId {
  readonly formula: string;
  readonly run: string;
  readonly baseline: string;
  readonly params: CompareParams;
}

export type NumberReference =
  | { from: 'metric'; run: string; metric: string; part: MetricPart }
  | { from: 'manifest'; run: string; path: string }
  | ({
      from: 'comparison';
      part: ComparisonPart;
      /** What a reader is told of it; absent: as it is. */
      as?: Transform;
    } & ComparisonId)
  | { from: 'coverage'; run: string; scheme: string; part: 'tensors' | 'parameterShare' }
  | { from: 'reduction' | 'ratio'; run: string; baseline: string; metric: string }
  | DistributionReference
  | DecisionReference;

/** 1 / x (how many times as fast), 1 − x (the share saved), x − 1 (the share added), −x (lost). */
export type Transform = 'inverse' | 'reduction' | 'increase' | 'loss';

/** A run as the resolver needs it: metrics are computed again from its rows, never read back. */
export interface ResolvableRun {
  readonly manifest: Manifest;
  readonly summary: Summary | null;
  rows(): readonly SampleRow[];
}

const grouped = new WeakMap<ResolvableRun, Samples>();

/** The rows of a run, grouped; kept as long as the run object is. */
export function samplesOf(run: ResolvableRun): Samples {
  const known = grouped.get(run);
  if (known) return known;
  const samples = groupSamples(run.rows());
  grouped.set(run, samples);
  return samples;
}

export type RunLookup = (runId: string) => ResolvableRun | undefined;

export function partOf(of: Metric | Comparison, part: MetricPart): number | null {
  switch (part) {
    case 'value':
    case 'n':
    case 'units':
      return of[part];
    case 'ci95.0':
      return of.ci95?.[0] ?? null;
    case 'ci95.1':
      return of.ci95?.[1] ?? null;
  }
}

const computed = new WeakMap<ResolvableRun, Map<string, Metric | Comparison>>();

/** A bootstrap takes milliseconds and a document cites one result many times: compute it once. */
function once<T extends Metric | Comparison>(run: ResolvableRun, key: string, make: () => T): T {
  const known = computed.get(run) ?? new Map<string, Metric | Comparison>();
  computed.set(run, known);
  const found = (known.get(key) as T | undefined) ?? make();
  known.set(key, found);
  return found;
}

function metricOf(run: ResolvableRun, name: string): Metric | undefined {
  const recorded = run.summary?.metrics[name];
  return recorded && once(run, name, () => computeMetric(recorded, samplesOf(run)));
}

function comparisonOf(id: ComparisonId, lookup: RunLookup): Comparison | null {
  const [run, baseline] = [lookup(id.run), lookup(id.baseline)];
  if (!run || !baseline) return null;
  const { formula, params } = id;
  const key = JSON.stringify([formula, id.baseline, params]);
  return once(run, key, () => compareRuns(formula, pairOf(run, baseline), params));
}

const judged = new WeakMap<readonly ComparisonId[], Map<string, Comparison>>();

const keyOf = ({ formula, run, baseline, params }: ComparisonId): string =>
  canonicalJson({ formula, run, baseline, params: { ...params } });

/**
 * The comparisons of a document as `judgeFamily` leaves them; once a document. Where a run is gone,
 * no adjusted p stands any more: it would be that of a smaller family.
 */
function judgedIn(family: readonly ComparisonId[], lookup: RunLookup): Map<string, Comparison> {
  const known = judged.get(family);
  if (known) return known;
  const found = family.flatMap((id) => {
    const comparison = comparisonOf(id, lookup);
    return comparison ? [{ key: keyOf(id), comparison }] : [];
  });
  const whole = found.length === family.length ? found : [];
  const all = judgeFamily(whole.map(({ comparison }) => comparison));
  const byKey = new Map(whole.map(({ key }, i) => [key, all[i] as Comparison]));
  judged.set(family, byKey);
  return byKey;
}

/**
 * null when the run, the metric or the field is not there (any more).
 * `family`: the comparisons of the document that the number stands in.
 */
export function resolveNumber(
  reference: NumberReference,
  lookup: RunLookup,
  family: readonly ComparisonId[] = [],
): number | null {
  const run = lookup(reference.run);
  if (!run) return null;
  switch (reference.from) {
    case 'metric': {
      const metric = metricOf(run, reference.metric);
      return metric ? partOf(metric, reference.part) : null;
    }
    case 'manifest':
      return fieldAt(run.manifest, reference.path);
    case 'coverage':
      return coverageOf(samplesOf(run), reference.scheme)[reference.part];
    case 'comparison': {
      const { part, as } = reference;
      if (part === 'pHolm') return judgedIn(family, lookup).get(keyOf(reference))?.pHolm ?? null;
      const comparison = comparisonOf(reference, lookup);
      if (!comparison) return null;
      return transformed(part === 'p' ? comparison.p : partOf(comparison, part), as);
    }
    case 'latency-quantile':
    case 'calibration':
      return resolveDistribution(reference, samplesOf(run));
    case 'ratio':
    case 'reduction': {
      const baseline = lookup(reference.baseline);
      const of = metricOf(run, reference.metric);
      const base = baseline && metricOf(baseline, reference.metric);
      const between = reference.from === 'ratio' ? ratioOf : reductionOf;
      return of && base ? between(of, base) : null;
    }
    default:
      return resolveDecision(reference, {
        metric(id, name) {
          const of = lookup(id);
          return (of && metricOf(of, name)?.value) ?? null;
        },
        gpuMemoryBytes: (id) => gpuMemoryBytes(lookup(id)?.manifest),
        resolve: (of) => resolveNumber(of, lookup),
      });
  }
}

/** Of all GPUs together; null where one does not say. */
export function gpuMemoryBytes(manifest: Manifest | undefined): number | null {
  const all = manifest?.environment.gpus.map((gpu) => gpu.memoryBytes) ?? [];
  const known = all.filter((bytes) => bytes !== null);
  return known.length > 0 && known.length === all.length ? known.reduce((a, b) => a + b) : null;
}

/** value / base; null where one is missing, the base is 0, or the units differ. */
export function ratioOf(of: Metric, base: Metric): number | null {
  if (of.value === null || base.value === null || base.value === 0) return null;
  return of.unit === base.unit ? of.value / base.value : null;
}

/** 1 − value / base; null as `ratioOf`. */
export function reductionOf(of: Metric, base: Metric): number | null {
  const ratio = ratioOf(of, base);
  return ratio === null ? null : 1 - ratio;
}

/** Two runs as comparisons take them. */
export function pairOf(run: ResolvableRun, baseline: ResolvableRun): ComparedRuns {
  return {
    variant: samplesOf(run),
    baseline: samplesOf(baseline),
    manifests: { variant: run.manifest, baseline: baseline.manifest },
  };
}

export function transformed(value: number | null, as: Transform | undefined): number | null {
  if (value === null) return null;
  switch (as) {
    case 'inverse':
      return 1 / value;
    case 'reduction':
      return 1 - value;
    case 'increase':
      return value - 1;
    case 'loss':
      return -value;
    default:
      return value;
  }
}

function fieldAt(manifest: Manifest, path: string): number | null {
  let value: unknown = manifest;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object') return null;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'number' ? value : null;
}

const AS = { is: '', inverse: '1 / ', reduction: '1 − ', increase: '−1 + ', loss: '− ' } as const;

/** How a reader is told where a number comes from. */
export function describeReference(reference: NumberReference): string {
  switch (reference.from) {
    case 'metric':
      return `${reference.metric}.${reference.part} of run ${reference.run}`;
    case 'manifest':
      return `${reference.path} of the manifest of run ${reference.run}`;
    case 'coverage':
      return `${reference.part} at ${reference.scheme} of the tensor rows of run ${reference.run}`;
    case 'comparison':
      return (
        `${AS[reference.as ?? 'is']}${reference.formula} (${reference.part}) ` +
        `of run ${reference.run} against ${reference.baseline}`
      );
    case 'reduction':
      return (
        `1 − ${reference.metric} of run ${reference.run} ` +
        `/ ${reference.metric} of run ${reference.baseline}`
      );
    case 'ratio':
      return `${reference.metric} of run ${reference.run} / that of run ${reference.baseline}`;
    case 'latency-quantile':
    case 'calibration':
      return describeDistribution(reference);
    default:
      return describeDecision(reference, describeReference);
  }
}
