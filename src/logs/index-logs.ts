/** The index of all logs under a directory. */

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Cancelled, FormatError } from '../record/errors.ts';
import { storageError } from '../record/storage-error.ts';
import { type Candidate, findLogs, judgeHead, reasonOf } from './find-logs.ts';
import { gitFindings } from './git-history.ts';
import type { ScannedFile } from './log-file.ts';
import { LOG_INDEX_SCHEMA, type LogFile, type LogIndex, type Skipped } from './log-index.ts';
import { readOwnRun } from './own-run.ts';
import { readLog } from './read-log.ts';
import { relate } from './relate.ts';
import type { ScanCache } from './scan-cache.ts';

export interface IndexOptions {
  /** Scans of files that have not changed since. */
  readonly cache?: ScanCache;
  /** Only the file of this name, in `root` itself, whatever it is called. */
  readonly only?: string;
  /** Hold every log against its first commit. */
  readonly git?: boolean;
  readonly signal?: AbortSignal;
  onFile?(path: string, index: number, of: number): void;
}

/** Smaller files that are no text are not worth a word. */
const WORTH_SAYING = 1 << 20;
const MAX_SKIPPED = 1000;

/**
 * Reads every log below `root` (a directory, or one file). What cannot be read is in `skipped`, and
 * the rest goes on. Throws StorageError when `root` itself cannot be read, Cancelled when aborted.
 */
export async function indexLogs(root: string, options: IndexOptions = {}): Promise<LogIndex> {
  const absolute = resolve(root);
  const { candidates, skipped } = start(absolute, options);
  const scanned: ScannedFile[] = [];
  const left: Skipped[] = [...skipped];
  for (const [index, candidate] of candidates.entries()) {
    if (options.signal?.aborted) throw new Cancelled();
    options.onFile?.(candidate.path, index, candidates.length);
    const result = await one(absolute, candidate, options);
    if (result === null) continue;
    if ('reason' in result) left.push(result);
    else scanned.push(withRun(absolute, candidate, result));
  }
  left.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const related = relate(scanned);
  const files = options.git ? await withHistory(absolute, related.files) : related.files;
  const index = { schema: LOG_INDEX_SCHEMA, ...related, files } as const;
  return { ...index, skipped: left.slice(0, MAX_SKIPPED) };
}

/** Read every time: a run may have ended since its output was read. */
function withRun(root: string, { manifest }: Candidate, file: ScannedFile): ScannedFile {
  if (manifest === null) return file;
  return { ...file, run: readOwnRun(join(root, manifest), manifest) };
}

async function withHistory(root: string, files: readonly LogFile[]): Promise<LogFile[]> {
  const paths = files.map(({ path }) => path);
  const history = await gitFindings(root, paths);
  if (history === null) {
    throw new FormatError(`${root} is in no git repository, or git cannot be run`, {
      hint: 'leave --git out',
    });
  }
  return files.map((file) => {
    const finding = history.get(file.path);
    return finding ? { ...file, findings: [...file.findings, finding] } : file;
  });
}

function start(root: string, { only }: IndexOptions): ReturnType<typeof findLogs> {
  try {
    if (!statSync(root).isDirectory()) {
      throw new FormatError(`${root} is not a directory`, {
        hint: '`assay logs show FILE` shows a single log',
      });
    }
    return findLogs(root, only);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw storageError({ doing: 'read', path: root, cause });
  }
}

/** null: no log, and nothing to say about it. */
export type ScanResult = ScannedFile | Skipped | null;

async function one(
  root: string,
  candidate: Candidate,
  { cache, signal }: IndexOptions,
): Promise<ScanResult> {
  const known = cache?.get(candidate);
  if (known !== undefined) return known;
  const result = await scan(join(root, candidate.path), candidate, signal);
  cache?.put(candidate, result);
  return result;
}

async function scan(
  file: string,
  { path, bytes, modifiedMs, isNamed }: Candidate,
  signal: AbortSignal | undefined,
): Promise<ScanResult> {
  try {
    const head = judgeHead(file, isNamed);
    if (head.kind === 'other') return null;
    if (head.kind === 'lfs') {
      const reason = `a Git-LFS pointer: its ${head.bytes} bytes are elsewhere (git lfs pull)`;
      return { path, bytes, reason };
    }
    if (head.kind === 'binary') {
      return isNamed || bytes >= WORTH_SAYING ? { path, bytes, reason: head.what } : null;
    }
    const read = await readLog(file, path, signal === undefined ? {} : { signal });
    return { path, modifiedMs, scan: read.scan, findings: read.findings };
  } catch (error) {
    if (signal?.aborted) throw new Cancelled();
    return { path, bytes, reason: reasonOf(error) };
  }
}
