/** Files held against each other: pairs, banners that failed logs print too, jobs, duplicates. */
import type { Finding } from '../record/schema.ts';
import { findFleets, fleetFindings } from './fleets.ts';
import { logFile, type ScannedFile, type VoidText } from './log-file.ts';
import type { LogFile, LogIndex, LogPair } from './log-index.ts';
import { findPairs } from './pairs.ts';

export type Related = Omit<LogIndex, 'schema' | 'skipped'>;

export function relate(scanned: readonly ScannedFile[]): Related {
  const never: VoidText = () => null;
  const alone = scanned.map((file) => logFile(file, never));
  const failed = withShared(alone, findPairs(alone)).filter(hasFailed);
  const isVoid = voidTexts(failed);
  const judged = scanned.map((file) => logFile(file, isVoid));
  const pairs = findPairs(judged);
  const files = withShared(judged, pairs);
  const fleets = findFleets(files);
  const identical = groups(files, (file) => (file.bytes > 0 ? file.sha256 : null)).map(
    ([sha256, paths]) => ({ sha256, paths }),
  );
  const jobs = groups(files, (file) => file.jobId).map(([jobId, paths]) => ({ jobId, paths }));
  const findings = [
    ...pairs.flatMap(pairFinding),
    ...identical.map(
      ({ paths }): Finding => ({
        code: 'identical-files',
        severity: 'warning',
        message: `${paths.join(' and ')} have the same bytes: they are one log, not several`,
      }),
    ),
    ...fleetFindings(fleets),
  ];
  return {
    files: withRefuted(files, pairs),
    pairs,
    fleets,
    identical,
    jobs,
    findings,
  };
}

/** Whoever looks at one of the two files alone must see it too. */
function withRefuted(files: readonly LogFile[], pairs: readonly LogPair[]): LogFile[] {
  const refuted = new Map<string, Finding[]>();
  for (const pair of pairs) {
    const findings = pairFinding(pair);
    if (findings.length === 0) continue;
    for (const path of [pair.stdout, pair.stderr]) {
      refuted.set(path, [...(refuted.get(path) ?? []), ...findings]);
    }
  }
  return files.map((file) => {
    const findings = refuted.get(file.path);
    return findings ? { ...file, findings: [...file.findings, ...findings] } : file;
  });
}

function hasFailed({ outcome }: LogFile): boolean {
  return !['succeeded', 'unknown', 'unfinished'].includes(outcome);
}

/**
 * One word (`Done.`) is everybody's: it is void only for logs of the same name but for numbers.
 * Two paths a text are enough to find one that is not the asking log itself.
 */
function voidTexts(failed: readonly LogFile[]): VoidText {
  const printed = new Map<string, string[]>();
  const note = (key: string, path: string): void => {
    const paths = printed.get(key);
    if (paths === undefined) printed.set(key, [path]);
    else if (paths.length < 2) paths.push(path);
  };
  for (const { path, signs } of failed) {
    for (const { kind, evidence } of signs) {
      if (kind !== 'final' && kind !== 'banner') continue;
      note(keyOf(evidence.text, path), path);
    }
  }
  return (text, path) => {
    return printed.get(keyOf(text, path))?.find((other) => other !== path) ?? null;
  };
}

function keyOf(text: string, path: string): string {
  const words = plainWords(text);
  return words.includes(' ') ? words : `${words}\0${stemOf(path)}`;
}

function plainWords(text: string): string {
  return text
    .replaceAll(/\d+/g, '#')
    .replaceAll(/[^\p{L}#]+/gu, ' ')
    .trim()
    .toLowerCase();
}

function stemOf(path: string): string {
  return path.replaceAll(/\d+/g, '#').replace(/\.\w+$/, '');
}

/** A checked pair is one program: what one of the two knows holds for both. */
function withShared(files: readonly LogFile[], pairs: readonly LogPair[]): LogFile[] {
  const partner = new Map<string, string>();
  for (const { stdout, stderr, verdict } of pairs) {
    if (verdict !== 'belong-together') continue;
    partner.set(stdout, stderr);
    partner.set(stderr, stdout);
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.map((file) => {
    const other = byPath.get(partner.get(file.path) ?? '');
    return other ? shared(file, other) : file;
  });
}

const WEIGHT = { unknown: 0, unfinished: 1, succeeded: 2 } as const;

function shared(file: LogFile, other: LogFile): LogFile {
  const weight = ({ outcome }: LogFile): number => WEIGHT[outcome as keyof typeof WEIGHT] ?? 3;
  const outcome =
    weight(other) > weight(file)
      ? {
          outcome: other.outcome,
          outcomeEvidence: other.outcomeEvidence,
          outcomeReason: `${other.path}: ${other.outcomeReason}`,
        }
      : {};
  const isBetterTimed = other.durationFrom === 'epilog' || other.durationFrom === 'accounting';
  const times =
    isBetterTimed && file.durationFrom !== other.durationFrom
      ? {
          startedAt: other.startedAt,
          endedAt: other.endedAt,
          durationS: other.durationS,
          durationFrom: 'paired-log' as const,
          durationEvidence: other.durationEvidence,
        }
      : {};
  const job = file.jobId === null ? { jobId: other.jobId, host: file.host ?? other.host } : {};
  return { ...file, ...job, ...times, ...outcome };
}

function pairFinding({ stdout, stderr, verdict, checks, fits }: LogPair): Finding[] {
  if (verdict !== 'refuted') return [];
  const why = checks.filter(({ ok }) => !ok).map(({ message }) => message);
  const then = fits === null ? '' : `; it fits ${fits}`;
  const message = `${stderr} is not the stderr of ${stdout}: ${why.join('; ')}${then}`;
  return [{ code: 'pair-refuted', severity: 'error', message, place: stderr }];
}

/** Values that several files have, with their paths, in the order of the first. */
function groups(
  files: readonly LogFile[],
  key: (file: LogFile) => string | null,
): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const file of files) {
    const value = key(file);
    if (value === null) continue;
    const paths = found.get(value);
    if (paths) paths.push(file.path);
    else found.set(value, [file.path]);
  }
  return [...found].filter(([, paths]) => paths.length > 1);
}
