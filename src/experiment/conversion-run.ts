/** A conversion of a whole checkpoint as a recorded run: write, verify, hash, give it its name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sha256File } from '../record/canonical.ts';
import type { SampleRow } from '../record/rows.ts';
import type { Finding } from '../record/schema.ts';
import {
  bytesOfTensor,
  type ConversionPlan,
  type ConversionStep,
} from '../weights/convert/conversion-plan.ts';
import { verifyCheckpoint } from '../weights/convert/verify-checkpoint.ts';
import {
  discard,
  publish,
  type Written,
  writeCheckpoint,
} from '../weights/convert/write-checkpoint.ts';
import type { LookedAt } from '../weights/looked-at.ts';
import { type RecordedLook, recordLook, type WeightsRunOptions } from './weights-run.ts';

export interface Conversion {
  readonly verb: 'dequantize' | 'quantize' | 'repack';
  readonly scheme: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly input: LookedAt;
  readonly plan: ConversionPlan;
  /** A directory that does not exist yet. */
  readonly out: string;
}

export interface ConversionOptions
  extends Pick<WeightsRunOptions, 'lab' | 'hash' | 'argv' | 'cwd' | 'environment'> {
  readonly verify: boolean;
  readonly signal: AbortSignal;
  readonly onTensor?: (file: string, tensor: string) => void;
}

export interface ConversionTimes {
  readonly convertMs: number;
  readonly fsyncMs: number;
  /** null: left out. */
  readonly verifyMs: number | null;
  readonly hashMs: number | null;
}

interface WrittenFile {
  readonly path: string;
  readonly sha256: string;
}

/** @throws what plan, write and verify throw; the run is then closed as failed or cancelled */
export async function recordConversion(
  conversion: Conversion,
  options: ConversionOptions,
): Promise<RecordedLook & { readonly times: ConversionTimes }> {
  const { input, plan, out, settings, verb, scheme } = conversion;
  const subjects = [{ path: input.path, files: input.files }];
  let times: ConversionTimes | null = null;
  const run = await recordLook(
    { ...options, verb, scheme, subjects, settings: { ...settings, out }, metrics: [] },
    async (append) => {
      append(stepsOf(plan).map(rowOf));
      const { signal, onTensor } = options;
      const written = await writeCheckpoint(
        plan,
        { from: input.path, out },
        { readAt: input.readAt, signal, ...(onTensor === undefined ? {} : { onTensor }) },
      );
      const finished = await finish(conversion, written, options);
      times = finished.times;
      return [timesFinding(finished.times), ...finished.files.map(fileFinding)];
    },
  );
  return { ...run, times: times as unknown as ConversionTimes };
}

async function finish(
  { plan, input, out }: Conversion,
  written: Written,
  { verify, hash }: ConversionOptions,
) {
  const { convertMs, fsyncMs } = written;
  try {
    const started = performance.now();
    if (verify) verifyCheckpoint(plan, written, input.readAt);
    const verified = performance.now();
    const files: WrittenFile[] = [];
    if (hash) {
      for (const path of readdirSync(written.dir).filter((name) => !name.startsWith('.'))) {
        files.push({ path, sha256: await sha256File(join(written.dir, path)) });
      }
    }
    const hashMs = hash ? performance.now() - verified : null;
    publish(written, out);
    return {
      files,
      times: { convertMs, fsyncMs, verifyMs: verify ? verified - started : null, hashMs },
    };
  } catch (error) {
    discard(written);
    throw error;
  }
}

export const stepsOf = ({ files }: ConversionPlan): ConversionStep[] =>
  files.flatMap(({ steps }) => steps);

export const bytesOfStep = ({ outputs }: ConversionStep): number =>
  outputs.reduce((sum, output) => sum + bytesOfTensor(output), 0);

export function rowOf(step: ConversionStep): SampleRow {
  const { tensor, scheme, group, reason } = step;
  const { name, shape } = tensor;
  const bytes = bytesOfStep(step);
  return { kind: 'tensor', name, shape: [...shape], scheme, group, bytes, reason };
}

const seconds = (ms: number | null): string =>
  ms === null ? 'skipped' : `${(ms / 1_000).toFixed(3)} s`;

export function timesText({ convertMs, fsyncMs, verifyMs, hashMs }: ConversionTimes): string {
  return [
    `conversion ${seconds(convertMs)}`,
    `flush ${seconds(fsyncMs)}`,
    `verification ${seconds(verifyMs)}`,
    `hashing ${seconds(hashMs)}`,
  ].join(', ');
}

function timesFinding(times: ConversionTimes): Finding {
  const evidence = { ...times };
  return { code: 'conversion-times', severity: 'info', message: timesText(times), evidence };
}

const WRITTEN_FILE = 'written-file';

function fileFinding({ path, sha256 }: WrittenFile): Finding {
  const message = `${path} was written with SHA-256 ${sha256}`;
  return { code: WRITTEN_FILE, severity: 'info', message, place: path, evidence: { sha256 } };
}

/** What a recorded conversion says that it wrote: names and SHA-256. */
export function writtenFiles(findings: readonly Finding[]): WrittenFile[] {
  return findings.flatMap(({ code, place = '', evidence }) =>
    code === WRITTEN_FILE ? [{ path: place, sha256: String(evidence?.sha256) }] : [],
  );
}
