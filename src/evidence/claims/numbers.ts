/** A subject as a number, with where it is from. */
import { join } from 'node:path';
import type { Evidence, LogFile } from '../../logs/log-index.ts';
import { findLab } from '../../record/lab.ts';
import { loadRun } from '../../record/run-reader.ts';
import { exactly, type Interval, roundingInterval } from '../audit/interval.ts';
import { quantitiesIn } from '../audit/quantity.ts';
import { compilePattern } from '../line-search.ts';
import { type LogEvidence, matchesIn, resolveGlob } from '../log-evidence.ts';
import type { Subject } from './spec.ts';

export interface SubjectNumber {
  readonly value: Interval;
  /** As a reader finds it. */
  readonly text: string;
  readonly evidence: readonly Evidence[];
}

export interface ClaimContext {
  readonly logs: LogEvidence;
  /** For runs and their metrics. */
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
}

/** Files of a subject in the order of the index: of its path or glob, and of its job. */
export function filesOf(subject: Subject, { logs }: ClaimContext): LogFile[] {
  const { file, job } = subject;
  const byPath =
    file === undefined ? [...logs.index.files] : resolveGlob(logs.index, file).map((r) => r.file);
  return job === undefined ? byPath : byPath.filter((f) => f.jobId === job);
}

/** A text in place of a number says what is missing. */
export async function numberOf(
  subject: Subject,
  context: ClaimContext,
): Promise<SubjectNumber | string> {
  if (subject.printed !== undefined) return printedNumber(subject.printed);
  if (subject.run !== undefined) return runNumber(subject.run, subject.metric ?? '', context);
  const files = filesOf(subject, context);
  const [file] = files;
  if (!file) return `no log is ${subject.file ?? `of job ${subject.job}`}`;
  if (subject.fact !== undefined) return factNumber(subject.fact, files);
  if (subject.capture !== undefined) return capturedNumber(subject.capture, files, context);
  const main = files.find((f) => f.durationS !== null);
  if (!main || main.durationS === null) return `${file.path} has no duration`;
  const text = `${main.path} took ${main.durationS} s by its ${main.durationFrom}`;
  return { value: exactly(main.durationS), text, evidence: main.durationEvidence };
}

export function printedNumber(printed: string): SubjectNumber | string {
  const [quantity] = quantitiesIn(printed);
  if (!quantity) return `${JSON.stringify(printed)} is no number`;
  const factor = quantity.unit?.factor ?? 1;
  const { low, high } = quantity.interval;
  return { value: { low: low * factor, high: high * factor }, text: printed, evidence: [] };
}

function runNumber(run: string, metric: string, { cwd }: ClaimContext): SubjectNumber | string {
  const loaded = loadRun(findLab(cwd), run);
  const value = loaded.summary?.metrics[metric]?.value;
  if (value === undefined || value === null) return `run ${run} has no metric ${metric}`;
  return { value: exactly(value), text: `${metric} of run ${loaded.manifest.runId}`, evidence: [] };
}

function factNumber(name: string, files: readonly LogFile[]): SubjectNumber | string {
  for (const file of files) {
    const fact = file.facts[name];
    if (fact && typeof fact.value === 'number') {
      const text = `${name} of ${file.path}: ${fact.value}${fact.unit ? ` ${fact.unit}` : ''}`;
      return { value: exactly(fact.value), text, evidence: [fact.evidence] };
    }
  }
  const known = files.flatMap((f) => Object.keys(f.facts)).slice(0, 12);
  return `no log has a number ${name}; there are ${known.join(', ') || 'none'}`;
}

async function capturedNumber(
  source: string,
  files: readonly LogFile[],
  { logs, signal }: ClaimContext,
): Promise<SubjectNumber | string> {
  const pattern = compilePattern(source);
  for (const file of files) {
    const { groups, first } = await matchesIn(logs, file.path, { pattern, signal });
    const text = groups?.[1]?.replaceAll(',', '');
    if (text === undefined) continue;
    if (!/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) {
      return `${file.path}: the capture of ${source} is ${JSON.stringify(text)}, not a number`;
    }
    const whole = /^\d+$/.test(text);
    const value = whole ? exactly(Number(text)) : roundingInterval(text);
    return {
      value,
      text: `${text} in ${join(file.path)} line ${first[0]?.line}`,
      evidence: first.slice(0, 1),
    };
  }
  return `${JSON.stringify(source)} matches no line of ${files.map((f) => f.path).join(', ')}`;
}
