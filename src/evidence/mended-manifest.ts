/** A manifest in which one digit was changed: which, what it was, and the run as it was closed. */
import { join } from 'node:path';
import { prettyJson } from '../record/atomic.ts';
import { manifestDigest } from '../record/manifest.ts';
import { parseJson } from '../record/parse-json.ts';
import { readRegular } from '../record/regular-file.ts';
import { MANIFEST_FILE } from '../record/run-directory.ts';
import type { ClosedRun } from '../record/run-reader.ts';
import { manifestSchema } from '../record/schema.ts';
import { type Discrepancy, placeIn } from './discrepancy.ts';
import { jsonLeaves, leafAt, pathText } from './json-place.ts';
import { recoverDigit } from './recover.ts';

export interface MendedManifest {
  readonly run: ClosedRun;
  readonly discrepancy: Discrepancy;
}

/** A digit that makes the digest fit again is what the manifest said. null: not one digit. */
export function mendManifest({
  runId,
  dir,
}: {
  runId: string;
  dir: string;
}): MendedManifest | null {
  let content: string;
  try {
    content = readRegular(join(dir, MANIFEST_FILE)).toString('utf8');
  } catch {
    return null;
  }
  if (isForeign(content)) return null;
  const changed = recoverDigit(content, (candidate) => isWhole(candidate, runId));
  if (!changed) return null;
  const { index, original } = changed;
  const text = content.slice(0, index) + original + content.slice(index + 1);
  const raw = JSON.parse(text) as Record<string, unknown>;
  const leaf = leafAt(jsonLeaves(text), index) ?? { path: [], start: index, end: index + 1 };
  const { start, end } = leaf;
  const what = leaf.path.length > 0 ? pathText(leaf.path) : 'a name';
  const discrepancy: Discrepancy = {
    code: 'manifest-edited',
    message: `${what} in the manifest of run ${runId} was changed`,
    run: runId,
    place: placeIn(`runs/${runId}/${MANIFEST_FILE}`, content, { start, end }),
    expected: text.slice(start, end),
    found: content.slice(start, end),
  };
  const run: ClosedRun = { kind: 'closed', runId, dir, manifest: manifestSchema.parse(raw), raw };
  return { run, discrepancy };
}

/**
 * What no digest can see, because the parsed values are the same: another digit of the same double,
 * white space, and a name that stands twice, of which a reader sees the first, a parser the last.
 */
export function unlikeWritten({ runId, dir }: { runId: string; dir: string }): Discrepancy[] {
  const content = readRegular(join(dir, MANIFEST_FILE)).toString('utf8');
  const file = `runs/${runId}/${MANIFEST_FILE}`;
  const numerals = jsonLeaves(content).flatMap(({ path, start, end }) => {
    const found = content.slice(start, end);
    const expected = /^[-\d]/.test(found) ? String(Number(found)) : found;
    if (expected === found) return [];
    const message = `${pathText(path)} in the manifest of run ${runId} was changed`;
    const place = placeIn(file, content, { start, end });
    return [{ code: 'manifest-edited', message, run: runId, place, expected, found }];
  });
  if (numerals.length > 0 || content === prettyJson(JSON.parse(content))) return numerals;
  const message = `${file} is not as it was written: white space, or a name that stands twice`;
  return [{ code: 'manifest-edited', message, run: runId }];
}

/** JSON that we never write: no digit of it makes it ours, and to try all would take minutes. */
function isForeign(content: string): boolean {
  try {
    JSON.parse(content);
  } catch {
    return false;
  }
  try {
    parseJson(content);
    return false;
  } catch {
    return true;
  }
}

function isWhole(candidate: string, runId: string): boolean {
  try {
    const manifest = JSON.parse(candidate) as Record<string, unknown>;
    return (
      manifest.digest === manifestDigest(manifest) &&
      manifest.runId === runId &&
      manifestSchema.safeParse(manifest).success
    );
  } catch {
    return false;
  }
}
