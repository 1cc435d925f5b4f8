/** `assay logs index [DIR]` */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { indexLogs } from '../../logs/index-logs.ts';
import { listingDigest } from '../../logs/listing.ts';
import type { LogFile, LogIndex } from '../../logs/log-index.ts';
import { ScanCache } from '../../logs/scan-cache.ts';
import { findLab } from '../../record/lab.ts';
import { isOfOne, LOGS_FILE_NAME } from '../../report/log-index-document.ts';
import { knownText, saveState } from '../../report/log-index-state.ts';
import { textTable } from '../../report/table.ts';
import { LOGS_CACHE_NAME, LOGS_JSON_NAME, writeLogIndex } from '../../report/write-log-index.ts';
import { type CommandIo, writeLine } from '../io.ts';
import { packageVersion } from '../package.ts';

/** More than that is for LOGS.md. */
const MAX_ROWS = 200;

interface Options {
  dir: string;
  out?: string;
  git?: boolean;
  fresh?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const root = resolve(io.cwd, options.dir);
  const out = resolve(io.cwd, options.out ?? join(findLab(io.cwd).reportsDir, 'logs'));
  const key = stateKey(root, options);
  const text =
    (key && !options.fresh ? knownText(out, key) : null) ?? (await index(root, out, options, io));
  if (key !== null) saveState(out, key, text);
  if (options.json) {
    io.stdout.write(readFileSync(join(out, LOGS_JSON_NAME), 'utf8'));
    return 0;
  }
  writeLine(io.stdout, text);
  writeLine(io.stdout, `\nWritten: ${shown(join(out, LOGS_FILE_NAME), io)}`);
  writeLine(io.stdout, `         ${shown(join(out, LOGS_JSON_NAME), io)}`);
  return 0;
}

/** null: only reading the logs can tell whether anything is new. */
function stateKey(root: string, { git }: Options): string | null {
  if (git) return null;
  try {
    const digest = listingDigest(root, Date.now());
    return digest && `${packageVersion()} ${root} ${digest}`;
  } catch {
    // Reading it says what is wrong.
    return null;
  }
}

async function index(
  root: string,
  out: string,
  { fresh, git }: Options,
  io: CommandIo,
): Promise<string> {
  const cachePath = join(out, LOGS_CACHE_NAME);
  const cache = new ScanCache(fresh ? null : cachePath, packageVersion());
  const found = await indexLogs(root, {
    cache,
    signal: io.signal,
    git: git ?? false,
    onFile(path, index, of) {
      if (io.stderr.isTTY) io.stderr.write(`\r\u001b[K${index + 1}/${of} ${visible(path)}`);
    },
  });
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K');
  writeLogIndex(found, { dir: out, root, version: packageVersion() });
  cache.save(cachePath);
  return textOf(found);
}

function shown(path: string, io: CommandIo): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}

function textOf({ files, skipped, findings }: LogIndex): string {
  const own = files.flatMap(({ path, findings }) =>
    findings
      .filter((finding) => finding.severity !== 'info' && isOfOne(finding))
      .map(({ message }) => `${path}: ${message}`),
  );
  const said = [...findings.map(({ message }) => message), ...own];
  return [
    files.length === 0 ? 'No log was found.' : table(files.slice(0, MAX_ROWS)),
    ...(files.length > MAX_ROWS ? [`… and ${files.length - MAX_ROWS} more`] : []),
    ...(said.length > 0 ? [''] : []),
    ...said.slice(0, MAX_ROWS).map((message) => `! ${visible(message)}`),
    ...(skipped.length > 0 ? [''] : []),
    ...skipped
      .slice(0, MAX_ROWS)
      .map(({ path, reason }) => `left out: ${visible(`${path}: ${reason}`)}`),
  ].join('\n');
}

function table(files: readonly LogFile[]): string {
  const right = { align: 'right' } as const;
  const columns = [
    { title: 'Log' },
    { title: 'Outcome' },
    { title: 'Job' },
    { title: 'Started' },
    { title: 'Seconds', ...right },
    { title: 'from' },
    { title: 'Lines', ...right },
    { title: 'Programs' },
  ];
  const rows = files.map((file) => [
    visible(file.path),
    file.outcome,
    file.jobId ?? '—',
    file.startedAt?.slice(0, 19) ?? '—',
    file.durationS === null ? '—' : String(file.durationS),
    file.durationFrom ?? '—',
    String(file.lines),
    file.dialects.join(', '),
  ]);
  return textTable(columns, rows);
}

/** A file name may hold line breaks and terminal sequences. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
