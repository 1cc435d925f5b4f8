/** One closed run: manifest, files, samples, and every metric computed again from the samples. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { computeMetric } from '../analyze/formulas.ts';
import { groupSamples, type Samples } from '../analyze/samples.ts';
import { sha256Hex } from '../record/canonical.ts';
import { manifestDigest } from '../record/manifest.ts';
import { parseJson } from '../record/parse-json.ts';
import { readRegular } from '../record/regular-file.ts';
import type { SampleRow } from '../record/rows.ts';
import { checkRun } from '../record/run-check.ts';
import { SUMMARY_FILE } from '../record/run-directory.ts';
import type { ClosedRun } from '../record/run-reader.ts';
import { SAMPLE_FILES } from '../record/samples.ts';
import { type Manifest, type Metric, type Summary, summarySchema } from '../record/schema.ts';
import { type Discrepancy, placeIn } from './discrepancy.ts';
import { jsonLeaves, leafOf, pathText } from './json-place.ts';
import { type MendedFile, mendFile } from './mended-file.ts';
import { mendManifest, unlikeWritten } from './mended-manifest.ts';
import { trustedSamples } from './trusted-samples.ts';

export interface VerifiedRun {
  readonly runId: string;
  readonly discrepancies: readonly Discrepancy[];
  readonly metrics: number;
  readonly rows: readonly SampleRow[] | null;
  /** As it was closed, where that can be had. */
  readonly manifest: Manifest;
  /** As it was closed where that can be had, else as it stands; null: none that can be read. */
  readonly summary: Summary | null;
}

export async function verifyRun(found: ClosedRun): Promise<VerifiedRun> {
  const mended = manifestDigest(found.raw) === found.manifest.digest ? null : mendManifest(found);
  // What the manifest said is the measure of everything else; what it says now is one finding.
  const run = mended?.run ?? found;
  const { rows, discrepancies: samples } = trustedSamples(run);
  const manifestEdits = mended ? [mended.discrepancy] : unlikeWritten(found);
  const all: Discrepancy[] = [...manifestEdits, ...samples];
  const { summary, discrepancies: metrics, count } = verifySummary(run, rows);
  all.push(...metrics);
  for (const finding of await checkRun(run)) {
    const path = finding.place?.slice(`runs/${run.runId}/`.length) ?? '';
    // These files were looked at number by number above; only say more when that found nothing.
    if (SAMPLE_FILES.includes(path) && samples.some((each) => isAbout(each, path))) continue;
    if (path === SUMMARY_FILE && metrics.length > 0) continue;
    all.push({ code: finding.code, message: finding.message, run: run.runId });
  }
  const { runId, manifest } = run;
  return { runId, manifest, discrepancies: all, metrics: count, rows, summary };
}

/** Every discrepancy of a sample file has its place in it, or names it. */
function isAbout({ place, message }: Discrepancy, file: string): boolean {
  return place ? place.file.endsWith(`/${file}`) : message.includes(`/${file} `);
}

function verifySummary(
  run: ClosedRun,
  rows: readonly SampleRow[] | null,
): { summary: Summary | null; discrepancies: Discrepancy[]; count: number } {
  const path = join(run.dir, SUMMARY_FILE);
  if (!existsSync(path)) return { summary: null, discrepancies: [], count: 0 };
  let bytes: Buffer;
  try {
    bytes = readRegular(path);
  } catch {
    // What stands there in its place is said where all files of the run are looked at.
    return { summary: null, discrepancies: [], count: 0 };
  }
  const mended = mendSummary(run, bytes);
  const content = mended?.text ?? bytes.toString('utf8');
  const summary = parseSummary(content);
  const discrepancies: Discrepancy[] = mended ? [mended.discrepancy] : [];
  if (!summary || !rows) return { summary, discrepancies, count: 0 };
  const samples = groupSamples(rows);
  const leaves = jsonLeaves(content);
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

function mendSummary(run: ClosedRun, bytes: Buffer): MendedFile | null {
  const sha256 = run.manifest.files.find((file) => file.path === SUMMARY_FILE)?.sha256;
  if (sha256 === undefined || sha256Hex(bytes) === sha256) return null;
  const { runId } = run;
  const file = `runs/${runId}/${SUMMARY_FILE}`;
  return mendFile({ file, bytes, sha256, run: runId, code: 'summary-edited' });
}

function parseSummary(content: string): Summary | null {
  try {
    return summarySchema.parse(parseJson(content));
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
