/** A result of another tool as a closed run that says whose numbers it holds. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mean } from '../analyze/describe.ts';
import { computeMetric } from '../analyze/formulas.ts';
import { groupSamples } from '../analyze/samples.ts';
import {
  IMPORT_MEASURE,
  type ImportedResult,
  type ReportedMetric,
} from '../logs/results/imported.ts';
import { canonicalSha256, sha256Hex } from '../record/canonical.ts';
import type { Lab } from '../record/lab.ts';
import type { SampleRow } from '../record/rows.ts';
import { createRun } from '../record/run-writer.ts';
import { readSamples } from '../record/sample-reader.ts';
import type { Environment, Finding, Manifest } from '../record/schema.ts';
import { appendRows } from './open-run.ts';

export interface ImportSource {
  /** As it was given. */
  readonly path: string;
  readonly text: string;
}

export interface ImportContext {
  readonly lab: Lab;
  readonly experiment: string;
  readonly argv: readonly string[];
  readonly environment: Environment;
}

/** Same file content, same entry: the same import. */
export function importKey(source: ImportSource, result: ImportedResult): string {
  const { tool, model, scheme, settings } = result;
  const what = { source: sha256Hex(source.text), tool, model, scheme, settings };
  return canonicalSha256(what);
}

export function cellName({ tool, model, scheme, settings }: ImportedResult): string {
  const name = model.split('/').at(-1) as string;
  const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return [name, scheme, tool, ...set].join('~');
}

/** Writes the run: the file itself, a row a number, metrics by formula. Throws StorageError. */
export async function importRun(
  source: ImportSource,
  result: ImportedResult,
  context: ImportContext,
): Promise<Manifest> {
  const { tool, model, scheme, settings, measuredAt, error } = result;
  const run = createRun(context.lab, {
    experiment: context.experiment,
    cell: cellName(result),
    measure: IMPORT_MEASURE,
    variant: { model, scheme },
    argv: [...context.argv],
    config: { imported: { from: source.path, tool, settings, measuredAt } },
    cellKey: importKey(source, result),
    resumedFrom: null,
    environment: context.environment,
    seeds: {},
    git: null,
  });
  writeFileSync(join(run.dir, `source-${basename(source.path)}`), source.text);
  appendRows(run, rowsOf(result));
  const samples = groupSamples(readSamples(run.samplesPath).rows);
  const metrics = Object.fromEntries(
    result.metrics.map((metric) => {
      const formula = metric.samples ? 'import.mean/1' : 'import.reported/1';
      return [metric.name, computeMetric({ formula, params: { metric: metric.name } }, samples)];
    }),
  );
  return run.close({
    status: error === null ? 'succeeded' : 'failed',
    reason: error,
    summary: error === null ? { metrics } : null,
    findings: findingsOf(result),
  });
}

function rowsOf(result: ImportedResult): SampleRow[] {
  return result.metrics.map(({ name, value, unit, place, samples }) => ({
    kind: 'reported',
    metric: name,
    unit,
    value: String(value),
    place,
    ...(samples ? { samples: [...samples] } : {}),
  }));
}

function findingsOf({ tool, metrics, measuredAt }: ImportedResult): Finding[] {
  const bare = metrics.filter((m) => !m.samples).length;
  const when = measuredAt === null ? 'at a time that it does not say' : `on ${measuredAt}`;
  return [
    {
      code: 'imported',
      severity: 'warning',
      message:
        `measured by ${tool} ${when}; the environment and the times of this run are those of ` +
        'the import',
    },
    ...(bare > 0
      ? [
          {
            code: 'not-evidenced',
            severity: 'warning' as const,
            message: `${bare} of ${metrics.length} numbers came without samples to decide them`,
          },
        ]
      : []),
    ...metrics.flatMap(differing),
  ];
}

/** A mean that is not that of the samples beside it. */
function differing({ name, value, samples }: ReportedMetric): Finding[] {
  if (!samples || samples.length === 0) return [];
  const own = mean(samples);
  // Files print six significant digits at the least.
  if (Math.abs(own - value) <= Math.abs(value) * 1e-5) return [];
  const message = `${name}: the file says ${value}, its samples have the mean ${own}`;
  return [{ code: 'reported-differs', severity: 'warning', message }];
}
