/** `assay report [EXPERIMENT]` */
import { resolve } from 'node:path';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { listRuns } from '../../record/run-reader.ts';
import { printFound, printOverview, report } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  experiment?: string;
  out?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const experiments = new Map<string, string>();
  for (const entry of listRuns(lab)) {
    if (entry.kind === 'unreadable') continue;
    const { experiment, startedAt, measure } = entry.manifest;
    if (measure.startsWith('weights-')) continue;
    if (startedAt > (experiments.get(experiment) ?? '')) experiments.set(experiment, startedAt);
  }
  const newest = [...experiments].toSorted((a, b) => (a[1] < b[1] ? 1 : -1))[0]?.[0];
  const name = options.experiment ?? newest;
  if (name === undefined) {
    throw new UsageError(`no runs in ${lab.runsDir}`, { hint: '`assay demo` makes some' });
  }
  if (!experiments.has(name)) {
    throw new UsageError(`no experiment ${name} in ${lab.runsDir}`, {
      hint: `there are: ${[...experiments.keys()].join(', ') || 'none'}`,
    });
  }
  const out = options.out === undefined ? undefined : resolve(io.cwd, options.out);
  const { report: found, written } = report(lab, name, out);
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
