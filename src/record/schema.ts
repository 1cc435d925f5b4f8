/**
 * What a run directory holds, as versioned zod schemas. These files are the truth: everything
 * else (tables, reports, indexes) is derived from them and can be thrown away.
 *
 *   runs/<experiment>/<cell>/<attempt>/
 *     manifest.json  results_summary.json  samples.jsonl  run.log  run.err
 *     heartbeat.json (only while it runs)
 */
import { z } from 'zod';

export const MANIFEST_SCHEMA = 'assay.manifest/1';
export const SUMMARY_SCHEMA = 'assay.summary/1';
export const SEAL_SCHEMA = 'assay.seal/1';

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const isoTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

/** Something that a check has to say: severity, place, arithmetic, evidence. */
export const findingSchema = z.object({
  /** Stable kebab-case name, e.g. `degenerate-corpus`. */
  code: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  place: z.string().optional(),
  evidence: z.record(z.string(), z.unknown()).optional(),
});
export type Finding = z.infer<typeof findingSchema>;

export const fileEntrySchema = z.object({
  /** Relative to the run directory, forward slashes. */
  path: z.string(),
  role: z.enum(['summary', 'samples', 'log', 'error-log', 'other']),
  bytes: count,
  sha256,
});
export type FileEntry = z.infer<typeof fileEntrySchema>;

export const modelIdentitySchema = z.object({
  /** As the user named it: a path relative to the lab, a hub id, `builtin:…`, `dummy:…`. */
  id: z.string(),
  source: z.enum(['directory', 'hub', 'builtin', 'dummy']),
  revision: z.string().nullable(),
  architecture: z.string(),
  parameters: count,
  /** dtype of the checkpoint's weights, e.g. BF16. */
  storedDtype: z.string(),
  /** True for `dummy:` models: random weights, quality figures mean nothing. */
  dummyWeights: z.boolean(),
  configSha256: sha256,
  files: z.array(z.object({ path: z.string(), bytes: count, sha256 })),
});
export type ModelIdentity = z.infer<typeof modelIdentitySchema>;

/** A node of a graph that the device's provider left to the CPU. */
export const fallbackNodeSchema = z.object({ graph: z.string(), node: z.string(), op: z.string() });
export type FallbackNode = z.infer<typeof fallbackNodeSchema>;

export const engineInfoSchema = z.object({
  name: z.string(),
  version: z.string(),
  /** `cpu` or `webgpu`. */
  device: z.string(),
  threads: count,
  scheme: z.string(),
  /** What the matrices were multiplied in, e.g. `W4A8`, `W4A32`, `W32A32`. */
  precision: z.string(),
  activations: z.enum(['int8', 'f32']),
  /** Why speed and memory of this scheme are not those of real hardware support; null if real. */
  simulated: z.string().nullable(),
  /** On a GPU: nodes that ran on the CPU all the same, empty if none did. */
  fallback: z.array(fallbackNodeSchema).optional(),
});
export type EngineInfo = z.infer<typeof engineInfoSchema>;

export const environmentSchema = z.object({
  os: z.object({ platform: z.string(), release: z.string(), distribution: z.string().nullable() }),
  arch: z.string(),
  hostname: z.string(),
  cpu: z.object({ model: z.string(), logicalCores: count, flags: z.array(z.string()) }),
  memoryBytes: count,
  gpus: z.array(
    z.object({ name: z.string(), memoryBytes: count.nullable(), driver: z.string().nullable() }),
  ),
  cuda: z.string().nullable(),
  node: z.string(),
  assay: z.string(),
  packageLockSha256: sha256.nullable(),
  /** Values of the allow-listed environment variables that were set. */
  variables: z.record(z.string(), z.string()),
});
export type Environment = z.infer<typeof environmentSchema>;

export const runStatusSchema = z.enum(['running', 'succeeded', 'failed', 'cancelled', 'invalid']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const manifestSchema = z.object({
  schema: z.literal(MANIFEST_SCHEMA),
  /** `<experiment>/<cell>/<attempt>`: the directory's path under `runs/`. */
  runId: z.string(),
  experiment: z.string(),
  cell: z.string(),
  attempt: z.string(),
  /** What was measured: `eval`, `task`, … */
  measure: z.string(),
  variant: z.object({ model: z.string(), scheme: z.string() }),
  argv: z.array(z.string()),
  /** The cell's whole configuration, redacted. */
  config: z.record(z.string(), z.unknown()),
  /** SHA-256 of what decides the result: two runs with one cellKey measured the same thing. */
  cellKey: sha256,
  /** The attempt whose acknowledged samples this one took over. */
  resumedFrom: z.object({ runId: z.string(), rows: count }).nullable(),
  model: modelIdentitySchema.nullable(),
  engine: engineInfoSchema.nullable(),
  environment: environmentSchema,
  seeds: z.record(z.string(), z.number()),
  git: z.object({ sha: z.string(), dirty: z.boolean(), diffSha256: sha256.nullable() }).nullable(),
  startedAt: isoTime,
  /** startedAt plus monotonic elapsed time, so that a clock that steps cannot bend a duration. */
  endedAt: isoTime.nullable(),
  elapsedMs: z.number().nonnegative().nullable(),
  status: runStatusSchema,
  reason: z.string().nullable(),
  findings: z.array(findingSchema),
  files: z.array(fileEntrySchema),
  /** SHA-256 of the canonical JSON of all other fields; null while it runs. */
  digest: sha256.nullable(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** A derived number, with everything needed to derive it again. */
export const metricSchema = z.object({
  /** null: could not be computed; `reason` says why. */
  value: z.number().nullable(),
  unit: z.string(),
  /** How many things were averaged (tokens, items, …). */
  n: count,
  /** How many independent units were resampled for the interval. */
  units: count,
  /** What a unit is: `documents`, `windows`, `items`, `batches`. */
  unitOf: z.string(),
  ci95: z.tuple([z.number(), z.number()]).nullable(),
  /** Why `value` or `ci95` is null. */
  reason: z.string().optional(),
  /** Id in the formula registry, e.g. `eval.perplexity/1`. */
  formula: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  /** The file of this run that holds the rows. */
  samples: z.string(),
  /** Set when the figure is simulated or from dummy weights: says which and why. */
  simulated: z.string().optional(),
});
export type Metric = z.infer<typeof metricSchema>;

export const summarySchema = z.object({
  schema: z.literal(SUMMARY_SCHEMA),
  runId: z.string(),
  metrics: z.record(z.string(), metricSchema),
});
export type Summary = z.infer<typeof summarySchema>;

export const sealSchema = z.object({
  schema: z.literal(SEAL_SCHEMA),
  sealedAt: isoTime,
  /** Sorted by runId. */
  runs: z.array(z.object({ runId: z.string(), digest: sha256 })),
  /** The seals that no earlier seal names as a parent: file name and SHA-256 of its bytes. */
  parents: z.array(z.object({ file: z.string(), sha256 })),
});
export type Seal = z.infer<typeof sealSchema>;

export const heartbeatSchema = z.object({
  pid: count,
  host: z.string(),
  /** Start time of the process in clock ticks since boot (Linux), so that a reused pid differs. */
  processStart: z.string().nullable(),
  experiment: z.string(),
  at: isoTime,
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
