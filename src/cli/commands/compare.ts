/** `assay compare [RUN…]`: every variant against the named baseline, and what to deploy. */
import { join } from 'node:path';
import type { ResolvableRun } from '../../analyze/reference.ts';
import { type CheckedDecision, checkDecision } from '../../experiment/decision-keys.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { acrossModels, acrossText, type ModelComparison } from '../../report/across-models.ts';
import { collectExperiment, type ExperimentReport, type Overrides } from '../../report/collect.ts';
import { decisions } from '../../report/collect-decision.ts';
import { COMPARE_SCHEMA, compareJson } from '../../report/compare-json.ts';
import { compareText } from '../../report/compare-tables.ts';
import { readDecision } from '../../report/decision-file.ts';
import { importedJson, importedText } from '../../report/imported-text.ts';
import { type ComparedImports, comparedImports } from '../compared-imports.ts';
import { type ComparedRuns, comparedRuns } from '../compared-runs.ts';
import { printFound } from '../experiment-report.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  runs: string[];
  experiment?: string;
  baseline?: string;
  across?: 'models';
  choose?: string;
  cost?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const asked = flagsOf(options);
  const lab = findLab(io.cwd);
  const imports = comparedImports(lab, options);
  if (imports?.alone) return compareImports(imports, options, io);
  const compared = comparedRuns(lab, options);
  const kept = readDecision(join(lab.reportsDir, compared.experiment)) ?? {};
  const { baseline } = compared;
  const overrides: Overrides = { ...kept, ...asked, ...(baseline ? { baseline } : {}) };
  const report = collectExperiment(compared.experiment, compared.runs, overrides);
  if (!report.cells.some(({ status }) => status === 'succeeded')) {
    throw new UsageError('none of these runs has a result', {
      hint: '`assay runs ls` shows which have one; `assay run EXPERIMENT.yaml` measures',
    });
  }
  const all = decisions(report);
  const across = options.across === undefined ? [] : modelsOf(compared, report);
  const told = new Set(across.map(({ run: id }) => id));
  const refused = refusals(compared).filter(({ run: id }) => !told.has(id));
  if (options.json) {
    const imported = imports ? { imported: importedJson(imports.report) } : {};
    writeJson(io.stdout, { ...compareJson(report, all), across, refused, ...imported });
    return 0;
  }
  const lines = refused.map(({ run: id, reason }) => `Not compared: runs/${id}: ${reason}.`);
  const parts = [
    ...compareText(report, all),
    ...(across.length > 0 ? [acrossText(across)] : []),
    ...(lines.length > 0 ? [lines.join('\n')] : []),
    ...(imports ? importedText(imports.report) : []),
  ];
  for (const [i, part] of parts.entries()) writeLine(io.stdout, i > 0 ? `\n${part}` : part);
  printFound(report, next(report), io);
  return 0;
}

/** Only imports: nothing here has samples, so nothing is ranked, priced or recommended. */
function compareImports(
  { experiment, report }: ComparedImports,
  options: Options,
  io: CommandIo,
): number {
  const asked = (['choose', 'cost', 'across'] as const).filter((flag) => options[flag]);
  if (asked.length > 0) {
    throw new UsageError(`--${asked.join(', --')}: imported numbers are not evidenced`, {
      hint: 'what is decided on needs samples: measure it with `assay run`',
    });
  }
  if (options.json) {
    const schema = COMPARE_SCHEMA;
    writeJson(io.stdout, { schema, experiment, imported: importedJson(report) });
    return 0;
  }
  const parts = importedText(report);
  for (const [i, part] of parts.entries()) writeLine(io.stdout, i > 0 ? `\n${part}` : part);
  const found = `${report.comparisons.length} comparisons of imported numbers, all not-evidenced`;
  writeLine(io.stdout, `\nFound: ${found}. Next: assay report ${experiment}`);
  return 0;
}

function next({ name }: ExperimentReport): string {
  return `assay report ${name}`;
}

/** Against the evaluation of the named baseline, else of the baseline of the first model. */
function modelsOf({ runs, others }: ComparedRuns, report: ExperimentReport): ModelComparison[] {
  const evaluated = report.cells.find(
    ({ scheme, run: of }) => scheme === report.config.baseline && of && isEvaluation(of),
  )?.run;
  if (!evaluated) {
    throw new UsageError('--across models: the baseline has no complete evaluation', {
      hint: 'bits per byte need an `eval` measure of each model on the same text',
    });
  }
  const { seed, margins } = report.config;
  const settings = { seed, margin: margins.perplexity };
  const found = acrossModels([...runs, ...others], evaluated, settings);
  if (found.length > 0) return found;
  throw new UsageError('--across models: there is no evaluation of another model', {
    hint: 'name the runs, or an experiment with several models: `assay runs ls`',
  });
}

function isEvaluation({ manifest, summary }: ResolvableRun): boolean {
  return manifest.status === 'succeeded' && summary?.metrics.perplexity !== undefined;
}

function refusals({ others }: ComparedRuns): { run: string; reason: string }[] {
  return others.map(({ manifest: { runId, variant } }) => {
    const reason = `${variant.model} is another model than the baseline's: see --across models`;
    return { run: runId, reason };
  });
}

/** Throws UsageError with every problem of both flags. */
function flagsOf({ choose, cost }: Options): CheckedDecision {
  const limits = choose === undefined ? undefined : pairs(choose);
  const { utilization, ...prices } = cost === undefined ? {} : pairs(cost);
  const checked = checkDecision({
    ...(limits ? { choose: limits } : {}),
    ...(cost === undefined ? {} : { cost: { usd_per_hour: prices, utilization } }),
  });
  if ('found' in checked) return checked.found;
  throw new UsageError(
    checked.problems.map((problem) => `--${problem}`),
    { hint: 'see `assay compare --help`' },
  );
}

/** `p95_ms=50,perplexity_increase=2%`: numbers are numbers, all else is left to be refused. */
function pairs(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split('=').map((each) => each.trim());
      const number = Number(value);
      return [name, value !== '' && Number.isFinite(number) ? number : value];
    }),
  );
}
