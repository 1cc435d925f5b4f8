/** Which files of a tree may be logs: by their names, else by what is in their first bytes. */

import { Buffer } from 'node:buffer';
import {
  closeSync,
  type Dirent,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../record/run-directory.ts';
import { isStrong } from './dialects.ts';
import type { Skipped } from './log-index.ts';
import { scanBytes } from './scan-file.ts';

export interface Candidate {
  /** Relative to the root, forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Changes when the file does: what a cached scan is valid for. */
  readonly stamp: string;
  /** True if its name is a log's; otherwise its content has to show that it is one. */
  readonly isNamed: boolean;
  /** The manifest of the run of ours whose output this is, relative to the root. */
  readonly manifest: string | null;
}

const LOG_NAME = new RegExp(
  String.raw`\.(?:log|err|out|stdout|stderr)(?:[.-]?\d{1,8}(?:-\d\d){0,2})?$|` +
    '(?:^|[_.-])(?:stdout|stderr)(?:$|[_.-])',
  'i',
);
/** Programs, documents, data: what speaks of logs there is no log. */
const ENDINGS = [
  ...['md', 'markdown', 'rst', 'tex', 'bib', 'html?', 'css', '[cm]?[jt]sx?', 'py', 'pyc', 'ipynb'],
  ...['sh', 'sbatch', 'slurm', 'bash', 'c', 'h', 'cc', 'cpp', 'cu', 'rs', 'go', 'java', 'rb', 'jl'],
  ...['r', 'lua', 'sql', 'json', 'jsonl', 'ya?ml', 'toml', 'cfg', 'ini', 'lock', 'patch', 'diff'],
];
const NOT_LOG = new RegExp(String.raw`\.(?:${ENDINGS.join('|')})$`, 'i');
const NOT_ENTERED = new Set(['node_modules', '.git', '.hg', '.svn', '__pycache__', '.venv']);
/** Ours: of a run only what its command printed is a log. */
const RUN_DIRECTORY = MANIFEST_FILE;
const MAX_DEPTH = 64;

export interface FoundLogs {
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly Skipped[];
}

/** Sorted by path. An index does not find itself: it is Markdown and JSON. */
export function findLogs(root: string, only?: string): FoundLogs {
  const found = { candidates: [] as Candidate[], skipped: [] as Skipped[] };
  const real = realpathSync(root);
  if (only !== undefined) regular({ root, real, found }, only, { isNamed: true });
  else visit({ root, real, found }, '', 0);
  found.candidates.sort(byPath);
  found.skipped.sort(byPath);
  return found;
}

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

interface Visit {
  readonly root: string;
  readonly real: string;
  readonly found: { candidates: Candidate[]; skipped: Skipped[] };
}

function visit(context: Visit, directory: string, depth: number): void {
  const { root, found } = context;
  let entries: Dirent[];
  try {
    entries = readdirSync(join(root, directory), { withFileTypes: true });
  } catch (error) {
    found.skipped.push({ path: `${directory}/`, bytes: null, reason: reasonOf(error) });
    return;
  }
  const names = new Set(entries.map((entry) => entry.name));
  const isRun = names.has(RUN_DIRECTORY) && names.has('run.log');
  for (const entry of entries) {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      if (NOT_ENTERED.has(entry.name)) continue;
      if (depth >= MAX_DEPTH) found.skipped.push({ path, bytes: null, reason: 'too deep' });
      else visit(context, path, depth + 1);
      continue;
    }
    const isNamed = LOG_NAME.test(entry.name);
    if (!isNamed && NOT_LOG.test(entry.name)) continue;
    if (isRun && !/^run\.(?:log|err)$/.test(entry.name)) continue;
    if (entry.isSymbolicLink()) link(context, path, isNamed);
    else if (entry.isFile()) regular(context, path, { isNamed, isRun });
    else if (isNamed) found.skipped.push({ path, bytes: null, reason: 'not a regular file' });
  }
}

function link({ root, real, found }: Visit, path: string, isNamed: boolean): void {
  try {
    const target = realpathSync(join(root, path));
    const stat = statSync(target);
    if (stat.isFile() && isNamed && !target.startsWith(`${real}/`)) {
      found.candidates.push(candidate(path, stat, { isNamed }));
    } else if (isNamed) {
      const reason = stat.isFile() ? 'a link to a file of this tree' : 'a link to no regular file';
      found.skipped.push({ path, bytes: null, reason });
    }
  } catch (error) {
    if (isNamed) found.skipped.push({ path, bytes: null, reason: reasonOf(error) });
  }
}

function regular(
  { root, found }: Visit,
  path: string,
  { isNamed, isRun = false }: { isNamed: boolean; isRun?: boolean },
): void {
  try {
    const stat = statSync(join(root, path));
    if (!stat.isFile()) throw new Error('not a regular file');
    found.candidates.push(candidate(path, stat, { isNamed, isRun }));
  } catch (error) {
    if (isNamed) found.skipped.push({ path, bytes: null, reason: reasonOf(error) });
  }
}

function candidate(
  path: string,
  stat: Stats,
  { isNamed, isRun = false }: { isNamed: boolean; isRun?: boolean },
): Candidate {
  const manifest = isRun ? path.replace(/[^/]*$/, RUN_DIRECTORY) : null;
  const stamp = [stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino, stat.dev].join(':');
  return { path, bytes: stat.size, modifiedMs: stat.mtimeMs, stamp, isNamed, manifest };
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'a loop of symbolic links',
  ENOENT: 'it is not there (any more)',
  EIO: 'the device reports an error',
  EINVAL: 'it cannot be read',
};

export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

const HEAD = 1 << 16;
const LFS =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n/;
const MAGIC: readonly [string, string][] = [
  ['7f454c46', 'an ELF binary'],
  ['1f8b', 'compressed with gzip'],
  ['28b52ffd', 'compressed with zstd'],
  ['fd377a585a', 'compressed with xz'],
  ['504b0304', 'a zip archive'],
  ['89504e47', 'a PNG image'],
  ['50415231', 'a Parquet file'],
  ['47475546', 'a GGUF model'],
];

export type HeadVerdict =
  | { readonly kind: 'log' }
  | { readonly kind: 'other' }
  | { readonly kind: 'lfs'; readonly oid: string; readonly bytes: number }
  | { readonly kind: 'binary'; readonly what: string };

/** What the first 64 KiB say. Throws the file system's error. */
export function judgeHead(file: string, isNamed: boolean): HeadVerdict {
  const head = Buffer.alloc(HEAD);
  const handle = openSync(file, 'r');
  let length: number;
  try {
    length = readSync(handle, head, 0, HEAD, 0);
  } finally {
    closeSync(handle);
  }
  const bytes = head.subarray(0, length);
  const pointer = LFS.exec(bytes.toString('latin1', 0, 200));
  if (pointer) return { kind: 'lfs', oid: pointer[1] as string, bytes: Number(pointer[2]) };
  const hex = bytes.toString('hex', 0, 8);
  const magic = MAGIC.find(([start]) => hex.startsWith(start))?.[1];
  if (magic !== undefined) return { kind: 'binary', what: magic };
  if (isBinary(bytes)) return { kind: 'binary', what: 'binary data' };
  if (isNamed) return { kind: 'log' };
  const { dialects } = scanBytes(bytes, '').collected;
  return dialects.some(isStrong) ? { kind: 'log' } : { kind: 'other' };
}

/** More control bytes than a terminal's, NUL apart: a log with a hole stays a log. */
function isBinary(bytes: Buffer): boolean {
  if (bytes.length >= 2 && (bytes.readUInt16LE() === 0xfeff || bytes.readUInt16BE() === 0xfeff)) {
    return false;
  }
  let control = 0;
  let text = 0;
  for (const byte of bytes) {
    if (byte === 0) continue;
    text += 1;
    if (byte < 32 && !(byte >= 7 && byte <= 13) && byte !== 27) control += 1;
  }
  return control > 0.02 * text;
}
