/** `assay logs index [DIR]` */
import { join, relative, resolve } from 'node:path';
import { type IndexOptions, indexLogs } from '../../logs/index-logs.ts';
import type { LogFile, LogIndex } from '../../logs/log-index.ts';
import { ScanCache } from '../../logs/scan-cache.ts';
import { makeDirectory } from '../../record/atomic.ts';
import { findLab } from '../../record/lab.ts';
import { textTable } from '../../report/table.ts';
import { LOGS_CACHE_NAME, writeLogIndex } from '../../report/write-log-index.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageVersion } from '../package.ts';

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
  const version = packageVersion();
  const cachePath = join(out, LOGS_CACHE_NAME);
  const cache = new ScanCache(options.fresh ? null : cachePath, version);
  const indexOptions: IndexOptions = {
    cache,
    signal: io.signal,
    git: options.git ?? false,
    onFile(path, index, of) {
      if (io.stderr.isTTY) io.stderr.write(`\r\u001b[K${index + 1}/${of} ${path}`);
    },
  };
  const index = await indexLogs(root, indexOptions);
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K');
  makeDirectory(out);
  const written = writeLogIndex(index, { dir: out, root, version });
  cache.save(cachePath);
  if (options.json) {
    writeJson(io.stdout, index);
    return 0;
  }
  print(index, io);
  writeLine(io.stdout, `\nWritten: ${shown(written.documentPath, io)}`);
  writeLine(io.stdout, `         ${shown(written.jsonPath, io)}`);
  return 0;
}

function shown(path: string, io: CommandIo): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}

function print({ files, skipped, findings }: LogIndex, io: CommandIo): void {
  if (files.length === 0) writeLine(io.stdout, 'No log was found.');
  else writeLine(io.stdout, table(files));
  const own = files.flatMap(({ path, findings }) =>
    findings
      .filter(({ severity }) => severity !== 'info')
      .map(({ message }) => `${visible(path)}: ${message}`),
  );
  const all = [...findings.map(({ message }) => message), ...own];
  if (all.length > 0) writeLine(io.stdout, '');
  for (const message of all) writeLine(io.stdout, `! ${visible(message)}`);
  if (skipped.length === 0) return;
  writeLine(io.stdout, '');
  for (const { path, reason } of skipped) {
    writeLine(io.stdout, `left out: ${visible(path)}: ${visible(reason)}`);
  }
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
