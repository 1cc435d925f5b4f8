/** `assay import FILE…`: results of other tools as runs; what is double, what is missing. */
import { relative, resolve } from 'node:path';
import { readRegularFile } from '../../evidence/audit/read-document.ts';
import { cellName, importKey, importRun } from '../../experiment/import-run.ts';
import { type Gaps, gapsOf } from '../../logs/results/gaps.ts';
import type { ImportedResult } from '../../logs/results/imported.ts';
import { readResults } from '../../logs/results/read-results.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { AssayError } from '../../record/errors.ts';
import { findLab, labAt } from '../../record/lab.ts';
import { listRuns } from '../../record/run-reader.ts';
import { writeSeal } from '../../record/seal.ts';
import { textTable } from '../../report/table.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageRoot } from '../package.ts';

interface Options {
  files: string[];
  name: string;
  json?: boolean;
}

interface Entry {
  readonly path: string;
  readonly text: string;
  readonly result: ImportedResult;
}

interface Imported extends Entry {
  /** null: it was there already. */
  readonly runId: string | null;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const { entries, failed } = readAll(options.files, io.cwd);
  const { duplicates, missing } = gapsOf(entries);
  const copies = new Set(duplicates.map((d) => d.copy));
  const wanted = entries.filter((entry) => !copies.has(entry));
  const imported = wanted.length > 0 ? await importAll(wanted, options.name, io) : [];
  const exitCode = failed[0]?.exitCode ?? 0;
  if (options.json) {
    writeJson(io.stdout, {
      runs: imported.map(({ path, result, runId }) => ({ path, runId, ...result })),
      duplicates: duplicates.map(({ copy, of }) => ({ ...named(copy), sameAs: named(of) })),
      missing,
      failed: failed.map(({ code, message, hint }) => ({ code, message, hint: hint ?? null })),
    });
    return exitCode;
  }
  if (imported.length > 0) writeTable(imported, io);
  writeGaps({ duplicates, missing }, io);
  for (const error of failed) {
    writeLine(io.stderr, `error: ${error.message}`);
    if (error.hint) writeLine(io.stderr, `hint: ${error.hint}`);
  }
  return exitCode;
}

function readAll(
  files: readonly string[],
  cwd: string,
): { entries: Entry[]; failed: AssayError[] } {
  const entries: Entry[] = [];
  const failed: AssayError[] = [];
  for (const path of new Set(files)) {
    try {
      const text = readRegularFile(resolve(cwd, path), path);
      for (const result of readResults({ path, text })) entries.push({ path, text, result });
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      failed.push(error);
    }
  }
  return { entries, failed };
}

async function importAll(
  entries: readonly Entry[],
  experiment: string,
  io: CommandIo,
): Promise<Imported[]> {
  const lab = labAt(findLab(io.cwd).root);
  const known = new Set(
    listRuns(lab).flatMap((run) => (run.kind === 'closed' ? [run.manifest.cellKey] : [])),
  );
  const environment = await captureEnvironment({ packageRoot: packageRoot(), env: io.env });
  const imported: Imported[] = [];
  for (const entry of entries) {
    if (known.has(importKey(entry, entry.result))) {
      imported.push({ ...entry, runId: null });
      continue;
    }
    const source = { path: relative(io.cwd, resolve(io.cwd, entry.path)), text: entry.text };
    const context = { lab, experiment, argv: io.argv, environment };
    const { runId } = await importRun(source, entry.result, context);
    imported.push({ ...entry, runId });
  }
  writeSeal(lab);
  return imported;
}

function writeTable(imported: readonly Imported[], io: CommandIo): void {
  const rows = imported.map(({ result, runId }) => {
    const shown = result.metrics.slice(0, 3).map((m) => `${m.name} ${m.value} ${m.unit}`.trim());
    const state = runId === null ? 'there already' : result.error === null ? 'imported' : 'failed';
    return [cellName(result), state, result.error ?? shown.join(', ')];
  });
  writeLine(
    io.stdout,
    textTable([{ title: 'cell' }, { title: 'state' }, { title: 'reports' }], rows),
  );
  const metrics = imported.flatMap(({ result }) => result.metrics);
  const bare = metrics.filter((m) => !m.samples).length;
  writeLine(
    io.stdout,
    `\n${metrics.length} numbers, ${bare} of them not evidenced: they came without samples. ` +
      'What is compared with them is not evidenced either.',
  );
}

const named = ({ path, result }: Entry): { path: string; cell: string } => {
  return { path, cell: cellName(result) };
};

function writeGaps({ duplicates, missing }: Gaps<Entry>, io: CommandIo): void {
  for (const { copy, of } of duplicates) {
    const { path, cell } = named(copy);
    writeLine(
      io.stdout,
      `duplicate, not imported: ${path} has ${cell} with the numbers of ${of.path}`,
    );
  }
  for (const gap of missing) writeLine(io.stdout, `missing: ${gap}`);
}
