/** One closed run: manifest, files, samples, and every metric computed again from the samples. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { computeMetric } from '../analyze/formulas.ts';
import { groupSamples, type Samples } from '../analyze/samples.ts';
import { manifestDigest } from '../record/manifest.ts';
import type { SampleRow } from '../record/rows.ts';
import { checkRun } from '../record/run-check.ts';
import { SUMMARY_FILE } from '../record/run-directory.ts';
import type { ClosedRun } from '../record/run-reader.ts';
import { SAMPLES_FILE } from '../record/samples.ts';
import { type Metric, type Summary, summarySchema } from '../record/schema.ts';
import { type Discrepancy, placeIn } from './discrepancy.ts';
import { jsonLeaves, leafAt, leafOf, pathText } from './json-place.ts';
import { recoverDigit } from './recover.ts';
import { trustedSamples } from './trusted-samples.ts';

export interface VerifiedRun {
  readonly runId: string;
  readonly discrepancies: readonly Discrepancy[];
  readonly metrics: number;
  readonly rows: readonly SampleRow[] | null;
  /** As it stands on disk; null when there is none or it cannot be read. */
  readonly summary: Summary | null;
}

export async function verifyRun(run: ClosedRun): Promise<VerifiedRun> {
  const { rows, discrepancies: samples } = trustedSamples(run);
  const found: Discrepancy[] = [...samples];
  const { summary, discrepancies: metrics, count } = verifySummary(run, rows);
  found.push(...metrics);
  for (const finding of await checkRun(run)) {
    const path = finding.place?.slice(`runs/${run.runId}/`.length) ?? '';
    // These files were looked at number by number above; only say more when that found nothing.
    if (path === SAMPLES_FILE && samples.length > 0) continue;
    if (path === SUMMARY_FILE && metrics.length > 0) continue;
    if (finding.code === 'manifest-edited') found.push(manifestEdit(run, finding.message));
    else found.push({ code: finding.code, message: finding.message, run: run.runId });
  }
  return { runId: run.runId, discrepancies: found, metrics: count, rows, summary };
}

function verifySummary(
  run: ClosedRun,
  rows: readonly SampleRow[] | null,
): { summary: Summary | null; discrepancies: Discrepancy[]; count: number } {
  const path = join(run.dir, SUMMARY_FILE);
  if (!existsSync(path)) return { summary: null, discrepancies: [], count: 0 };
  const content = readFileSync(path, 'utf8');
  const summary = parseSummary(content);
  if (!summary || !rows) return { summary, discrepancies: [], count: 0 };
  const samples = groupSamples(rows);
  const leaves = jsonLeaves(content);
  const discrepancies: Discrepancy[] = [];
  for (const [name, metric] of Object.entries(summary.metrics)) {
    for (const { path: field, expected, found } of differences(metric, samples)) {
      const leaf = leafOf(leaves, ['metrics', name, ...field]);
      const file = `runs/${run.runId}/${SUMMARY_FILE}`;
      discrepancies.push({
        code: 'metric-differs',
        message: `${name}.${pathText(field)} of run ${run.runId}: ${metric.formula} gives another`,
        run: run.runId,
        ...(leaf ? { place: placeIn(file, content, leaf) } : {}),
        expected: JSON.stringify(expected),
        // As it is written, which may be more digits than the double keeps.
        found: leaf ? content.slice(leaf.start, leaf.end) : JSON.stringify(found),
      });
    }
  }
  return { summary, discrepancies, count: Object.keys(summary.metrics).length };
}

function parseSummary(content: string): Summary | null {
  try {
    return summarySchema.parse(JSON.parse(content));
  } catch {
    return null;
  }
}

interface Difference {
  readonly path: readonly (string | number)[];
  readonly expected: unknown;
  readonly found: unknown;
}

/** Bit for bit: the same rows, formula and seed give the same doubles. */
function differences(metric: Metric, samples: Samples): Difference[] {
  let again: Metric;
  try {
    again = computeMetric(metric, samples);
  } catch (error) {
    return [{ path: ['formula'], expected: (error as Error).message, found: metric.formula }];
  }
  const found: Difference[] = [];
  const compare = (path: (string | number)[], expected: unknown, value: unknown): void => {
    if (!Object.is(expected, value)) found.push({ path, expected, found: value });
  };
  for (const key of ['value', 'n', 'units', 'unit', 'unitOf'] as const) {
    compare([key], again[key], metric[key]);
  }
  for (const i of [0, 1]) compare(['ci95', i], again.ci95?.[i] ?? null, metric.ci95?.[i] ?? null);
  return found;
}

/** A digit that makes the digest fit again is what the manifest said. */
function manifestEdit(run: ClosedRun, message: string): Discrepancy {
  const path = join(run.dir, 'manifest.json');
  const content = readFileSync(path, 'utf8');
  const file = `runs/${run.runId}/manifest.json`;
  const base = { code: 'manifest-edited', message, run: run.runId };
  const fits = (candidate: string): boolean => {
    try {
      const manifest = JSON.parse(candidate) as Record<string, unknown>;
      return manifest.digest === manifestDigest(manifest);
    } catch {
      return false;
    }
  };
  const changed = recoverDigit(content, fits);
  const leaf = changed && leafAt(jsonLeaves(content), changed.index);
  if (!changed || !leaf) return base;
  const found = content.slice(leaf.start, leaf.end);
  const at = changed.index - leaf.start;
  return {
    ...base,
    message: `${pathText(leaf.path)} in the manifest of run ${run.runId} was changed`,
    place: placeIn(file, content, leaf),
    expected: found.slice(0, at) + changed.original + found.slice(at + 1),
    found,
  };
}
