/** Puts the generated files of one experiment on disk. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFileAtomic, writeJsonAtomic } from '../record/atomic.ts';
import { canonicalJson, sha256Hex } from '../record/canonical.ts';
import { UsageError } from '../record/errors.ts';
import { findNumerals } from '../record/find-numerals.ts';
import type { ExperimentReport } from './collect.ts';
import { confusionCsv } from './confusion-csv.ts';
import { DOCUMENT_EVIDENCE_SCHEMA, type DocumentEvidence } from './document.ts';
import {
  EVIDENCE_FILE_NAME,
  experimentLog,
  LOG_FILE_NAME,
  type NoteFile,
} from './experiment-log.ts';
import { summaryCsv } from './summary-csv.ts';

export interface WrittenReport {
  readonly logPath: string;
  readonly evidencePath: string;
  readonly csvPath: string;
  /** Where labelled sets were measured. */
  readonly confusionPath?: string;
}

/** Throws UsageError instead of overwriting a log that a person wrote. */
export function writeReport(
  report: ExperimentReport,
  options: { dir: string; version: string },
): WrittenReport {
  const { dir, version } = options;
  const logPath = join(dir, LOG_FILE_NAME);
  const evidencePath = join(dir, EVIDENCE_FILE_NAME);
  const csvPath = join(dir, 'summary.csv');
  if (existsSync(logPath) && !existsSync(evidencePath)) {
    throw new UsageError(`${logPath} was not written by assay`, {
      hint: 'choose another folder with --out, or move that file to notes/',
    });
  }
  mkdirSync(dir, { recursive: true });
  const { text, evidence } = experimentLog(report, { version, notes: readNotes(dir) });
  writeJsonAtomic(evidencePath, withDigest(evidence));
  writeFileAtomic(logPath, text);
  writeTable(csvPath, summaryCsv(report), report.name);
  const confusion = confusionCsv(report);
  if (confusion === null) return { logPath, evidencePath, csvPath };
  const confusionPath = join(dir, 'confusion.csv');
  writeTable(confusionPath, confusion, report.name);
  return { logPath, evidencePath, csvPath, confusionPath };
}

/** A table for machines with the evidence beside it. */
function writeTable(path: string, text: string, experiment: string): void {
  const evidence = withDigest(fileEvidence(basename(path), text, experiment));
  writeJsonAtomic(path.replace(/\.csv$/, '.evidence.json'), evidence);
  writeFileAtomic(path, text);
}

/** So that a digit changed in the evidence itself is found, also one that rounds away. */
function withDigest(evidence: DocumentEvidence): DocumentEvidence & { digest: string } {
  return { ...evidence, digest: sha256Hex(canonicalJson(evidence)) };
}

/**
 * A table for machines, as a whole: its cells are those of the runs that it names. Numerals that
 * stand alone in a cell's text (a label of `5 stars`) are constants of it.
 */
function fileEvidence(document: string, text: string, experiment: string): DocumentEvidence {
  return {
    ...{ schema: DOCUMENT_EVIDENCE_SCHEMA, document, sha256: sha256Hex(text) },
    ...{ experiment, numbers: [], constants: findNumerals(text), prose: [] },
  };
}

function readNotes(dir: string): NoteFile[] {
  const notes = join(dir, 'notes');
  if (!existsSync(notes)) return [];
  return readdirSync(notes)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({ file: `notes/${name}`, content: readFileSync(join(notes, name), 'utf8') }));
}
