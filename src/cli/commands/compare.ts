/** `assay compare [RUN…]`: every variant against the named baseline, and what to deploy. */
import { join } from 'node:path';
import { type CheckedDecision, checkDecision } from '../../experiment/decision-keys.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { collectExperiment, type ExperimentReport, type Overrides } from '../../report/collect.ts';
import { decisions } from '../../report/collect-decision.ts';
import { compareJson } from '../../report/compare-json.ts';
import { compareText } from '../../report/compare-tables.ts';
import { readDecision } from '../../report/decision-file.ts';
import { type ComparedRuns, comparedRuns } from '../compared-runs.ts';
import { printFound } from '../experiment.ts';
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
  if (options.across !== undefined) {
    throw new UsageError('--across models: bits per byte are not measured yet', {
      hint: 'compare the variants of one model; name its baseline with --baseline',
    });
  }
  const asked = flagsOf(options);
  const lab = findLab(io.cwd);
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
  const refused = refusals(compared);
  if (options.json) {
    writeJson(io.stdout, { ...compareJson(report, all), refused });
    return 0;
  }
  const lines = refused.map(({ run: id, reason }) => `Not compared: runs/${id}: ${reason}.`);
  const parts = [...compareText(report, all), ...(lines.length > 0 ? [lines.join('\n')] : [])];
  for (const [i, part] of parts.entries()) writeLine(io.stdout, i > 0 ? `\n${part}` : part);
  printFound(report, next(report), io);
  return 0;
}

function next({ name }: ExperimentReport): string {
  return `assay report ${name}`;
}

function refusals({ otherModels }: ComparedRuns): { run: string; reason: string }[] {
  return otherModels.map(({ runId, variant }) => {
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
