/** Everything that can be checked in a lab, in one pass. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ResolvableRun } from '../analyze/reference.ts';
import { indexLogs } from '../logs/index-logs.ts';
import type { LogIndex } from '../logs/log-index.ts';
import type { Lab } from '../record/lab.ts';
import { readRegular } from '../record/regular-file.ts';
import { isOwnFile, MANIFEST_FILE } from '../record/run-directory.ts';
import { listRuns, type RunEntry } from '../record/run-reader.ts';
import { readRunRows } from '../record/sample-reader.ts';
import type { Discrepancy } from './discrepancy.ts';
import { mendManifest } from './mended-manifest.ts';
import { RouteSources } from './route-numbers.ts';
import { unvouchedDocuments } from './unvouched.ts';
import { type VerifiedDocument, verifyDocument } from './verify-document.ts';
import { type VerifiedRun, verifyRun } from './verify-run.ts';
import { verifySeals } from './verify-seals.ts';

export interface Verification {
  readonly runs: number;
  readonly unfinished: number;
  readonly metrics: number;
  readonly samples: number;
  readonly documents: number;
  readonly numbers: number;
  readonly discrepancies: readonly Discrepancy[];
  /** Hashes to keep elsewhere. */
  readonly heads: readonly { file: string; sha256: string }[];
}

export interface VerifyOptions {
  /** Only runs whose id ends in one of these; then documents and seals are not checked. */
  readonly only?: readonly string[];
  readonly head?: string;
  onRun?(runId: string, index: number, of: number): void;
}

export async function verifyLab(lab: Lab, options: VerifyOptions = {}): Promise<Verification> {
  const only = options.only ?? [];
  const wanted = (entry: RunEntry): boolean =>
    only.length === 0 || only.some((id) => entry.runId.endsWith(id.replace(/^runs\//, '')));
  const entries = listRuns(lab).filter(wanted);
  const discrepancies: Discrepancy[] = [];
  const verified = new Map<string, VerifiedRun>();
  let samples = 0;
  let metrics = 0;
  let unfinished = 0;
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'unfinished' || isStillborn(entry)) {
      unfinished++;
      continue;
    }
    options.onRun?.(entry.runId, index, entries.length);
    const result = entry.kind === 'closed' ? await verifyRun(entry) : await verifyUnreadable(entry);
    if (result === null) {
      const problem = entry.kind === 'unreadable' ? entry.problem : 'it cannot be read';
      const message = `runs/${entry.runId}: ${problem}`;
      discrepancies.push({ code: 'run-unreadable', message, run: entry.runId });
      continue;
    }
    discrepancies.push(...result.discrepancies);
    verified.set(entry.runId, result);
    samples += result.rows?.length ?? 0;
    metrics += result.metrics;
  }
  const all = only.length === 0;
  const documents = all ? sidecars(lab) : [];
  const checked: VerifiedDocument[] = [];
  const traces = new RouteSources();
  for (const path of documents) {
    const lookup = lookupIn(verified, entries);
    const [logs, routes] = [await logsOf(path), await traces.numbersOf(path)];
    checked.push(verifyDocument(path, { root: lab.root, lookup, logs, routes }));
  }
  discrepancies.push(...toldOnce(checked));
  if (all) discrepancies.push(...unvouchedDocuments(lab, documents));
  const seals = verifySeals(lab, options.head === undefined ? {} : { head: options.head });
  if (all) discrepancies.push(...seals.discrepancies);
  return {
    runs: verified.size,
    unfinished,
    metrics,
    samples,
    documents: checked.length,
    numbers: checked.reduce((n, document) => n + document.numbers, 0),
    discrepancies,
    heads: seals.heads,
  };
}

/** What a chart says of its own files, the log says of them too. */
function toldOnce(documents: readonly VerifiedDocument[]): Discrepancy[] {
  const told = new Set<string>();
  return documents
    .flatMap(({ discrepancies }) => discrepancies)
    .filter(({ code, message }) => {
      const isNews = code !== 'document-missing' || !told.has(message);
      told.add(message);
      return isNews;
    });
}

/** The logs that a document is about, read again; null if it is about none, or they are gone. */
export async function logsOf(sidecar: string): Promise<LogIndex | null> {
  try {
    const root: unknown = JSON.parse(readRegular(sidecar).toString('utf8')).logs?.root;
    return typeof root === 'string' ? await indexLogs(join(dirname(sidecar), root)) : null;
  } catch {
    return null;
  }
}

/** Its process was killed before it wrote anything but a heartbeat: nothing there can be wrong. */
function isStillborn(entry: RunEntry): boolean {
  if (entry.kind !== 'unreadable') return false;
  return readdirSync(entry.dir).every((name) => name !== MANIFEST_FILE && isOwnFile(name));
}

/** One changed digit may have made a manifest unreadable: then the run itself can still be had. */
async function verifyUnreadable(entry: RunEntry): Promise<VerifiedRun | null> {
  const mended = mendManifest(entry);
  if (!mended) return null;
  const result = await verifyRun(mended.run);
  return { ...result, discrepancies: [mended.discrepancy, ...result.discrepancies] };
}

/** Documents are checked against the true rows, so that an edited run does not excuse them. */
export function lookupIn(
  verified: ReadonlyMap<string, VerifiedRun>,
  entries: readonly RunEntry[],
): (runId: string) => ResolvableRun | undefined {
  const runs = new Map<string, ResolvableRun>();
  for (const { runId, manifest, summary, rows } of verified.values()) {
    if (rows) runs.set(runId, { manifest, summary, rows: () => rows });
  }
  for (const entry of entries) {
    if (entry.kind !== 'unfinished') continue;
    const rows = () => readRunRows(entry.dir);
    runs.set(entry.runId, { manifest: entry.manifest, summary: null, rows });
  }
  return (runId) => runs.get(runId);
}

/** `*.evidence.json` in the lab itself and below reports/. */
export function sidecars(lab: Lab): string[] {
  const isSidecar = (name: string): boolean => name.endsWith('.evidence.json');
  const own = existsSync(lab.root) ? readdirSync(lab.root).filter(isSidecar) : [];
  const below = existsSync(lab.reportsDir)
    ? readdirSync(lab.reportsDir, { recursive: true, encoding: 'utf8' }).filter(isSidecar)
    : [];
  const paths = [
    ...own.map((name) => join(lab.root, name)),
    ...below.map((name) => join(lab.reportsDir, name)),
  ];
  // A link to a folder above shows each file many times.
  const shortestLast = paths.sort((a, b) => b.length - a.length);
  const byFile = new Map(shortestLast.map((path) => [realpathSync(path), path]));
  return [...byFile.values()].sort();
}
