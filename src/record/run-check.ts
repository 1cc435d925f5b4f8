/** Whether a closed run is still what its manifest says. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256File } from './canonical.ts';
import { manifestDigest } from './manifest.ts';
import { otherThanFile } from './regular-file.ts';
import { isOwnFile } from './run-directory.ts';
import type { ClosedRun } from './run-reader.ts';
import { readSamples } from './sample-reader.ts';
import type { Finding } from './schema.ts';

/**
 * Recomputes the digest and every file hash. Errors: `manifest-edited`, `file-missing`,
 * `file-edited` (for samples with the lines whose checksum fails), `file-added`.
 */
export async function checkRun(run: ClosedRun): Promise<Finding[]> {
  const findings: Finding[] = [];
  const digest = manifestDigest(run.raw);
  if (digest !== run.manifest.digest) {
    findings.push({
      code: 'manifest-edited',
      severity: 'error',
      message: `${run.runId}: the manifest does not have the digest that it states`,
      place: `runs/${run.runId}/manifest.json`,
      evidence: { stated: run.manifest.digest, found: digest },
    });
  }
  for (const file of run.manifest.files) findings.push(...(await checkFile(run, file)));
  return [...findings, ...addedFiles(run)];
}

async function checkFile(
  run: ClosedRun,
  file: ClosedRun['manifest']['files'][number],
): Promise<Finding[]> {
  const path = join(run.dir, file.path);
  const place = `runs/${run.runId}/${file.path}`;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    const message = `${place} was deleted`;
    return [{ code: 'file-missing', severity: 'error', message, place }];
  }
  const what = otherThanFile(stat);
  if (what !== null) {
    const message = `${place} is ${what}, not the file that was recorded`;
    return [{ code: 'file-edited', severity: 'error', message, place }];
  }
  const found = await sha256File(path);
  if (found === file.sha256 && stat.size === file.bytes) return [];
  const lines = file.role === 'samples' ? readSamples(path).corrupt.slice(0, 20) : [];
  const where = lines.length > 0 ? `; the checksum fails in line ${lines[0]?.line}` : '';
  return [
    {
      code: 'file-edited',
      severity: 'error',
      message: `${place} was changed after the run was closed${where}`,
      place,
      evidence: {
        ...{ stated: file.sha256, found, statedBytes: file.bytes, foundBytes: stat.size },
        ...(lines.length > 0 ? { lines } : {}),
      },
    },
  ];
}

function addedFiles(run: ClosedRun): Finding[] {
  const known = new Set(run.manifest.files.map((file) => file.path));
  return readdirSync(run.dir, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(run.dir.length + 1))
    .filter((path) => !isOwnFile(path) && !known.has(path))
    .sort()
    .map((path) => ({
      code: 'file-added',
      severity: 'error',
      message: `runs/${run.runId}/${path} is not among the files of the manifest`,
      place: `runs/${run.runId}/${path}`,
    }));
}
