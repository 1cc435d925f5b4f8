/** Puts LOGS.md, its evidence and logs.json on disk; what is the same already stays as it is. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LogIndex } from '../logs/log-index.ts';
import { makeDirectory, writeFileAtomic } from '../record/atomic.ts';
import { UsageError } from '../record/errors.ts';
import { sidecarJson } from './document.ts';
import type { DecidedClaim } from './log-claims.ts';
import { LOGS_EVIDENCE_NAME, LOGS_FILE_NAME, logIndexDocument } from './log-index-document.ts';

export const LOGS_JSON_NAME = 'logs.json';
/** Disposable: without it the next index reads every log again. */
export const LOGS_CACHE_NAME = 'logs-cache.json';

export interface WrittenLogIndex {
  readonly documentPath: string;
  readonly jsonPath: string;
}

/** Document, evidence and JSON of the index in `dir`. */
export function logIndexPaths(dir: string): string[] {
  const names = [LOGS_FILE_NAME, LOGS_EVIDENCE_NAME, LOGS_JSON_NAME];
  return names.map((name) => join(dir, name));
}

/** Throws UsageError instead of overwriting an index that a person wrote. */
export function writeLogIndex(
  index: LogIndex,
  options: { dir: string; root: string; version: string; claims?: readonly DecidedClaim[] },
): WrittenLogIndex {
  const { dir, root, version } = options;
  const [documentPath, evidencePath, jsonPath] = logIndexPaths(dir) as [string, string, string];
  if (existsSync(documentPath) && !existsSync(evidencePath)) {
    throw new UsageError(`${documentPath} was not written by assay`, {
      hint: 'choose another folder with --out, or move that file away',
    });
  }
  makeDirectory(dir);
  const from = relative(dir, root).replaceAll('\\', '/') || '.';
  const { text, evidence } = logIndexDocument(index, {
    version,
    root: from,
    ...(options.claims ? { claims: options.claims } : {}),
  });
  replace(evidencePath, sidecarJson(evidence));
  replace(documentPath, text);
  replace(jsonPath, `${JSON.stringify(index, null, 1)}\n`);
  return { documentPath, jsonPath };
}

function replace(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  writeFileAtomic(path, text);
}
