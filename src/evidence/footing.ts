/** What a derived number stands on: the files, rows and formulas behind it. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { COMPARISON_TEXTS } from '../analyze/compare.ts';
import { FORMULAS } from '../analyze/formulas.ts';
import type { NumberReference } from '../analyze/reference.ts';
import { FormatError, UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import { readRegular } from '../record/regular-file.ts';
import { MANIFEST_FILE } from '../record/run-directory.ts';
import { loadRun } from '../record/run-reader.ts';
import { SAMPLES_FILE } from '../record/samples.ts';

export interface RowsOfFile {
  readonly kind: string;
  readonly count: number;
  /** From 1: first and last. */
  readonly lines: string;
}

/** One file that the number is computed from. */
export interface Footing {
  /** Relative to the lab. */
  readonly file: string;
  /** Absent where a field of the file is meant, not rows. */
  readonly rows?: RowsOfFile;
  /** Id and, in words, what it does; or the field. */
  readonly by: string;
}

/** Runs that are gone have none. Formulas of decisions are named by their references. */
export function footings(lab: Lab, reference: NumberReference): Footing[] {
  const { run } = reference;
  switch (reference.from) {
    case 'metric':
      return ofMetric(lab, run, reference.metric);
    case 'manifest': {
      const path = `runs/${run}/${MANIFEST_FILE}`;
      return existsSync(join(lab.root, path)) ? [{ file: path, by: reference.path }] : [];
    }
    case 'coverage':
      return ofRows(lab, run, { kind: 'tensor', by: `coverage of ${reference.scheme}` });
    case 'comparison': {
      const { formula, baseline, params } = reference;
      const text = COMPARISON_TEXTS[formula];
      const given = `resamples=${params.resamples}, seed=${params.seed}`;
      const of = { kind: text?.reads ?? '', by: `${formula} (${given}): ${text?.describe}` };
      return [run, baseline].flatMap((id) => ofRows(lab, id, of));
    }
    case 'reduction':
      return [run, reference.baseline].flatMap((id) => ofMetric(lab, id, reference.metric));
    case 'latency-quantile':
      return ofRows(lab, run, { kind: 'iteration', by: 'quantile of the end-to-end times' });
    case 'calibration':
      return ofRows(lab, run, { kind: 'window', by: 'tokens by the probability of the likeliest' });
    case 'cost':
      return ofMetric(lab, run, reference.rate);
    case 'excess':
      return footings(lab, reference.of);
    case 'gpu-share':
      return ofMetric(lab, run, 'gpuPeakMemoryBytes');
    default:
      return ofMetric(lab, run, 'samplesPerSecond');
  }
}

function ofMetric(lab: Lab, runId: string, metric: string): Footing[] {
  const record = summaryOf(lab, runId)?.metrics[metric];
  if (!record) return [];
  const formula = FORMULAS[record.formula];
  const by = `${metric}: ${record.formula}: ${formula?.describe ?? 'unknown formula'}`;
  return ofRows(lab, runId, { kind: formula?.reads ?? '', by, file: record.samples });
}

function summaryOf(lab: Lab, runId: string) {
  try {
    return loadRun(lab, runId).summary;
  } catch (error) {
    if (error instanceof UsageError || error instanceof FormatError) return null;
    throw error;
  }
}

function ofRows(
  lab: Lab,
  runId: string,
  of: { kind: string; by: string; file?: string },
): Footing[] {
  const path = join(lab.runsDir, runId, of.file ?? SAMPLES_FILE);
  if (!existsSync(path)) return [];
  const file = relative(lab.root, path).replaceAll('\\', '/');
  return [{ file, rows: rowsOf(path, of.kind), by: of.by }];
}

/** The rows of one kind in a sample file. */
export function rowsOf(path: string, kind: string): RowsOfFile {
  const lines: number[] = [];
  for (const [index, line] of readRegular(path).toString('utf8').split('\n').entries()) {
    if (line.startsWith(`{"kind":"${kind}"`)) lines.push(index + 1);
  }
  const span = lines.length > 0 ? `${lines[0]}–${lines.at(-1)}` : '—';
  return { kind, count: lines.length, lines: span };
}
