/** What a report is about: the newest run of every cell of one experiment, and its comparisons. */
import { z } from 'zod';
import { compareRuns } from '../analyze/compare.ts';
import type { CompareParams, Comparison } from '../analyze/comparison.ts';
import { judgeFamily } from '../analyze/family.ts';
import { type ComparisonId, pairOf, type ResolvableRun, samplesOf } from '../analyze/reference.ts';
import { FormatError } from '../record/errors.ts';
import type { Manifest, RunStatus } from '../record/schema.ts';
import {
  divergenceId,
  isTrace,
  type RoutingComparison,
  routingComparisons,
} from './collect-routing.ts';
import {
  batchSizeOf,
  isMeasured,
  latencyId,
  type SpeedComparison,
  speedComparisons,
} from './collect-speed.ts';
import { decisionSettings } from './decision-settings.ts';

/** The part of a manifest's `config` that a report reads. */
const configSchema = z.object({
  experiment: z.object({
    name: z.string(),
    title: z.string().optional(),
    researcher: z.string().optional(),
    objective: z.string().optional(),
    models: z.array(z.string()),
    schemes: z.array(z.string()),
    /** Models that take part in less than everything. */
    selections: z
      .array(z.object({ model: z.string(), schemes: z.array(z.string()).optional() }))
      .optional(),
    baseline: z.string(),
    seed: z.number(),
    margins: z.object({
      perplexity: z.number(),
      accuracy: z.number(),
      latency: z.number().optional(),
    }),
    ...decisionSettings,
  }),
  measure: z.object({ kind: z.string() }).catchall(z.unknown()),
});
export type RunConfig = z.infer<typeof configSchema>;

const checkpointSchema = z.object({
  path: z.string(),
  run: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** The checkpoint that the weights were read from; null where they were quantized in memory. */
export function checkpointOf({ config }: Manifest): z.infer<typeof checkpointSchema> | null {
  return checkpointSchema.safeParse(config.checkpoint).data ?? null;
}

/** null for a run that no report can read: of another program, or of an early version. */
export function configOf(manifest: Manifest): RunConfig | null {
  return configSchema.safeParse(manifest.config).data ?? null;
}

export interface CellReport {
  readonly model: string;
  readonly scheme: string;
  readonly measure: string;
  /** The newest attempt that succeeded, else the newest; null: nothing ran yet. */
  readonly run: ResolvableRun | null;
  readonly status: RunStatus | 'pending' | 'unfinished';
  readonly attempts: number;
}

export interface ComparisonReport {
  readonly model: string;
  readonly scheme: string;
  readonly measure: string;
  readonly formula: string;
  /** The run whose configuration gave the margin: the newest of the experiment. */
  readonly configured: ResolvableRun;
  readonly run: string;
  readonly baseline: string;
  readonly params: CompareParams;
  readonly result: Comparison;
}

export interface ExperimentReport {
  readonly name: string;
  readonly config: RunConfig['experiment'];
  /** Model × scheme × measure, in the order of the experiment file. */
  readonly cells: readonly CellReport[];
  readonly measures: readonly string[];
  /** Quality against the baseline. */
  readonly comparisons: readonly ComparisonReport[];
  /** Speed and texts against the model's speed baseline. */
  readonly speed: readonly SpeedComparison[];
  /** Choices of experts against the baseline. */
  readonly routing: readonly RoutingComparison[];
  /** All comparisons whose verdicts were found together. */
  readonly family: readonly ComparisonId[];
}

/** Before experiment files could give one. */
export const LATENCY_MARGIN = 0.05;

interface Configured {
  readonly run: ResolvableRun;
  readonly config: RunConfig;
}

function configuredRuns(runs: readonly ResolvableRun[]): Configured[] {
  return runs.flatMap((run) => {
    const config = configOf(run.manifest);
    return config ? [{ run, config }] : [];
  });
}

function newestOf(name: string, known: readonly Configured[]): Configured {
  const newest = known.toSorted((a, b) => byStart(b.run, a.run))[0];
  if (newest) return newest;
  throw new FormatError(`no readable run of experiment ${name}`, {
    hint: '`assay runs ls` shows what is there; `assay run EXPERIMENT.yaml` measures',
  });
}

/** What the newest run was configured with. Throws FormatError where there is no readable run. */
export function recordedConfig(
  name: string,
  runs: readonly ResolvableRun[],
): RunConfig['experiment'] {
  return newestOf(name, configuredRuns(runs)).config.experiment;
}

/** What is decided after the runs: another baseline, other limits and prices. */
export type Overrides = Partial<Pick<RunConfig['experiment'], 'baseline' | 'choose' | 'cost'>>;

/** Throws FormatError when there is no readable run of the experiment. */
export function collectExperiment(
  name: string,
  runs: readonly ResolvableRun[],
  overrides: Overrides = {},
): ExperimentReport {
  const known = configuredRuns(runs);
  const newest = newestOf(name, known);
  const config = { ...newest.config.experiment, ...overrides };
  const measures = measuresOf(known.map(({ run }) => run));
  const cells = matrix(
    config,
    known.map(({ run }) => run),
  ).flatMap(({ model, scheme }) =>
    measures
      .filter((measure) => isMeasureOf({ model, measure }, known))
      .map((measure) => cellOf({ model, scheme, measure }, runs)),
  );
  const { latency } = config.margins;
  const speed = speedComparisons(cells, {
    baseline: config.baseline,
    seed: config.seed,
    margin: latency ?? LATENCY_MARGIN,
    configured: latency === undefined ? null : newest.run,
  });
  const routing = routingComparisons(cells, config);
  const quality = comparisonsOf(newest.run, config, cells);
  return { name, config, cells, measures, ...judgedTogether({ quality, speed, routing }) };
}

/** Every test of the experiment is one of a family: quality, speed and routing alike. */
function judgedTogether(of: {
  quality: readonly ComparisonReport[];
  speed: readonly SpeedComparison[];
  routing: readonly RoutingComparison[];
}): Pick<ExperimentReport, 'comparisons' | 'speed' | 'routing' | 'family'> {
  const { quality: comparisons, speed, routing } = of;
  const results = [
    ...comparisons.map((each) => each.result),
    ...speed.map((each) => each.latency),
    ...routing.map((each) => each.divergence),
  ];
  const judged = judgeFamily(results);
  const rest = judged.slice(comparisons.length);
  const routed = rest.slice(speed.length);
  return {
    comparisons: comparisons.map((each, i) => ({ ...each, result: judged[i] as Comparison })),
    speed: speed.map((each, i) => ({ ...each, latency: rest[i] as Comparison })),
    routing: routing.map((each, i) => ({ ...each, divergence: routed[i] as Comparison })),
    family: [
      ...comparisons.map(({ formula, run, baseline, params }) => {
        return { formula, run, baseline, params };
      }),
      ...speed.map(latencyId),
      ...routing.map(divergenceId),
    ],
  };
}

/** What is scored first, then benchmarks from the smallest batch size to the largest. */
function measuresOf(runs: readonly ResolvableRun[]): string[] {
  const sizes = new Map(
    runs.map((run) => {
      const { measure } = run.manifest;
      return [measure, batchSizeOf({ measure, run }) ?? 0] as const;
    }),
  );
  return [...sizes.keys()].toSorted((a, b) => Number(sizes.get(a)) - Number(sizes.get(b)));
}

/** A model of random weights is not asked how well it writes: such a measure is not pending. */
function isMeasureOf(
  of: { model: string; measure: string },
  known: readonly { run: ResolvableRun }[],
): boolean {
  const own = known.filter(({ run }) => run.manifest.variant.model === of.model);
  return own.length === 0 || own.some(({ run }) => run.manifest.measure === of.measure);
}

/** The declared matrix, and whatever ran outside it under earlier versions of the file. */
function matrix(
  config: RunConfig['experiment'],
  runs: readonly ResolvableRun[],
): { model: string; scheme: string }[] {
  const points = config.models.flatMap((model) => {
    const selection = config.selections?.find((entry) => entry.model === model);
    return (selection?.schemes ?? config.schemes).map((scheme) => ({ model, scheme }));
  });
  for (const { manifest } of runs) {
    const { model, scheme } = manifest.variant;
    if (!points.some((p) => p.model === model && p.scheme === scheme)) {
      points.push({ model, scheme });
    }
  }
  return points;
}

function byStart(a: ResolvableRun, b: ResolvableRun): number {
  const [x, y] = [a.manifest, b.manifest];
  return x.startedAt < y.startedAt
    ? -1
    : x.startedAt > y.startedAt
      ? 1
      : x.runId < y.runId
        ? -1
        : 1;
}

function cellOf(
  of: { model: string; scheme: string; measure: string },
  runs: readonly ResolvableRun[],
): CellReport {
  const attempts = runs
    .filter(
      ({ manifest: m }) =>
        m.variant.model === of.model && m.variant.scheme === of.scheme && m.measure === of.measure,
    )
    .toSorted(byStart);
  const run =
    attempts.findLast((attempt) => attempt.manifest.status === 'succeeded') ??
    attempts.at(-1) ??
    null;
  const status = run?.manifest.status ?? 'pending';
  return {
    ...of,
    run,
    status: status === 'running' ? 'unfinished' : status,
    attempts: attempts.length,
  };
}

function comparisonsOf(
  configured: ResolvableRun,
  config: RunConfig['experiment'],
  cells: readonly CellReport[],
): ComparisonReport[] {
  return cells.flatMap((cell): ComparisonReport[] => {
    const base = cells.find(
      (other) =>
        other.model === cell.model &&
        other.measure === cell.measure &&
        other.scheme === config.baseline,
    );
    if (cell.scheme === config.baseline || batchSizeOf(cell) !== null || isTrace(cell)) return [];
    if (!isMeasured(cell) || !base || !isMeasured(base)) return [];
    const task = samplesOf(cell.run).items.length > 0;
    const formula = task ? 'compare.accuracy-difference/2' : 'compare.perplexity-ratio/2';
    const margin = task ? config.margins.accuracy : config.margins.perplexity;
    const params = { resamples: 2_000, seed: config.seed, margin };
    const { model, scheme, measure } = cell;
    const ids = { run: cell.run.manifest.runId, baseline: base.run.manifest.runId };
    const result = compareRuns(formula, pairOf(cell.run, base.run), params);
    return [{ model, scheme, measure, formula, configured, ...ids, params, result }];
  });
}
