/** `assay logs show FILE`: everything that one log says, by line. */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { indexLogs } from '../../logs/index-logs.ts';
import type { Evidence, LogFile } from '../../logs/log-index.ts';
import { FormatError } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import { textTable } from '../../report/table.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  file: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const path = resolve(io.cwd, options.file);
  try {
    statSync(path);
  } catch (cause) {
    throw storageError({ doing: 'read', path: options.file, cause });
  }
  const name = basename(path);
  const index = await indexLogs(dirname(path), { only: name, signal: io.signal });
  const file = index.files[0];
  if (file === undefined) {
    const why = index.skipped[0]?.reason ?? 'nothing in it is of a program that is known';
    throw new FormatError(`${options.file} is not read as a log: ${why}`);
  }
  if (options.json) {
    writeJson(io.stdout, file);
    return 0;
  }
  print(file, io);
  return 0;
}

function print(file: LogFile, io: CommandIo): void {
  const say = (label: string, value: string | null): void => {
    if (value !== null) writeLine(io.stdout, `${label.padEnd(10)}${value}`);
  };
  const decided = file.outcomeEvidence === null ? '' : `, line ${file.outcomeEvidence.line}`;
  say('outcome', `${file.outcome}: ${file.outcomeReason}${decided}`);
  if (file.outcomeEvidence) say('', visible(file.outcomeEvidence.text.trim()));
  say('programs', file.dialects.join(', '));
  say('job', file.jobId === null ? null : `${file.jobId} (from its ${file.jobIdFrom})`);
  say('host', file.host);
  say('started', file.startedAt);
  say('ended', file.endedAt);
  if (file.durationS !== null) say('took', `${file.durationS} s, from ${file.durationFrom}`);
  say('size', `${file.bytes} bytes, ${file.lines} lines, ${file.encoding}`);
  say('sha256', file.sha256);
  section(io, 'Timeline', timeline(file));
  section(io, 'Facts', facts(file));
  section(io, 'Progress', bars(file));
  for (const { message, place } of file.findings) {
    writeLine(io.stdout, `\n! ${place === undefined ? '' : `${place}: `}${visible(message)}`);
  }
}

function section(io: CommandIo, title: string, rows: readonly (readonly string[])[]): void {
  const [header, ...body] = rows;
  if (header === undefined || body.length === 0) return;
  writeLine(io.stdout, `\n${title}`);
  writeLine(
    io.stdout,
    textTable(
      header.map((title) => ({ title })),
      body,
    ),
  );
}

/** What happened, in the order of the file. */
function timeline(file: LogFile): string[][] {
  const events: { evidence: Evidence; what: string }[] = [
    ...file.durationEvidence.slice(0, 2).map((evidence, i) => {
      return { evidence, what: i === 0 ? 'begins' : 'ends' };
    }),
    ...file.commands.map(({ evidence }) => ({ evidence, what: 'command' })),
    ...file.signs.map(({ evidence, kind, outcome }) => ({ evidence, what: `${kind}: ${outcome}` })),
  ];
  const own = events.filter(({ evidence }) => evidence.path === file.path);
  const rows = own
    .toSorted((a, b) => a.evidence.start - b.evidence.start)
    .map(({ evidence, what }) => [`${evidence.line}`, what, short(evidence.text)]);
  return [['Line', 'What', 'Text'], ...rows];
}

function facts(file: LogFile): string[][] {
  const rows = Object.entries(file.facts).map(([name, { value, unit, from, lines, evidence }]) => [
    name,
    short(`${value}${unit === undefined ? '' : ` ${unit}`}`),
    from === 'line' ? `line ${evidence.line}` : `${from} of ${lines} lines, see ${evidence.line}`,
  ]);
  return [['Fact', 'Value', 'Where'], ...rows];
}

function bars(file: LogFile): string[][] {
  const rows = file.bars.map((bar) => [
    short(bar.name),
    String(bar.bars),
    bar.total === null ? String(bar.count) : `${bar.count}/${bar.total}`,
    `${bar.elapsedS} s`,
    `${bar.first.line}–${bar.last.line}`,
  ]);
  return [['Bar', 'Bars', 'Count', 'Elapsed', 'Lines'], ...rows];
}

function short(text: string): string {
  const clean = visible(text.trim());
  return clean.length > 100 ? `${clean.slice(0, 99)}…` : clean;
}

function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
