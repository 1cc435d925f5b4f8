/** `assay report [EXPERIMENT]` */
import { join, resolve } from 'node:path';
import { findLab } from '../../record/lab.ts';
import { importedReport, isImported } from '../../report/imported.ts';
import { writeImportedLog } from '../../report/write-report.ts';
import { printFound, printOverview, report } from '../experiment-report.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageVersion } from '../package.ts';
import { chosenRuns } from '../runs.ts';

interface Options {
  experiment?: string;
  out?: string;
  charts?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const { experiment: name, runs } = chosenRuns(lab, options.experiment);
  const out = options.out === undefined ? undefined : resolve(io.cwd, options.out);
  if (runs.every(isImported)) {
    const dir = out ?? join(lab.reportsDir, name);
    const written = writeImportedLog(importedReport(runs), {
      ...{ dir, name, version: packageVersion() },
    });
    if (options.json) writeJson(io.stdout, { experiment: name, ...written, imported: runs.length });
    else writeLine(io.stdout, `Written: ${written.logPath}\n\nNext: assay verify`);
    return 0;
  }
  const { report: found, written } = await report(lab, name, {
    runs,
    ...(options.charts === undefined ? {} : { charts: options.charts }),
    ...(out === undefined ? {} : { out }),
  });
  if (options.json) {
    const cells = found.cells.map(({ run: of, ...cell }) => ({
      ...cell,
      runId: of?.manifest.runId ?? null,
      metrics: of?.summary?.metrics ?? {},
    }));
    const speed = found.speed.map(({ configured: _, cell, baseline, ...comparison }) => ({
      ...{ model: cell.model, scheme: cell.scheme, run: cell.run.manifest.runId },
      ...{ baseline: baseline.run.manifest.runId, ...comparison },
    }));
    const comparisons = found.comparisons.map(({ configured: _, ...comparison }) => comparison);
    writeJson(io.stdout, { experiment: name, ...written, cells, comparisons, speed });
    return 0;
  }
  printOverview(found, io);
  writeLine(io.stdout, `\nWritten: ${written.logPath}`);
  writeLine(io.stdout, `         ${written.csvPath}`);
  printFound(found, 'assay verify', io);
  return 0;
}
