/** A file as a document: size bound, encoding, format. */
import { readFileSync, statSync } from 'node:fs';
import { delimiterOf } from '../../logs/csv.ts';
import { findMisreading, repairMisreading, utf16Of } from '../../logs/encoding.ts';
import { FormatError, LimitError, StorageError } from '../../record/errors.ts';
import { usesDecimalCommas, withDecimalPoints } from './decimal-comma.ts';
import { readCsv } from './read-csv.ts';
import { readJson } from './read-json.ts';
import { readMarkdown } from './read-markdown.ts';
import type { AuditDocument } from './record.ts';
import { readRoutes } from './route-trace.ts';

/** A document is written for people; what is larger is a log or a trace. */
export const MAX_DOCUMENT_BYTES = 32 * 2 ** 20;

/** Throws FormatError, LimitError, StorageError: one clear line, and the next file goes on. */
export function openDocument(path: string, shown: string): AuditDocument {
  return readDocument(readRegularFile(path, shown), { path: shown, absolutePath: path });
}

/** Text of a regular file within the bound. Throws FormatError, LimitError, StorageError. */
export function readRegularFile(path: string, shown: string): string {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    throw new StorageError(`${shown}: ${reasonOf(cause)}`, {
      hint: 'give the path of a Markdown, CSV or JSON file',
      cause,
    });
  }
  if (!stat.isFile()) {
    const what = stat.isDirectory() ? 'a directory' : 'not a regular file';
    throw new FormatError(`${shown} is ${what}; a document is a Markdown, CSV or JSON file`, {
      hint: 'logs are given with --logs DIR',
    });
  }
  if (stat.size > MAX_DOCUMENT_BYTES) {
    const message = `${shown} has ${stat.size} bytes; a document may have ${MAX_DOCUMENT_BYTES}`;
    throw new LimitError(message, { hint: 'logs and traces are given with --logs DIR' });
  }
  try {
    return decode(readFileSync(path), shown);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new StorageError(`${shown}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'it may not be read';
  if (code === 'ELOOP') return 'its symbolic links go in a circle';
  return (cause as Error).message;
}

function decode(bytes: Buffer, shown: string): string {
  const utf16 = utf16Of(bytes);
  if (utf16 !== null) {
    const even = bytes.subarray(2, bytes.length - (bytes.length % 2));
    return (utf16 === 'utf-16le' ? even : Buffer.from(even).swap16()).toString('utf16le');
  }
  if (bytes.includes(0)) {
    throw new FormatError(`${shown} has NUL bytes: it is not a text`, {
      hint: 'documents are UTF-8 text; a log with NUL bytes can be given with --logs DIR',
    });
  }
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

export function readDocument(
  raw: string,
  { path, absolutePath }: { path: string; absolutePath: string },
): AuditDocument {
  const { text, encoding } = mended(raw);
  const kind = kindOf(path, text);
  const lines = text.split(/\r\n|\n/);
  const decimalCommas = mayHaveCommas(kind, text) && usesDecimalCommas(lines);
  const shell = { path, absolutePath, kind, text, lines, encoding, decimalCommas };
  const empty = { records: [], passages: [], tables: [], code: [], trace: null };
  if (kind === 'jsonl') return { ...shell, ...empty, trace: readRoutes(lines) };
  if (kind === 'json') return { ...shell, ...empty, ...readJson(text, path) };
  const read = decimalCommas ? withDecimalPoints(lines) : lines;
  if (kind === 'csv') {
    return { ...shell, ...empty, ...readCsv(decimalCommas ? read.join('\n') : text) };
  }
  // Shown as they are written, whatever they are read as.
  return { ...shell, ...readMarkdown(read), lines, trace: null };
}

/** JSON has points, and where a comma ends a cell it is no decimal one. */
function mayHaveCommas(kind: AuditDocument['kind'], text: string): boolean {
  return kind === 'markdown' || (kind === 'csv' && delimiterOf(text) !== ',');
}

function kindOf(path: string, text: string): AuditDocument['kind'] {
  if (/\.jsonl$/i.test(path)) return 'jsonl';
  if (/\.json$/i.test(path)) return 'json';
  if (/\.(?:csv|tsv)$/i.test(path)) return 'csv';
  if (/\.(?:md|markdown|txt|log|rst)$/i.test(path)) return 'markdown';
  return /^\s*[[{]/.test(text) && looksLikeJson(text) ? 'json' : 'markdown';
}

function looksLikeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const RUN = /[^\0-\x7f]{2,}/g;

/** A `×` that was misread is `√ó`: without mending it a speedup has no unit. */
function mended(raw: string): { text: string; encoding: string | null } {
  const misread = findMisreading(raw);
  if (!misread) {
    const isBroken = raw.includes('\ufffd');
    return { text: raw, encoding: isBroken ? 'UTF-8 with invalid bytes (shown as \ufffd)' : null };
  }
  const { readAs } = misread;
  const text = raw.replace(RUN, (run) => repairMisreading(run, readAs) ?? run);
  return { text, encoding: `UTF-8 that was misread as ${readAs} (mended for this audit)` };
}
