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
    files: files.map((file) => withPairs(file, pairs)),
    pairs,
    fleets,
    identical,
    jobs,
    findings,
  };
}

/** Whoever looks at one of the two files alone must see it too. */
function withPairs(file: LogFile, pairs: readonly LogPair[]): LogFile {
  const own = pairs.filter(({ stdout, stderr }) => [stdout, stderr].includes(file.path));
  const findings = own.flatMap(pairFinding);
  return findings.length === 0 ? file : { ...file, findings: [...file.findings, ...findings] };
}

function hasFailed({ outcome }: LogFile): boolean {
  return !['succeeded', 'unknown', 'unfinished'].includes(outcome);
}

/** One word (`Done.`) is everybody's: it is void only for logs of the same name but for numbers. */
function voidTexts(failed: readonly LogFile[]): VoidText {
  const printed = new Map<string, { path: string; stem: string }[]>();
  for (const { path, signs } of failed) {
    for (const { kind, evidence } of signs) {
      if (kind !== 'final' && kind !== 'banner') continue;
      const text = plainWords(evidence.text);
      printed.set(text, [...(printed.get(text) ?? []), { path, stem: stemOf(path) }]);
    }
  }
  return (text, path) => {
    const words = plainWords(text);
    const others = printed.get(words)?.filter((other) => other.path !== path) ?? [];
    const found = words.includes(' ')
      ? others[0]
      : others.find(({ stem }) => stem === stemOf(path));
    return found?.path ?? null;
  };
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
    if (value !== null) found.set(value, [...(found.get(value) ?? []), file.path]);
  }
  return [...found].filter(([, paths]) => paths.length > 1);
}
