/** What an index would read, without reading it: names, sizes and times of all its files. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { findLogs } from './find-logs.ts';
import { RACY_MS } from './scan-cache.ts';

/**
 * The same digest: the same index. null when a file was written just now, for its next change may
 * leave no trace in its times. Throws the file system's error when `root` cannot be read.
 */
export function listingDigest(root: string, nowMs: number): string | null {
  const { candidates, skipped } = findLogs(root);
  const hash = createHash('sha256');
  const manifests = new Set<string>();
  for (const { path, stamp, modifiedMs, isNamed, manifest } of candidates) {
    if (nowMs - modifiedMs < RACY_MS) return null;
    if (manifest !== null) manifests.add(manifest);
    hash.update(`${JSON.stringify(path)} ${stamp} ${isNamed}\n`);
  }
  for (const manifest of manifests) {
    const stat = statSync(join(root, manifest), { throwIfNoEntry: false });
    if (nowMs - (stat?.mtimeMs ?? 0) < RACY_MS) return null;
    hash.update(`${stat?.size}:${stat?.mtimeMs}:${stat?.ctimeMs}\n`);
  }
  hash.update(JSON.stringify(skipped));
  return hash.digest('hex');
}
