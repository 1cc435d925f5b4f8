/** How a manifest begins and how it ends; no files are touched here. */
import { canonicalSha256 } from './canonical.ts';
import { redactArgv, redactDeep, redactStrings, redactText, type Secrets } from './redact.ts';
import {
  type EngineInfo,
  type Finding,
  MANIFEST_SCHEMA,
  type Manifest,
  type ModelIdentity,
  manifestSchema,
  type RunStatus,
  type Summary,
} from './schema.ts';

/** What is known when a run starts. Redacted here: the caller hands over what it has. */
export interface RunFields
  extends Pick<
    Manifest,
    | 'experiment'
    | 'cell'
    | 'measure'
    | 'variant'
    | 'argv'
    | 'config'
    | 'cellKey'
    | 'resumedFrom'
    | 'environment'
    | 'seeds'
    | 'git'
  > {
  /** Mostly known only when the worker has loaded it: may be given at the end instead. */
  model?: ModelIdentity | null;
  engine?: EngineInfo | null;
  findings?: readonly Finding[];
}

export interface RunOutcome {
  status: Exclude<RunStatus, 'running'>;
  /** Why it is not `succeeded`; null when it is. */
  reason: string | null;
  /** null: no metrics could be computed, and no results_summary.json is written. */
  summary: Pick<Summary, 'metrics'> | null;
  findings?: readonly Finding[];
  model?: ModelIdentity | null;
  engine?: EngineInfo | null;
  resumedFrom?: Manifest['resumedFrom'];
}

const CLOCK_TOLERANCE_MS = 1000;

/** SHA-256 of the canonical JSON of a manifest without its digest. */
export function manifestDigest(manifest: Readonly<Record<string, unknown>>): string {
  const { digest: _, ...rest } = manifest;
  return canonicalSha256(rest);
}

/** The manifest of a run that starts. Throws ZodError when the caller's fields are not valid. */
export function firstManifest(
  fields: RunFields,
  context: { runId: string; startedAt: Date; secrets: Secrets },
): Manifest {
  const { runId, secrets } = context;
  const [experiment = '', cell = '', attempt = ''] = runId.split('/');
  return manifestSchema.parse({
    schema: MANIFEST_SCHEMA,
    runId,
    experiment,
    cell,
    attempt,
    measure: redactText(fields.measure, secrets),
    variant: redactDeep(fields.variant, secrets),
    argv: redactArgv(fields.argv, secrets),
    config: redactDeep(fields.config, secrets),
    cellKey: fields.cellKey,
    resumedFrom: fields.resumedFrom,
    model: redactDeep(fields.model ?? null, secrets),
    engine: redactDeep(fields.engine ?? null, secrets),
    environment: redactDeep(fields.environment, secrets),
    seeds: fields.seeds,
    git: fields.git,
    startedAt: context.startedAt.toISOString(),
    endedAt: null,
    elapsedMs: null,
    status: 'running',
    reason: null,
    findings: redactStrings([...(fields.findings ?? [])], secrets),
    files: [],
    digest: null,
  });
}

/** What the outcome adds; `files` and `digest` are still those of the running manifest. */
export function finalManifest(
  running: Manifest,
  outcome: RunOutcome,
  context: { secrets: Secrets; elapsedMs: number; wallNow: Date; missedBeats: number },
): Manifest {
  const { secrets, elapsedMs } = context;
  const findings = [
    ...(outcome.findings ?? []),
    ...clockFindings(running.startedAt, context),
    ...heartbeatFindings(context.missedBeats),
  ];
  return {
    ...running,
    model: outcome.model === undefined ? running.model : redactDeep(outcome.model, secrets),
    engine: outcome.engine === undefined ? running.engine : redactDeep(outcome.engine, secrets),
    resumedFrom: outcome.resumedFrom === undefined ? running.resumedFrom : outcome.resumedFrom,
    endedAt: new Date(Date.parse(running.startedAt) + elapsedMs).toISOString(),
    elapsedMs,
    status: outcome.status,
    reason: outcome.reason === null ? null : redactText(outcome.reason, secrets),
    findings: [...running.findings, ...redactStrings(findings, secrets)],
  };
}

/** What to say when the wall clock tells another story than the monotonic one. */
function clockFindings(startedAt: string, end: { elapsedMs: number; wallNow: Date }): Finding[] {
  const wallMs = end.wallNow.getTime() - Date.parse(startedAt);
  if (Math.abs(wallMs - end.elapsedMs) <= CLOCK_TOLERANCE_MS) return [];
  const message =
    `the wall clock says that the run took ${wallMs} ms, the monotonic clock says ` +
    `${Math.round(end.elapsedMs)} ms; endedAt is startedAt plus the latter`;
  const evidence = { wallMs, elapsedMs: end.elapsedMs };
  return [{ code: 'clock-stepped', severity: 'warning', message, evidence }];
}

function heartbeatFindings(failures: number): Finding[] {
  if (failures === 0) return [];
  const message = `the heartbeat could not be written ${failures} times`;
  return [{ code: 'heartbeat-failed', severity: 'warning', message, evidence: { failures } }];
}
