/**
 * Imported numbers against each other. A ratio of two reported numbers is arithmetic; whether it
 * means anything, no sample shows: every comparison says `not-evidenced`.
 */
import { type ResolvableRun, ratioOf } from '../analyze/reference.ts';
import { IMPORT_MEASURE } from '../logs/results/imported.ts';
import type { Metric } from '../record/schema.ts';

export interface ImportedComparison {
  readonly run: ResolvableRun;
  readonly baseline: ResolvableRun;
  readonly metric: string;
  readonly unit: string;
  readonly ratio: number;
  readonly verdict: 'not-evidenced';
  /** Which side has no samples, and in what else the two differ. */
  readonly reason: string;
}

export interface ImportedReport {
  readonly runs: readonly ResolvableRun[];
  readonly comparisons: readonly ImportedComparison[];
  /** What stands against nothing, and why. */
  readonly apart: readonly string[];
}

/** These say which variant a number is of; all other settings say under what it was measured. */
const VARIANT_SETTINGS: ReadonlySet<string> = new Set(['method', 'flashAttention', 'backend']);

const FULL_PRECISION =
  /^(?:none|unquantized|fp32|f32|float32|fp16|f16|float16|half|bf16|bfloat16)$/i;

/** How much was done, not how well. */
const COUNTS: ReadonlySet<string> = new Set(['samples', 'requests', 'tokens', 'items']);

/** Batch 8 before batch 16. */
const ORDER = new Intl.Collator('en', { numeric: true });

export function isImported({ manifest }: ResolvableRun): boolean {
  return manifest.measure === IMPORT_MEASURE;
}

/**
 * The imports among `runs`. Without a named baseline, a model's numbers stand against its only
 * precision that is full, without further settings; of several none is chosen.
 */
export function importedReport(
  runs: readonly ResolvableRun[],
  baseline?: ResolvableRun,
): ImportedReport {
  const imported = runs
    .filter(isImported)
    .toSorted((a, b) => ORDER.compare(a.manifest.cell, b.manifest.cell));
  const apart: string[] = [];
  const comparisons = grouped(imported.filter(hasResult)).flatMap((group): ImportedComparison[] => {
    if (baseline && groupOf(baseline) !== groupOf(group[0] as ResolvableRun)) {
      const names = group.map(({ manifest }) => manifest.cell).join(', ');
      apart.push(`${names}: of another model or tool than the baseline`);
      return [];
    }
    const found = baseline ? variantOf(baseline) : onlyFullPrecision(group);
    if (typeof found === 'string') return within(group, { variant: found, apart });
    apart.push(found.reason);
    return [];
  });
  return { runs: imported, comparisons, apart };
}

/** Named runs against a named one, whatever they are of: what differs is said. */
export function namedComparisons(
  runs: readonly ResolvableRun[],
  baseline: ResolvableRun,
): ImportedReport {
  const apart: string[] = [];
  const others = runs.filter(({ manifest }) => manifest.runId !== baseline.manifest.runId);
  const comparisons = others.flatMap((run) => {
    const found = between(run, baseline);
    if (found.length === 0) apart.push(`${run.manifest.runId}: no metric of the baseline's`);
    return found;
  });
  return { runs: [baseline, ...others], comparisons, apart };
}

function within(
  group: readonly ResolvableRun[],
  { variant, apart }: { variant: string; apart: string[] },
): ImportedComparison[] {
  const bases = group.filter((run) => variantOf(run) === variant);
  return group.flatMap((run) => {
    if (variantOf(run) === variant) return [];
    const own = bases.filter((each) => conditionsOf(each) === conditionsOf(run));
    const [base] = own;
    if (base && own.length === 1) return between(run, base);
    const said = base ? `${own.length} imports of “${variant}”` : `no import of “${variant}”`;
    apart.push(`${run.manifest.cell}: ${said} under these conditions`);
    return [];
  });
}

function between(run: ResolvableRun, baseline: ResolvableRun): ImportedComparison[] {
  const bases = baseline.summary?.metrics ?? {};
  return Object.entries(run.summary?.metrics ?? {}).flatMap(([metric, of]) => {
    const base = bases[metric];
    const ratio = base && !COUNTS.has(of.unit) ? ratioOf(of, base) : null;
    if (!base || ratio === null) return [];
    const reason = [samplesOfBoth(of, base), ...differences(run, baseline)].join('; ');
    const { unit } = of;
    return [{ run, baseline, metric, unit, ratio, verdict: 'not-evidenced' as const, reason }];
  });
}

const BARE = 'import.reported/1';
const hasSamples = ({ formula }: Metric): boolean => formula !== BARE;

function samplesOfBoth(of: Metric, base: Metric): string {
  if (hasSamples(of) && hasSamples(base)) return 'how the imported samples depend is not known';
  if (hasSamples(of)) return 'the baseline has no samples';
  return hasSamples(base) ? 'no samples' : 'no samples on either side';
}

/** Beyond what a comparison is about. */
function differences(run: ResolvableRun, baseline: ResolvableRun): string[] {
  const [own, other] = [run, baseline].map(
    ({ manifest }) => new Map([['model', manifest.variant.model], ...conditions(manifest.config)]),
  ) as [Map<string, string>, Map<string, string>];
  return [...new Set([...own.keys(), ...other.keys()])].flatMap((key) => {
    const [value = 'unstated', base = 'unstated'] = [own.get(key), other.get(key)];
    return value === base ? [] : [`${key} ${value} against ${base}`];
  });
}

interface ImportedConfig {
  readonly tool?: string;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

function importedConfig(config: Readonly<Record<string, unknown>>): ImportedConfig {
  return Object(config.imported) as ImportedConfig;
}

function conditions(config: Readonly<Record<string, unknown>>): [string, string][] {
  const { tool = 'assay', settings = {} } = importedConfig(config);
  const under = Object.entries(settings).filter(([key]) => !VARIANT_SETTINGS.has(key));
  return [['tool', tool], ...under.map(([key, value]): [string, string] => [key, String(value)])];
}

const conditionsOf = ({ manifest }: ResolvableRun): string =>
  JSON.stringify(conditions(manifest.config).toSorted());

const groupOf = ({ manifest }: ResolvableRun): string =>
  JSON.stringify([manifest.variant.model, importedConfig(manifest.config).tool]);

/** `none`, `none, flashAttention true`. */
export function variantOf({ manifest }: ResolvableRun): string {
  const { settings = {} } = importedConfig(manifest.config);
  const own = Object.entries(settings).filter(([key]) => VARIANT_SETTINGS.has(key));
  return [manifest.variant.scheme, ...own.map(([key, value]) => `${key} ${value}`)].join(', ');
}

/** `batchSize 8`, in words; empty where a file states none. */
export function conditionWords({ manifest }: ResolvableRun): string {
  return conditions(manifest.config)
    .filter(([key]) => key !== 'tool')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

const hasResult = ({ manifest }: ResolvableRun): boolean => manifest.status === 'succeeded';

function onlyFullPrecision(group: readonly ResolvableRun[]): string | { reason: string } {
  const full = group.filter(({ manifest }) => FULL_PRECISION.test(manifest.variant.scheme));
  // `none` is the plain one of `none` and `none, flashAttention true`.
  const variants = [...new Set(full.map(variantOf))].toSorted((a, b) => a.length - b.length);
  const [first] = variants;
  if (first !== undefined && variants.every((each) => each.split(', ')[0] === first)) return first;
  const { model } = (group[0] as ResolvableRun).manifest.variant;
  if (first === undefined) return { reason: `${model}: no import in full precision to stand on` };
  const names = variants.map((each) => `“${each}”`).join(' and ');
  return { reason: `${model}: ${names} are both in full precision: --baseline RUN names one` };
}

function grouped(runs: readonly ResolvableRun[]): ResolvableRun[][] {
  const groups = new Map<string, ResolvableRun[]>();
  for (const run of runs) {
    const key = groupOf(run);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}
