/**
 * Generated files beside which no evidence stands: whoever deletes a sidecar must not be free to
 * change what it vouched for.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Lab } from '../record/lab.ts';
import type { Discrepancy } from './discrepancy.ts';

const SIDECAR = /\.evidence\.json$/;
const TABLES = new Set(['summary.csv', 'confusion.csv']);
const PICTURE = /\.(svg|png|vl\.json)$/;
/** Every generated Markdown says so in its first lines. */
const WRITTEN_BY = /^> Written by `?assay\b/m;
const HEAD_BYTES = 2048;

/** `sidecars`: all of the lab. Those in `notes/` are a person's. */
export function unvouchedDocuments(lab: Lab, sidecars: readonly string[]): Discrepancy[] {
  const vouched = new Set(sidecars.map((path) => path.replace(SIDECAR, '')));
  return candidates(lab)
    .filter((path) => isGenerated(path) && !vouched.has(stem(path)))
    .sort()
    .map((path) => {
      const file = relative(lab.root, path).replaceAll('\\', '/');
      const message =
        `nothing vouches for ${file}: its evidence (${stem(basename(path))}.evidence.json) was ` +
        'deleted; remove it, and `assay report` writes both again';
      return { code: 'evidence-missing', message };
    });
}

function candidates(lab: Lab): string[] {
  const below = existsSync(lab.reportsDir)
    ? readdirSync(lab.reportsDir, { recursive: true, withFileTypes: true })
    : [];
  const own = existsSync(lab.root) ? readdirSync(lab.root, { withFileTypes: true }) : [];
  return [...own.filter(({ name }) => name.endsWith('.md')), ...below]
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** `charts/speed.vl.json` is vouched for by `charts/speed.evidence.json`. */
function stem(path: string): string {
  return path.replace(/\.(vl\.json|\w+)$/, '');
}

function isGenerated(path: string): boolean {
  const folder = basename(dirname(path));
  if (SIDECAR.test(path) || folder === 'notes') return false;
  if (folder === 'charts' && PICTURE.test(path)) return true;
  return TABLES.has(basename(path)) || (path.endsWith('.md') && WRITTEN_BY.test(headOf(path)));
}

function headOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
