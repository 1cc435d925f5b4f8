/** Finding and reading runs. One torn or foreign directory never breaks a listing. */
import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, UsageError } from './errors.ts';
import { HEARTBEAT_FILE, isAlive, readHeartbeat } from './heartbeat.ts';
import type { Lab } from './lab.ts';
import { parseJson } from './parse-json.ts';
import { readRegular } from './regular-file.ts';
import { MANIFEST_FILE, SUMMARY_FILE } from './run-directory.ts';
import { SAMPLES_FILE } from './samples.ts';
import {
  type Heartbeat,
  type Manifest,
  manifestSchema,
  type Summary,
  summarySchema,
} from './schema.ts';

interface Found {
  readonly runId: string;
  /** Absolute. */
  readonly dir: string;
}
export interface ClosedRun extends Found {
  readonly kind: 'closed';
  readonly manifest: Manifest;
  /** The JSON of manifest.json as it stands, unknown members included: what the digest covers. */
  readonly raw: Readonly<Record<string, unknown>>;
}
export interface UnfinishedRun extends Found {
  readonly kind: 'unfinished';
  readonly manifest: Manifest;
  /** True while its supervisor lives; false: it was killed, and nothing will finish this run. */
  readonly alive: boolean;
  readonly heartbeat: Heartbeat | null;
}
export interface UnreadableRun extends Found {
  readonly kind: 'unreadable';
  readonly problem: string;
}
export type RunEntry = ClosedRun | UnfinishedRun | UnreadableRun;

export interface LoadedRun {
  readonly runId: string;
  readonly dir: string;
  readonly manifest: Manifest;
  readonly entry: ClosedRun | UnfinishedRun;
  /** null: the run has no results_summary.json. */
  readonly summary: Summary | null;
  readonly samplesPath: string;
}

/** All runs of a lab, sorted by runId (so by time within a cell). Never throws for a bad run. */
export function listRuns(lab: Lab): RunEntry[] {
  return directories(lab.runsDir).flatMap((experiment) => listRunsIn(lab, experiment));
}

/** As `listRuns`, those below one directory of `runs/`. */
export function listRunsIn(lab: Lab, experiment: string): RunEntry[] {
  return directories(join(lab.runsDir, experiment)).flatMap((cell) =>
    directories(join(lab.runsDir, experiment, cell)).map((attempt) =>
      readRun(lab, `${experiment}/${cell}/${attempt}`),
    ),
  );
}

/**
 * One run with its summary. `runId` may also be the attempt alone, or its end, if only one run has
 * it. Throws UsageError when there is no such run, FormatError when it cannot be read.
 */
export function loadRun(lab: Lab, runId: string): LoadedRun {
  return loadEntry(readRun(lab, resolveRunId(lab, runId)));
}

/** A listed run with its summary. Throws FormatError when one of the two cannot be read. */
export function loadEntry(entry: RunEntry): LoadedRun {
  if (entry.kind === 'unreadable') {
    throw new FormatError(`${join(entry.dir, MANIFEST_FILE)}: ${entry.problem}`, {
      hint: 'The run was damaged, or something else made the directory: restore or remove it.',
      details: { path: entry.dir },
    });
  }
  return {
    runId: entry.runId,
    dir: entry.dir,
    manifest: entry.manifest,
    entry,
    summary: readSummary(join(entry.dir, SUMMARY_FILE)),
    samplesPath: join(entry.dir, SAMPLES_FILE),
  };
}

/** One run by its full id; what is wrong with it is in the answer. */
export function readRun(lab: Lab, runId: string): RunEntry {
  const dir = join(lab.runsDir, runId);
  const found = { runId, dir };
  // Looked at before the manifest: a writer removes its heartbeat only after the final manifest.
  const heartbeatPath = join(dir, HEARTBEAT_FILE);
  const heartbeat = existsSync(heartbeatPath) ? readHeartbeat(heartbeatPath) : null;
  const alive = heartbeat !== null && isAlive(heartbeatPath);
  const manifestPath = join(dir, MANIFEST_FILE);
  if (!existsSync(manifestPath)) {
    return { kind: 'unreadable', ...found, problem: 'no manifest.json' };
  }
  let raw: unknown;
  try {
    raw = parseJson(readRegular(manifestPath).toString('utf8'));
  } catch (error) {
    const { message } = error as Error;
    const problem =
      error instanceof SyntaxError ? `${MANIFEST_FILE} is not JSON: ${message}` : message;
    return { kind: 'unreadable', ...found, problem };
  }
  const parsed = manifestSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const problem = `not a manifest: ${issue?.path.join('.') || '(file)'}: ${issue?.message}`;
    return { kind: 'unreadable', ...found, problem };
  }
  const manifest = parsed.data;
  if (manifest.runId !== runId) {
    const problem = `the manifest is that of ${manifest.runId}: the directory was moved or copied`;
    return { kind: 'unreadable', ...found, problem };
  }
  if (manifest.status !== 'running') {
    return { kind: 'closed', ...found, manifest, raw: raw as Record<string, unknown> };
  }
  return { kind: 'unfinished', ...found, manifest, alive, heartbeat };
}

function resolveRunId(lab: Lab, wanted: string): string {
  const parts = wanted
    .replace(/^runs\//, '')
    .replace(/\/$/, '')
    .split('/');
  const safe = parts.every((part) => part !== '' && !part.startsWith('.'));
  const whole = parts.join('/');
  if (safe && parts.length === 3 && existsSync(join(lab.runsDir, whole))) return whole;
  const fits = listRuns(lab)
    .map((entry) => entry.runId)
    .filter((id) => safe && id.endsWith(whole));
  const [only] = fits;
  if (only !== undefined && fits.length === 1) return only;
  if (fits.length > 1) {
    throw new UsageError(`"${wanted}" fits ${fits.length} runs: ${fits.slice(0, 5).join(', ')}`, {
      hint: 'Give more of the run id.',
    });
  }
  throw new UsageError(`no run "${wanted}" in ${lab.runsDir}`, {
    hint: 'See the runs of this lab with `assay runs ls`.',
    details: { runId: wanted, runsDir: lab.runsDir },
  });
}

function readSummary(path: string): Summary | null {
  if (!existsSync(path)) return null;
  const text = readRegular(path).toString('utf8');
  try {
    return summarySchema.parse(parseJson(text));
  } catch (cause) {
    throw new FormatError(`${path}: not a results summary: ${(cause as Error).message}`, {
      hint: 'The file was changed or damaged: restore it, or measure again.',
      details: { path },
      cause,
    });
  }
}

/** Sorted; names that start with a dot are ours (`.supervisors`) or foreign. */
function directories(path: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
}
