/** Reports of an experiment, and the lines that say what was found. */
import { join } from 'node:path';
import type { ResolvableRun } from '../analyze/reference.ts';
import type { Lab } from '../record/lab.ts';
import { removeCharts, writeCharts } from '../report/charts/write-charts.ts';
import { collectExperiment, type ExperimentReport, recordedConfig } from '../report/collect.ts';
import { type Decision, keepDecision, readDecision } from '../report/decision-file.ts';
import { importedReport } from '../report/imported.ts';
import { conclusionText, foundText, overviewText } from '../report/terminal.ts';
import { refuseForeignLog, type WrittenReport, writeReport } from '../report/write-report.ts';
import { type CommandIo, writeLine } from './io.ts';
import { packageVersion } from './package.ts';
import { experimentRuns } from './runs.ts';

/**
 * `now`: limits and prices of the experiment file, where it was just read. `charts`: all or none;
 * else as many as are drawn unasked. `runs`: where they were read already.
 */
export async function report(
  lab: Lab,
  experiment: string,
  options: {
    out?: string;
    now?: Decision;
    charts?: boolean;
    runs?: readonly ResolvableRun[];
  } = {},
): Promise<{ report: ExperimentReport; written: WrittenReport }> {
  const { out, now, runs = experimentRuns(lab, experiment) } = options;
  const own = join(lab.reportsDir, experiment);
  if (now) keepDecision(own, now, recordedConfig(experiment, runs));
  const collected = collectExperiment(experiment, runs, readDecision(own) ?? {});
  const dir = out ?? own;
  refuseForeignLog(dir);
  const charts =
    options.charts === false
      ? removeCharts(dir)
      : await writeCharts(collected, dir, { all: options.charts ?? false });
  const version = packageVersion();
  const imports = importedReport(runs);
  const written = writeReport(collected, { dir, version, charts, imports });
  return { report: collected, written };
}

/** The tables that answer the question, and the lines under them. */
export function printOverview(found: ExperimentReport, io: CommandIo): void {
  for (const part of overviewText(found, io.stdout.columns)) writeLine(io.stdout, `\n${part}`);
}

/** The last line: what was found, and which command to try next. */
export function printFound(found: ExperimentReport, next: string, io: CommandIo): void {
  const conclusion = conclusionText(found);
  if (conclusion !== null) writeLine(io.stdout, `\n${conclusion}`);
  const said = foundText(found) ?? 'Nothing was compared yet.';
  writeLine(io.stdout, `\nFound: ${said} Next: ${next}`);
}
