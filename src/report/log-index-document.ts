/** LOGS.md: which logs there are, what they prove, what they do not, and by which lines. */
import type { Evidence, Fact, LogFile, LogIndex } from '../logs/log-index.ts';
import { type LogNumberReference, logNumber } from '../logs/log-number.ts';
import type { NumberFormat } from '../record/numerals.ts';
import type { Finding } from '../record/schema.ts';
import {
  DocumentBuilder,
  type Cited as GeneralCited,
  type DocumentEvidence as GeneralEvidence,
  type Piece as GeneralPiece,
} from './document.ts';
import { claimsSection, type DecidedClaim } from './log-claims.ts';

export const LOGS_FILE_NAME = 'LOGS.md';
export const LOGS_EVIDENCE_NAME = 'LOGS.evidence.json';

export interface LogDocumentOptions {
  readonly version: string;
  /** From the document's directory to the root of the index, forward slashes. */
  readonly root: string;
  /** Claims about the logs, decided (`assay claims check`). */
  readonly claims?: readonly DecidedClaim[];
}

/** Facts of one log that its section shows; logs.json has them all. */
const MAX_SHOWN = 40;
const INTEGER: NumberFormat = { style: 'integer' };
const PLAIN: NumberFormat = { style: 'plain' };
const QUIET = /^(?:plain\.(?:savedTo|loadedFrom|input|output)|slurm\.|huggingface\.|vllm\.args$)/;

type Cited = GeneralCited<LogNumberReference>;
type Piece = GeneralPiece<LogNumberReference>;
type Builder = DocumentBuilder<LogNumberReference>;

/** `logs`: where the logs are, so that the numbers can be read from them again. */
export type LogDocumentEvidence = GeneralEvidence<LogNumberReference> & {
  readonly logs: { readonly root: string };
};

class LogDocument {
  readonly doc: Builder = new DocumentBuilder();
  readonly #index: LogIndex;

  constructor(index: LogIndex) {
    this.#index = index;
  }

  cite(log: string, field: string, format: NumberFormat = PLAIN): Cited {
    const reference = { from: 'log', log, field } as const;
    return { value: logNumber(this.#index, reference), format, reference };
  }
}

export function logIndexDocument(
  index: LogIndex,
  options: LogDocumentOptions,
): { text: string; evidence: LogDocumentEvidence } {
  const document = new LogDocument(index);
  const { doc } = document;
  doc.add('# Execution Logs Index');
  doc.blank();
  doc.add(
    `> Written by assay ${options.version} from the logs themselves (below \`${options.root}\`). ` +
      'Numbers are in `LOGS.evidence.json` with their origin, everything else in `logs.json`.',
  );
  inventory(document, index);
  timestamps(document, index);
  bars(document, index);
  fleets(document, index);
  integrity(document, index);
  claimsSection(doc, options.claims ?? []);
  findings(doc, index);
  leftOut(doc, index);
  const built = doc.build({ document: LOGS_FILE_NAME, experiment: 'logs' });
  return { text: built.text, evidence: { ...built.evidence, logs: { root: options.root } } };
}

function inventory(document: LogDocument, { files }: LogIndex): void {
  const { doc } = document;
  doc.heading(2, 'Log inventory');
  if (files.length === 0) doc.add('No log was found.');
  const groups = new Map<string, LogFile[]>();
  for (const file of files) {
    const directory = file.path.slice(0, file.path.lastIndexOf('/') + 1) || './';
    const members = groups.get(directory);
    if (members) members.push(file);
    else groups.set(directory, [file]);
  }
  for (const [directory, members] of groups) {
    doc.heading(3, code(directory));
    doc.table(
      ['Log file', 'Outcome', 'Decided by', 'Job', 'Programs', 'Lines', 'Bytes'],
      members.map((file) => [
        code(nameOf(file.path)),
        file.outcome,
        file.outcomeEvidence ? quote(file.outcomeEvidence, file.path) : '—',
        file.jobId === null ? '—' : code(file.jobId),
        file.dialects.join(', '),
        document.cite(file.path, 'lines', INTEGER),
        document.cite(file.path, 'bytes', INTEGER),
      ]),
    );
    proves(document, members);
    leavesOpen(doc, members);
  }
}

function proves(document: LogDocument, files: readonly LogFile[]): void {
  const { doc } = document;
  const telling = files.filter((file) => factNames(file).length > 0);
  if (telling.length === 0) return;
  doc.add('**What these logs show:**');
  doc.blank();
  for (const file of telling) {
    doc.add(`- ${code(nameOf(file.path))}`);
    for (const name of factNames(file).slice(0, MAX_SHOWN)) {
      doc.add(['  - ', ...factPieces(document, file, name)]);
    }
  }
  doc.blank();
}

function factNames(file: LogFile): string[] {
  return Object.keys(file.facts).filter((name) => !QUIET.test(name));
}

function factPieces(document: LogDocument, file: LogFile, name: string): Piece[] {
  const fact = file.facts[name];
  if (!fact) return [];
  const value: Piece =
    typeof fact.value === 'number'
      ? document.cite(file.path, `fact:${name}`, formatOf(fact))
      : code(String(fact.value));
  const unit = fact.unit === undefined ? '' : ` ${fact.unit}`;
  const how = fact.from === 'line' ? 'line' : `${fact.from} over lines, see line`;
  return [`${name}: `, value, `${unit} (${how} ${fact.evidence.line})`];
}

/** What stands in a line as it stands there; what was computed to six digits. */
function formatOf({ value, from }: Fact): NumberFormat {
  if (Number.isInteger(value)) return INTEGER;
  return from === 'mean' || from === 'sum' ? { style: 'significant', digits: 6 } : PLAIN;
}

function leavesOpen(doc: Builder, files: readonly LogFile[]): void {
  const open = files.filter(({ outcome }) => outcome !== 'succeeded');
  if (open.length === 0) return;
  doc.add('**What they do not show:**');
  doc.blank();
  for (const { path, outcome, outcomeReason } of open) {
    doc.add(`- ${code(nameOf(path))}: ${outcome}, ${escaped(outcomeReason)}`);
  }
  doc.blank();
}

function timestamps(document: LogDocument, { files }: LogIndex): void {
  const { doc } = document;
  doc.heading(2, 'Log timestamps');
  doc.table(
    ['Log file', 'Job', 'Host', 'Started', 'Ended', 'Duration (s)', 'Known from'],
    files.map((file) => [
      code(file.path),
      file.jobId === null ? '—' : code(file.jobId),
      file.host === null ? '—' : code(file.host),
      file.startedAt ?? '—',
      file.endedAt ?? '—',
      document.cite(file.path, 'durationS'),
      known(file),
    ]),
  );
}

function known({ durationFrom, durationEvidence, yearFrom, path }: LogFile): string {
  if (durationFrom === null) return '—';
  const lines = durationEvidence.map((evidence) => place(evidence, path)).slice(0, 2);
  const year = yearFrom === null ? '' : `; year from its ${yearFrom}`;
  return `${durationFrom} (${lines.join(', ')})${year}`;
}

function bars(document: LogDocument, { files }: LogIndex): void {
  const rows = files.flatMap(({ path, bars }) =>
    bars
      .filter((bar) => bar.elapsedS > 0)
      .map((bar): Piece[] => {
        const cite = (field: string): Cited => document.cite(path, `bar:${bar.name}:${field}`);
        const name = bar.name === '' ? '—' : escaped(bar.name);
        const done = bar.total === null ? '—' : bar.complete ? 'complete' : 'incomplete';
        return [code(path), name, cite('bars'), cite('count'), cite('elapsedS'), done];
      }),
  );
  if (rows.length === 0) return;
  document.doc.heading(2, 'Progress bars');
  document.doc.table(['Log file', 'Bar', 'Bars', 'Count', 'Elapsed (s)', 'State'], rows);
}

function fleets(document: LogDocument, { fleets }: LogIndex): void {
  const { doc } = document;
  for (const { name, servers } of fleets) {
    doc.heading(2, `Servers ${code(name)}`);
    doc.table(
      ['Server', 'Requests'],
      servers.map(({ path }) => [code(path), document.cite(name, `fleet:${path}`, INTEGER)]),
    );
    const fixed: NumberFormat = { style: 'fixed', digits: 4 };
    doc.add([
      ...['Largest over smallest: ', document.cite(name, 'fleet:maxOverMin', fixed)],
      ...['; Jain index: ', document.cite(name, 'fleet:jain', fixed), '.'],
    ]);
  }
}

function integrity({ doc }: LogDocument, { files, pairs }: LogIndex): void {
  doc.heading(2, 'Log integrity');
  doc.table(
    ['Log file', 'SHA-256', 'Encoding'],
    files.map(({ path, sha256, encoding }) => [code(path), code(sha256), encoding]),
  );
  if (pairs.length === 0) return;
  doc.add('**stdout and stderr, by name and by content:**');
  doc.blank();
  for (const { stdout, stderr, verdict, checks } of pairs) {
    const why = checks.map(({ ok, message }) => `${ok ? '' : 'but '}${escaped(message)}`);
    const reasons = why.length > 0 ? why.join('; ') : 'nothing in them can be compared';
    doc.add(`- ${code(stdout)} with ${code(stderr)}: **${verdict}**: ${reasons}`);
  }
  doc.blank();
}

function findings(doc: Builder, { files, findings }: LogIndex): void {
  const all = [
    ...findings.map(({ severity, message }) => `- ${severity}: ${escaped(message)}`),
    ...files.flatMap(({ path, findings }) =>
      findings.filter(isOfOne).map(({ severity, message, place }) => {
        const at = place === undefined ? '' : `, ${place}`;
        return `- ${severity}: ${code(path)}${at}: ${escaped(message)}`;
      }),
    ),
  ];
  if (all.length === 0) return;
  doc.heading(2, 'Findings');
  for (const line of all) doc.add(line);
}

/** Findings between files are listed once, not with each of them. */
export function isOfOne({ code }: Finding): boolean {
  return code !== 'pair-refuted';
}

function leftOut(doc: Builder, { skipped }: LogIndex): void {
  if (skipped.length === 0) return;
  doc.heading(2, 'Left out');
  for (const { path, reason } of skipped) doc.add(`- ${code(path)}: ${escaped(reason)}`);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `line 9`, and the file too when it is another one. */
function place(evidence: Evidence, path: string): string {
  const other = evidence.path === path ? '' : `${code(nameOf(evidence.path))} `;
  return `${other}line ${evidence.line}`;
}

function quote(evidence: Evidence, path: string): string {
  const text = evidence.text.trim();
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return `${place(evidence, path)}: ${code(short)}`;
}

/** Code that no character of a file name or a log line can end. */
export function code(text: string): string {
  const clean = visible(text);
  const ticks = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  if (ticks === 0) return `\`${clean}\``;
  const fence = '`'.repeat(ticks + 1);
  return `${fence} ${clean} ${fence}`;
}

/** Line breaks and other control characters, as JSON writes them. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

export function escaped(text: string): string {
  return visible(text).replaceAll(/[<>*_`[\]]/g, (character) => `\\${character}`);
}
