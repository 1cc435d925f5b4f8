/** Puts the generated files of one experiment on disk. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../record/atomic.ts';
import { UsageError } from '../record/errors.ts';
import { findNumerals } from '../record/find-numerals.ts';
import { BASELINES_FILE_NAME, baselines } from './baselines.ts';
import { CHARTS_FOLDER, isDrawn, type Planned } from './charts/chart.ts';
import type { ExperimentReport } from './collect.ts';
import { confusionCsv } from './confusion-csv.ts';
import {
  DOCUMENT_EVIDENCE_SCHEMA,
  type DocumentEvidence,
  fingerprint,
  sidecarJson,
} from './document.ts';
import {
  EVIDENCE_FILE_NAME,
  experimentLog,
  importedLog,
  LOG_FILE_NAME,
  type NoteFile,
} from './experiment-log.ts';
import type { ImportedReport } from './imported.ts';
import { summaryCsv } from './summary-csv.ts';

export interface WrittenReport {
  readonly logPath: string;
  readonly evidencePath: string;
  readonly csvPath: string;
  /** Where anything was scored. */
  readonly baselinesPath?: string;
  /** Where labelled sets were measured. */
  readonly confusionPath?: string;
}

/** `charts`: what `writeCharts` planned and drew beside it. Throws as `refuseForeignLog`. */
export function writeReport(
  report: ExperimentReport,
  options: {
    dir: string;
    version: string;
    charts?: readonly Planned[];
    imports?: ImportedReport;
  },
): WrittenReport {
  const { dir, version, imports, charts = [] } = options;
  const logPath = join(dir, LOG_FILE_NAME);
  const evidencePath = join(dir, EVIDENCE_FILE_NAME);
  const csvPath = join(dir, 'summary.csv');
  refuseForeignLog(dir);
  mkdirSync(dir, { recursive: true });
  const { text, evidence } = experimentLog(report, {
    ...{ version, charts, notes: readNotes(dir) },
    ...(imports ? { imports } : {}),
  });
  writeTable(csvPath, summaryCsv(report), report.name);
  const others = { ...writeBaselines(report, dir, version), ...writeConfusion(report, dir) };
  const drawn = charts.filter(isDrawn).map(({ name }) => `${CHARTS_FOLDER}/${name}.vl.json`);
  const beside = [csvPath, ...Object.values(others)].map((path) => basename(path));
  writeFileAtomic(evidencePath, sidecarJson({ ...evidence, beside: [...beside, ...drawn] }));
  writeFileAtomic(logPath, text);
  return { logPath, evidencePath, csvPath, ...others };
}

function writeBaselines(
  report: ExperimentReport,
  dir: string,
  version: string,
): Pick<WrittenReport, 'baselinesPath'> {
  const written = baselines(report, { version });
  if (written === null) return {};
  const baselinesPath = join(dir, BASELINES_FILE_NAME);
  writeFileAtomic(baselinesPath.replace(/\.md$/, '.evidence.json'), sidecarJson(written.evidence));
  writeFileAtomic(baselinesPath, written.text);
  return { baselinesPath };
}

function writeConfusion(
  report: ExperimentReport,
  dir: string,
): Pick<WrittenReport, 'confusionPath'> {
  const confusion = confusionCsv(report);
  if (confusion === null) return {};
  const confusionPath = join(dir, 'confusion.csv');
  writeTable(confusionPath, confusion, report.name);
  return { confusionPath };
}

/** The log alone: there is nothing of ours to tabulate. Throws as `refuseForeignLog`. */
export function writeImportedLog(
  imports: ImportedReport,
  options: { dir: string; name: string; version: string },
): Pick<WrittenReport, 'logPath' | 'evidencePath'> {
  const { dir, name, version } = options;
  refuseForeignLog(dir);
  makeDirectory(dir);
  const { text, evidence } = importedLog(imports, { name, version, notes: readNotes(dir) });
  const [logPath, evidencePath] = [join(dir, LOG_FILE_NAME), join(dir, EVIDENCE_FILE_NAME)];
  writeFileAtomic(evidencePath, sidecarJson(evidence));
  writeFileAtomic(logPath, text);
  return { logPath, evidencePath };
}

/** A table for machines with the evidence beside it. */
function writeTable(path: string, text: string, experiment: string): void {
  const evidence = fileEvidence(basename(path), text, experiment);
  writeFileAtomic(path.replace(/\.csv$/, '.evidence.json'), sidecarJson(evidence));
  writeFileAtomic(path, text);
}

/** Throws UsageError where a log would be overwritten that a person wrote. */
export function refuseForeignLog(dir: string): void {
  const path = join(dir, LOG_FILE_NAME);
  if (!existsSync(path) || existsSync(join(dir, EVIDENCE_FILE_NAME))) return;
  throw new UsageError(`${path} was not written by assay`, {
    hint: 'choose another folder with --out, or move that file to notes/',
  });
}

/**
 * A table for machines, as a whole: its cells are those of the runs that it names. Numerals that
 * stand alone in a cell's text (a label of `5 stars`) are constants of it.
 */
function fileEvidence(document: string, text: string, experiment: string): DocumentEvidence {
  return {
    ...{ schema: DOCUMENT_EVIDENCE_SCHEMA, document, ...fingerprint(text) },
    ...{ experiment, numbers: [], family: [], constants: findNumerals(text), prose: [] },
    beside: [LOG_FILE_NAME],
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
