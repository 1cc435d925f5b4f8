/** `assay report [EXPERIMENT]` */
import { resolve } from 'node:path';
import { findLab } from '../../record/lab.ts';
import { printFound, printOverview, report } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { chosenExperiment } from '../runs.ts';

interface Options {
  experiment?: string;
  out?: string;
  charts?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const name = chosenExperiment(lab, options.experiment);
  const out = options.out === undefined ? undefined : resolve(io.cwd, options.out);
  const { report: found, written } = await report(lab, name, {
    charts: options.charts ?? true,
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
