/** A command on weights as a recorded run: what it took, what was found, and its metrics. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { computeMetric, type MetricRequest } from '../analyze/formulas.ts';
import { groupSamples } from '../analyze/samples.ts';
import { canonicalSha256, sha256File } from '../record/canonical.ts';
import { AssayError, Cancelled } from '../record/errors.ts';
import { captureGit } from '../record/git.ts';
import type { Lab } from '../record/lab.ts';
import type { SampleRow } from '../record/rows.ts';
import { createRun, type RunWriter } from '../record/run-writer.ts';
import { readSamples } from '../record/sample-reader.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import type { Environment, Finding, Manifest, Metric } from '../record/schema.ts';
import { writeSeal } from '../record/seal.ts';

/** A checkpoint that is looked at: `files` are names in the directory `path`, or `path` itself. */
export interface Subject {
  readonly path: string;
  readonly files: readonly string[];
}

interface FileIdentity {
  readonly path: string;
  readonly bytes: number;
  readonly modified: string;
  /** null: not hashed. */
  readonly sha256: string | null;
}

export interface WeightsRunOptions {
  readonly lab: Lab;
  readonly verb: 'autopsy' | 'diff' | 'dequantize' | 'quantize' | 'repack';
  /** What is made of it; default `as stored`. */
  readonly scheme?: string;
  readonly subjects: readonly Subject[];
  readonly settings: Readonly<Record<string, unknown>>;
  /** False: the record names the files by size and time only. */
  readonly hash: boolean;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Environment;
  readonly metrics: readonly Pick<MetricRequest, 'name' | 'formula'>[];
}

export interface RecordedLook {
  readonly manifest: Manifest;
  readonly dir: string;
  readonly metrics: Readonly<Record<string, Metric>>;
}

export type AppendRows = (rows: readonly SampleRow[]) => void;

/**
 * Runs `look`, which appends rows, may leave files in the run's directory, and returns findings. If
 * it throws, the run is closed as failed (or cancelled) with the rows that it has, and the error
 * goes on.
 * @throws StorageError when the run cannot be written
 */
export async function recordLook(
  options: WeightsRunOptions,
  look: (append: AppendRows, dir: string) => Promise<readonly Finding[]>,
): Promise<RecordedLook> {
  const { lab, verb } = options;
  const subjects = await Promise.all(options.subjects.map((each) => identify(each, options.hash)));
  const config = { verb, subjects, settings: options.settings };
  const run = createRun(lab, {
    experiment: 'weights',
    cell: verb,
    measure: `weights-${verb}`,
    variant: {
      model: options.subjects.map(({ path }) => path).join(' '),
      scheme: options.scheme ?? 'as stored',
    },
    argv: [...options.argv],
    config,
    cellKey: canonicalSha256(config),
    resumedFrom: null,
    environment: options.environment,
    seeds: {},
    git: await captureGit(options.cwd),
  });
  const writer = new SampleWriter(run.samplesPath);
  let findings: readonly Finding[];
  try {
    findings = await look((rows) => writer.append(rows), run.dir);
    writer.sync();
  } catch (error) {
    writer.close();
    await run.close({ ...endOf(error), summary: null });
    writeSeal(lab);
    throw error;
  }
  writer.close();
  const metrics = metricsOf(run, options.metrics);
  const ended = { status: 'succeeded', reason: null } as const;
  const manifest = await run.close({ ...ended, summary: { metrics }, findings });
  writeSeal(lab);
  return { manifest, dir: run.dir, metrics };
}

function endOf(error: unknown): { status: 'failed' | 'cancelled'; reason: string } {
  const status = error instanceof Cancelled ? 'cancelled' : 'failed';
  const reason = error instanceof AssayError ? error.message : String(error);
  return { status, reason };
}

async function identify({ path, files }: Subject, hash: boolean) {
  const identities: FileIdentity[] = [];
  for (const name of files) {
    const full = name === path ? path : join(path, name);
    const { size, mtime } = statSync(full);
    const sha256 = hash ? await sha256File(full) : null;
    identities.push({ path: name, bytes: size, modified: mtime.toISOString(), sha256 });
  }
  return { path, files: identities };
}

/** From the rows as they are on disk, as everywhere. */
function metricsOf(run: RunWriter, requests: WeightsRunOptions['metrics']): Record<string, Metric> {
  const samples = groupSamples(readSamples(run.samplesPath).rows);
  return Object.fromEntries(
    requests.map(({ name, formula }) => [name, computeMetric({ formula, params: {} }, samples)]),
  );
}
