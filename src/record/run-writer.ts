/** The supervisor's side of a run directory: opened before the worker starts, closed after it. */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, writeJsonAtomic } from './atomic.ts';
import { sha256File } from './canonical.ts';
import { HEARTBEAT_FILE, processStart, startBeating } from './heartbeat.ts';
import type { Lab } from './lab.ts';
import {
  finalManifest,
  firstManifest,
  manifestDigest,
  type RunFields,
  type RunOutcome,
} from './manifest.ts';
import { compactTime, type ProcessState, processState, randomName } from './process-state.ts';
import { redactStrings, redactText, type Secrets, secretsOf } from './redact.ts';
import {
  directoryName,
  ERROR_LOG_FILE,
  isOwnFile,
  LOG_FILE,
  MANIFEST_FILE,
  roleOf,
  SUMMARY_FILE,
} from './run-directory.ts';
import { SAMPLES_FILE } from './samples.ts';
import {
  type FileEntry,
  type Manifest,
  manifestSchema,
  SUMMARY_SCHEMA,
  type Summary,
  summarySchema,
} from './schema.ts';
import { storageError } from './storage-error.ts';

export interface RunWriter {
  readonly runId: string;
  /** Absolute path of the run directory. */
  readonly dir: string;
  /** For the worker. */
  readonly samplesPath: string;
  readonly logPath: string;
  readonly errorLogPath: string;
  /** What the log streams must hide: hand it to `redactingLineFilter`. */
  readonly secrets: Secrets;
  /** The manifest as it was last written. */
  readonly manifest: Manifest;
  /**
   * Writes the summary, hashes every file, writes the final manifest, ends the heartbeat. Close the
   * log streams first. After a StorageError it may be called again; otherwise only once.
   */
  close(outcome: RunOutcome): Promise<Manifest>;
}

const NAME_ATTEMPTS = 20;

/**
 * Makes `runs/<experiment>/<cell>/<attempt>/` with a manifest that says `running`, and starts the
 * heartbeat. Throws StorageError.
 */
export function createRun(
  lab: Lab,
  fields: RunFields,
  state: ProcessState = processState(),
): RunWriter {
  const secrets = secretsOf(state.env, fields.argv);
  const startedAt = state.clock.now();
  const startedMs = state.clock.monotonicMs();
  const { runId, dir } = makeRunDirectory(lab, fields, { state, secrets, startedAt });
  let manifest = firstManifest(fields, { runId, startedAt, secrets });
  const manifestPath = join(dir, MANIFEST_FILE);
  const heartbeatPath = join(dir, HEARTBEAT_FILE);
  const beat = startBeating(heartbeatPath, () => ({
    pid: state.pid,
    host: state.hostname,
    processStart: processStart(state.pid),
    experiment: manifest.experiment,
    at: state.clock.now().toISOString(),
  }));
  // After the first heartbeat: whoever sees a running manifest also sees that we live.
  writeJsonAtomic(manifestPath, manifest);
  let closed = false;

  async function close(outcome: RunOutcome): Promise<Manifest> {
    if (closed) throw new Error(`${runId} is closed already`);
    const elapsedMs = state.clock.monotonicMs() - startedMs;
    const wallNow = state.clock.now();
    beat.stop();
    try {
      if (outcome.summary !== null)
        writeSummary(dir, runId, redactStrings(outcome.summary, secrets));
      const times = { elapsedMs, wallNow, missedBeats: beat.failures };
      const final = finalManifest(manifest, outcome, { secrets, ...times });
      final.files = await hashFiles(dir);
      final.digest = manifestDigest(final);
      writeJsonAtomic(manifestPath, manifestSchema.parse(final));
      manifest = final;
      closed = true;
      return final;
    } finally {
      // Also when closing failed: nobody is at work here any more, the run is unfinished.
      rmSync(heartbeatPath, { force: true });
    }
  }

  return {
    runId,
    dir,
    samplesPath: join(dir, SAMPLES_FILE),
    logPath: join(dir, LOG_FILE),
    errorLogPath: join(dir, ERROR_LOG_FILE),
    secrets,
    get manifest() {
      return manifest;
    },
    close,
  };
}

function makeRunDirectory(
  lab: Lab,
  fields: RunFields,
  context: { state: ProcessState; secrets: Secrets; startedAt: Date },
): { runId: string; dir: string } {
  const { state, secrets } = context;
  const experiment = directoryName(redactText(fields.experiment, secrets));
  const cell = directoryName(redactText(fields.cell, secrets));
  const parent = join(lab.runsDir, experiment, cell);
  const restart = state.env.SLURM_RESTART_COUNT;
  const suffix = restart !== undefined && /^\d{1,6}$/.test(restart) ? `-r${restart}` : '';
  makeDirectory(parent);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const name = `${compactTime(context.startedAt)}-${randomName(state.random, 6)}${suffix}`;
      const dir = join(parent, name);
      try {
        mkdirSync(dir);
        return { runId: `${experiment}/${cell}/${name}`, dir };
      } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
        if (!taken || attempt === NAME_ATTEMPTS) throw error;
      }
    }
  } catch (cause) {
    throw storageError({ doing: 'create', path: parent, cause });
  }
}

function writeSummary(dir: string, runId: string, summary: Pick<Summary, 'metrics'>): void {
  const content = { schema: SUMMARY_SCHEMA, runId, metrics: summary.metrics };
  writeJsonAtomic(join(dir, SUMMARY_FILE), summarySchema.parse(content));
}

/** Every file of the run but its manifest and heartbeat, sorted by path. */
async function hashFiles(dir: string): Promise<FileEntry[]> {
  const names = readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !isOwnFile(path))
    .sort();
  const files: FileEntry[] = [];
  for (const path of names) {
    const absolute = join(dir, path);
    const sha256 = await sha256File(absolute);
    files.push({ path, role: roleOf(path), bytes: statSync(absolute).size, sha256 });
  }
  return files;
}
