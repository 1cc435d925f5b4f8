/** `assay run EXPERIMENT.yaml` */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { estimate } from '../../experiment/estimate.ts';
import { type ExperimentPlan, planExperiment } from '../../experiment/plan.ts';
import { selectCells } from '../../experiment/select-cells.ts';
import { parseExperiment } from '../../experiment/spec.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab, type Lab } from '../../record/lab.ts';
import { textTable } from '../../report/table.ts';
import { downloadView } from '../download.ts';
import { execute, exitCodeOf, printFailures, runsAsJson } from '../experiment.ts';
import { printFound, printOverview, report } from '../experiment-report.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { builtinDir } from '../package.ts';
import { experimentRuns } from '../runs.ts';

interface Options {
  file: string;
  dryRun?: boolean;
  only?: string[];
  fresh?: boolean;
  charts?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const path = resolve(io.cwd, options.file);
  const plan = await load(path, options.file, io);
  return runPlan(plan, findLab(io.cwd), { ...options, again: `assay run ${options.file}` }, io);
}

/** Reads, checks and expands an experiment file. */
export async function load(path: string, shown: string, io: CommandIo): Promise<ExperimentPlan> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${shown}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      hint: '`assay init` writes a commented experiment file',
      cause,
    });
  }
  const { spec, lineOf } = parseExperiment(text, shown);
  const download = downloadView(io);
  return planExperiment(spec, {
    baseDir: dirname(path),
    builtinDir: builtinDir(),
    env: io.env,
    place: { file: shown, lineOf },
    ...download,
  });
}

interface PlanOptions extends Omit<Options, 'file'> {
  /** The command that continues this experiment. */
  again: string;
}

export async function runPlan(
  whole: ExperimentPlan,
  lab: Lab,
  options: PlanOptions,
  io: CommandIo,
): Promise<number> {
  const plan = selectCells(whole, options.only);
  if (options.dryRun) return dryRun(plan, lab, options, io);
  const fresh = options.fresh ?? false;
  const outcome = await execute(plan, lab, { reuse: !fresh, resume: !fresh }, io);
  printFailures(outcome, io);
  const exitCode = exitCodeOf(outcome);
  // Interrupted before the first cell: there may be nothing yet to report on.
  if (outcome.cells.length === 0) {
    if (options.json) writeJson(io.stdout, { experiment: plan.spec.name, runs: [], report: null });
    return exitCode;
  }
  const { report: found, written } = await report(lab, plan.spec.name, {
    now: plan.spec,
    ...(options.charts === undefined ? {} : { charts: options.charts }),
  });
  if (options.json) {
    const runs = runsAsJson(outcome, experimentRuns(lab, plan.spec.name));
    writeJson(io.stdout, { experiment: plan.spec.name, runs, report: written });
    return exitCode;
  }
  printOverview(found, io);
  writeLine(io.stdout, `\nExperiment log: ${written.logPath}`);
  printFound(found, exitCode === 0 ? 'assay compare' : options.again, io);
  return exitCode;
}

async function dryRun(
  plan: ExperimentPlan,
  lab: Lab,
  options: PlanOptions,
  io: CommandIo,
): Promise<number> {
  const cells = await estimate(plan, lab, builtinDir(), io.env);
  if (options.json) {
    writeJson(io.stdout, { experiment: plan.spec.name, cells });
    return 0;
  }
  const table = textTable(
    [
      { title: 'Cell' },
      { title: 'State' },
      { title: 'Tokens', align: 'right' },
      { title: 'About', align: 'right' },
      { title: 'Basis' },
    ],
    cells.map((cell) => [
      cell.name.replaceAll('~', ' '),
      cell.state,
      String(cell.tokens),
      `${Math.ceil(cell.seconds)} s`,
      cell.basis,
    ]),
  );
  writeLine(io.stdout, table);
  const total = cells.reduce((n, cell) => n + cell.seconds, 0);
  writeLine(io.stdout, `\n${cells.length} cells, about ${Math.ceil(total)} s. Nothing was run.`);
  writeLine(io.stdout, `Next: ${options.again}`);
  return 0;
}
