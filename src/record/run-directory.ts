/** Names inside a run directory and names of run directories. */
import { sha256Hex } from './canonical.ts';
import { HEARTBEAT_FILE } from './heartbeat.ts';
import { SAMPLE_FILES } from './samples.ts';
import type { FileEntry } from './schema.ts';

export const MANIFEST_FILE = 'manifest.json';
export const SUMMARY_FILE = 'results_summary.json';
export const LOG_FILE = 'run.log';
export const ERROR_LOG_FILE = 'run.err';

const MAX_NAME = 100;

/** Files that say how the run is written, not what it found: never among its hashed files. */
export function isOwnFile(name: string): boolean {
  return name === MANIFEST_FILE || name === HEARTBEAT_FILE || name.endsWith('.tmp');
}

export function roleOf(path: string): FileEntry['role'] {
  if (path === SUMMARY_FILE) return 'summary';
  if (SAMPLE_FILES.includes(path)) return 'samples';
  if (path === LOG_FILE) return 'log';
  if (path === ERROR_LOG_FILE) return 'error-log';
  return 'other';
}

/**
 * The directory name of an experiment or a cell: characters outside [A-Za-z0-9._~=-] become `_`. A
 * name that had to be changed (also one that is empty, too long or starts with a dot) gets `~` and
 * 8 hex digits of its SHA-256, so that `a/b` and `a_b` stay two.
 */
export function directoryName(name: string): string {
  const clean = name
    .replaceAll(/[^A-Za-z0-9._~=-]/gu, '_')
    .replace(/^\./, '_')
    .slice(0, MAX_NAME);
  return clean === name && name !== '' ? name : `${clean}~${sha256Hex(name).slice(0, 8)}`;
}
