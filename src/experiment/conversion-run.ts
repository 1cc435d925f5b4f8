/** A conversion of a whole checkpoint as a recorded run: write, verify, hash, give it its name. */
import type { SampleRow } from '../record/rows.ts';
import type { Finding } from '../record/schema.ts';
import {
  bytesOfTensor,
  type ConversionPlan,
  type ConversionStep,
} from '../weights/convert/conversion-plan.ts';
import {
  type CheckpointConversion,
  type Converted,
  type ConvertOptions,
  convertCheckpoint,
} from '../weights/convert/convert-checkpoint.ts';
import type { ConversionTimes } from '../weights/convert/write-checkpoint.ts';
import { type RecordedLook, recordLook, type WeightsRunOptions } from './weights-run.ts';

export interface Conversion extends CheckpointConversion {
  readonly verb: 'dequantize' | 'quantize' | 'repack';
  readonly scheme: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export type ConversionOptions = Pick<WeightsRunOptions, 'lab' | 'argv' | 'cwd' | 'environment'> &
  ConvertOptions;

/** @throws what plan and conversion throw; the run is then closed as failed or cancelled */
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
      const converted = await convertCheckpoint(conversion, options);
      times = converted.times;
      return findingsOf(converted);
    },
  );
  return { ...run, times: times as unknown as ConversionTimes };
}

function findingsOf({ times, files, resumed }: Converted): Finding[] {
  const findings = [timesFinding(times)];
  if (resumed.length > 0) findings.push(resumedFinding(resumed));
  return [...findings, ...files.flatMap(fileFinding)];
}

function resumedFinding(resumed: readonly string[]): Finding {
  const message = `an interrupted conversion had written ${resumed.join(', ')}`;
  return { code: 'conversion-resumed', severity: 'info', message, evidence: { files: resumed } };
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

export function timesText(times: ConversionTimes): string {
  const { convertMs, fsyncMs, verifyMs, hashMs, finishMs } = times;
  return [
    `conversion ${seconds(convertMs)}`,
    `then at the same time, in ${seconds(finishMs)}: flush ${seconds(fsyncMs)}`,
    `verification ${seconds(verifyMs)}`,
    `hashing ${seconds(hashMs)}`,
  ].join(', ');
}

function timesFinding(times: ConversionTimes): Finding {
  const evidence = { ...times };
  return { code: 'conversion-times', severity: 'info', message: timesText(times), evidence };
}

const WRITTEN_FILE = 'written-file';

function fileFinding({ path, sha256 }: Converted['files'][number]): Finding[] {
  if (sha256 === null) return [];
  const message = `${path} was written with SHA-256 ${sha256}`;
  return [{ code: WRITTEN_FILE, severity: 'info', message, place: path, evidence: { sha256 } }];
}

/** What a recorded conversion says that it wrote: names and SHA-256. */
export function writtenFiles(findings: readonly Finding[]): { path: string; sha256: string }[] {
  return findings.flatMap(({ code, place = '', evidence }) =>
    code === WRITTEN_FILE ? [{ path: place, sha256: String(evidence?.sha256) }] : [],
  );
}
